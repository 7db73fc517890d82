"""Checkpoints, one document per projection and log, moved by compare-and-set.

    vonglau.checkpoints   {_id: <projection>/<log>, line, projection, log, sequence, created_ns, updated_ns}

`line` changes when a rebuild is switched in, so that whoever wrote to the documents of before cannot move the checkpoint of the new ones.
"""
from __future__ import annotations

import uuid
from dataclasses import asdict, replace

from pymongo.errors import DuplicateKeyError

from vonglau.documents.mongo_writes import Database, Row
from vonglau.documents.port import Checkpoint, Overtaken, building


class Checkpoints:
    def __init__(self, database: Database) -> None:
        self._saved = database["vonglau.checkpoints"]

    async def of(self, projection: str) -> dict[str, Checkpoint]:
        """By log."""
        rows = await self._saved.find({"projection": projection}).to_list(None)
        return {row["log"]: checkpoint(row) for row in rows}

    async def standing(self, wanted: Checkpoint, follows: int | None) -> str:
        """The line of the saved checkpoint that `wanted` goes on from; empty where there is none yet.

        Raises: Overtaken, if it does not go on from there.
        """
        row = await self._saved.find_one({"_id": identity(wanted)})
        if (row["sequence"] if row else None) != follows:
            raise Overtaken(f"{wanted.projection} on {wanted.log} stands at {row['sequence'] if row else None}, not at {follows}")
        return str(row["line"]) if row else ""

    async def advance(self, to: Checkpoint, follows: int | None, line: str) -> None:
        """Raises: Overtaken, if somebody else moved it."""
        if follows is None:
            try:
                await self._saved.insert_one({"_id": identity(to), **fields(to)})
            except DuplicateKeyError:
                raise Overtaken(f"{to.projection} on {to.log} was begun by somebody else") from None
            return
        moved = await self._saved.replace_one({"_id": identity(to), "sequence": follows, "line": line}, {**fields(to), "line": line})
        if moved.matched_count != 1:
            raise Overtaken(f"{to.projection} on {to.log} was moved by somebody else")

    async def switch(self, projection: str) -> None:
        """Those of `<projection>~new`, if there are any, in the place of the projection's."""
        new = await self.of(building(projection))
        if not new:
            return
        await self._saved.delete_many({"projection": projection, "log": {"$nin": list(new)}})
        for each in new.values():
            switched = replace(each, projection=projection)
            await self._saved.replace_one({"_id": identity(switched)}, fields(switched), upsert=True)
        await self.drop(building(projection))

    async def drop(self, projection: str) -> None:
        await self._saved.delete_many({"projection": projection})

    async def drop_all(self) -> None:
        await self._saved.delete_many({})


def fields(of: Checkpoint) -> Row:
    """On a line of its own."""
    return {**asdict(of), "line": uuid.uuid4().hex}


def identity(of: Checkpoint) -> str:
    return f"{of.projection}/{of.log}"


def checkpoint(row: Row) -> Checkpoint:
    return Checkpoint(row["projection"], row["log"], row["sequence"], row["created_ns"], row["updated_ns"])
