"""Documents in SQLite, a file per service; another program may have it open, too, and only reads: recording's retention job."""
from __future__ import annotations

import json
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from vonglau.documents import sqlite_tables as tables
from vonglau.documents.port import Changes, Checkpoint, Condition, Document, Index, Stored
from vonglau.documents.sqlite_query import behind, filtered, ordered
from vonglau.documents.sqlite_threads import Threads


class SqliteDocuments:
    """The port `Documents` on a file; its folder is made if it is not there. Writes happen one after the other, reads beside them.

    To put a copy in its place first stop every program that has it open, of `recording.db` recording and its retention job, and remove
    `<file>-wal` and `<file>-shm` too.
    """

    def __init__(self, path: Path, *, readers: int = 4) -> None:
        """readers: threads, and so queries at the same time."""
        self._threads = Threads(path, tables.SCHEMA, readers)

    async def prepare(self, collection: str, indexes: Iterable[Index] = ()) -> None:
        await self._threads.write(partial(tables.prepare, collection=collection, indexes=list(indexes)))

    async def get(self, collection: str, id: str) -> Document | None:  # noqa: A002 - the word of the domain
        return (await self.get_many(collection, [id])).get(id)

    async def get_many(self, collection: str, ids: Iterable[str]) -> dict[str, Document]:
        stored = await self.read(collection, ids)
        return {name: entry.document for name, entry in stored.items() if entry.document is not None}

    async def find(
        self, collection: str, *where: Condition, order: str = "_id", descending: bool = False, after: str = "", limit: int = 100
    ) -> list[Document]:
        term, values = filtered(where)
        if after:
            beyond, bound = behind(order, after, descending=descending)
            term, values = f"{term} AND {beyond}", values + bound
        rest = f"WHERE {term} ORDER BY {ordered(order, descending=descending)} LIMIT ?"
        rows = await self._select(collection, rest, [*values, limit], "id, seq, CAST(body AS BLOB)")
        return [tables.document(*row) for row in rows]

    async def count(self, collection: str, *where: Condition) -> int:
        term, values = filtered(where)
        rows = await self._select(collection, f"WHERE {term}", values, "count(*)")
        return int(rows[0][0]) if rows else 0

    async def _select(self, collection: str, rest: str, values: list[Any], columns: str) -> list[Any]:
        return await self._threads.read(partial(tables.select, collection=collection, rest=rest, values=values, columns=columns))

    async def read(self, collection: str, ids: Iterable[str]) -> dict[str, Stored]:
        return await self._threads.read(partial(tables.read, collection=collection, ids=json.dumps(list(ids))))

    async def apply(self, changes: Changes) -> None:
        await self._threads.write(partial(tables.apply, changes=changes))

    async def checkpoints(self, projection: str) -> dict[str, Checkpoint]:
        return await self._threads.read(partial(tables.checkpoints, projection=projection))

    async def swap(self, projection: str, collections: Iterable[str]) -> None:
        await self._threads.write(partial(tables.swap, projection=projection, collections=list(collections)))

    async def drop(self, projection: str, collections: Iterable[str]) -> None:
        await self._threads.write(partial(tables.drop, projection=projection, collections=list(collections)))

    async def close(self) -> None:
        await self._threads.close()
