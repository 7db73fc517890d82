"""Which collections there are. A name points to where its documents lie, so that a rebuilt collection is switched in by moving the name:
one write to one document, which readers see or don't see on any server. Each step can be repeated after a crash.

    vonglau.names      {_id: name, at: where, made}: written before the collection is made, so that what no name points to is rubbish
    vonglau.begun      {_id: projection, collections}: rebuilds that are being switched in
"""
from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from pymongo import IndexModel
from pymongo.errors import CollectionInvalid, DuplicateKeyError, OperationFailure

from vonglau.documents.mongo_query import place
from vonglau.documents.mongo_writes import Collection, Database
from vonglau.documents.port import BUILDING, Index, Overtaken, building

R = TypeVar("R")
INDEX_NOT_FOUND, NAMESPACE_EXISTS = 27, 48
PLACE = re.compile(r".+\.c[0-9a-f]{12}")
OWN = "fields_"  # begins the names of declared indexes


class Catalogue:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._names = database["vonglau.names"]
        self._begun = database["vonglau.begun"]
        self._known: dict[str, str] = {}  # name -> where it was last

    async def make(self, name: str) -> bool:
        """Make sure that it is there. False: it was made before and somebody dropped it."""
        row = await self._names.find_one({"_id": name})
        if row is None:
            row = {"_id": name, "at": f"{name.removesuffix(BUILDING)}.c{uuid.uuid4().hex[:12]}", "made": False}
            try:
                await self._names.insert_one(row)
            except DuplicateKeyError:
                return await self.make(name)
        present = row["at"] in await self._database.list_collection_names(filter={"name": row["at"]})
        if row["made"] and not present:
            return False
        if not present:
            await self._create(row["at"])
        await self._names.update_one({"_id": name, "at": row["at"]}, {"$set": {"made": True}})
        self._known[name] = row["at"]
        return True

    async def _create(self, at: str) -> None:
        try:
            await self._database.create_collection(at)
        except CollectionInvalid:
            return  # another replica was quicker
        except OperationFailure as error:
            if error.code != NAMESPACE_EXISTS:
                raise

    async def index(self, name: str, indexes: Sequence[Index]) -> None:
        """These indexes and no others of ours; those of an administrator stay. Built while the collection is in use."""
        collection = self._database[self._known[name]]
        wanted = {OWN + digest(index): index for index in indexes}
        there = {each for each in await collection.index_information() if each.startswith(OWN)}
        for each in there - wanted.keys():
            try:
                await collection.drop_index(each)
            except OperationFailure as error:
                if error.code != INDEX_NOT_FOUND:
                    raise
        missing = [IndexModel([(place(path), 1) for path in wanted[each].fields], name=each) for each in wanted if each not in there]
        if missing:
            await collection.create_indexes(missing)

    async def reading(self, name: str, read: Callable[[Collection], Awaitable[R]], otherwise: R) -> R:
        """What `read` finds in a collection that was the name's until it had been read; `otherwise` where there is none."""
        at = self._known.get(name) or await self._place(name)
        while at is not None:
            found = await read(self._database[at])
            now = await self._place(name)
            if now == at:
                return found
            at = now
        return otherwise

    async def _place(self, name: str) -> str | None:
        row = await self._names.find_one({"_id": name})
        if row is None:
            self._known.pop(name, None)
            return None
        self._known[name] = row["at"]
        return self._known[name]

    async def places(self, names: Iterable[str]) -> Mapping[str, Collection]:
        """Where these collections are. MongoDB would make one that is gone, and so hide that the store was emptied.

        Raises: Overtaken, if one is gone.
        """
        wanted = set(names)
        if not wanted:
            return {}
        at = {row["_id"]: row["at"] for row in await self._names.find({"_id": {"$in": list(wanted)}}).to_list(None)}
        present = await self._database.list_collection_names(filter={"name": {"$in": list(at.values())}})
        gone = wanted - {name for name, where in at.items() if where in present}
        if gone:
            raise Overtaken(f"the collection {min(gone)} is gone")
        return {name: self._database[where] for name, where in at.items()}

    async def drop(self, names: Iterable[str]) -> None:
        await self._names.delete_many({"_id": {"$in": list(names)}})
        await self._sweep()

    async def drop_all(self) -> None:
        await self._names.delete_many({})
        await self._sweep()

    async def begin(self, projection: str, collections: Sequence[str]) -> None:
        """Write down what is going to be done, so that it is finished whatever happens."""
        await self._begun.replace_one({"_id": projection}, {"collections": list(collections)}, upsert=True)

    async def begun(self) -> list[tuple[str, list[str]]]:
        return [(each["_id"], each["collections"]) for each in await self._begun.find().to_list(None)]

    async def done(self, projection: str) -> None:
        await self._sweep()
        await self._begun.delete_one({"_id": projection})

    async def switch(self, collections: Iterable[str]) -> None:
        """Move the names to what was built for them."""
        for name in collections:
            built = await self._names.find_one({"_id": building(name)})
            if built is not None:
                await self._names.replace_one({"_id": name}, {"at": built["at"], "made": True}, upsert=True)
                await self._names.delete_one({"_id": building(name)})

    async def _sweep(self) -> None:
        """Drop what no name points to. The order matters: whatever is listed had its name before."""
        there = [each for each in await self._database.list_collection_names() if PLACE.fullmatch(each)]
        named = {row["at"] for row in await self._names.find().to_list(None)}
        for each in there:
            if each not in named:
                await self._database.drop_collection(each)


def digest(index: Index) -> str:
    return hashlib.sha256("\0".join(index.fields).encode()).hexdigest()[:12]
