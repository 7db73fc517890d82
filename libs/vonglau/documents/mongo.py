"""Documents in MongoDB: a database per service, a collection per collection. The only user of motor.

Right without transactions: writes are guarded one by one, and the checkpoint comes after them. What a crash between leaves is made harmless
by the guards when the events come again. Motor gets fixes until 14 May 2027; the way out is PyMongo's AsyncMongoClient, whose calls differ
only where motor hands out cursors without waiting; the contract suite says whether it is done.
"""
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import pymongo
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.errors import OperationFailure
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from vonglau.deadline import bounded
from vonglau.documents.mongo_catalogue import Catalogue
from vonglau.documents.mongo_checkpoints import Checkpoints
from vonglau.documents.mongo_failures import READ_ANEW, named_failures
from vonglau.documents.mongo_query import Filter, behind, filtered, ordered
from vonglau.documents.mongo_writes import Collection, Row, document, forget, put, stored
from vonglau.documents.port import Changes, Checkpoint, Condition, Document, Index, Stored
from vonglau.errors import Unavailable

R = TypeVar("R")
MOST_S = 10.0  # for one step where the caller has more time, or no deadline
REACHED_WITHIN_S = 1.5  # a server that did not answer last time; less than a caller waits, so that it learns why
NO_ROWS: list[Row] = []
EVERYTHING = ""  # in place of a projection: a collection was lost, so that all is forgotten and filled again
READS = 3  # of what was exchanged while it was being read


class MongoDocuments:
    """The port `Documents` on a database. Acknowledged writes survive the loss of a minority of the servers."""

    def __init__(self, url: str, database: str, *, most: float = MOST_S, **options: Any) -> None:
        """most: s for one step. options: of the client, such as username, password, tlsCAFile. It connects when it is first asked."""
        self._client = AsyncIOMotorClient[Row](url, **{"retryReads": False, "retryWrites": False, **options})  # the driver would go on to the deadline
        self._reached = False  # when it was last asked
        self._database = self._client.get_database(
            database, read_preference=pymongo.ReadPreference.PRIMARY, read_concern=ReadConcern("majority"), write_concern=WriteConcern("majority")
        )
        self._catalogue = Catalogue(self._database)
        self._checkpoints = Checkpoints(self._database)
        self._most = most
        self._writing = asyncio.Lock()  # of this process; other processes are kept apart by guards and leases

    @property
    def sees_a_server(self) -> bool:
        """Whether the driver knows of one to ask; it waits for one to the end of what it is given."""
        topology: Any = self._client.topology_description  # motor's types take it for a method
        return bool(topology.has_writable_server())

    async def prepare(self, collection: str, indexes: Iterable[Index] = ()) -> None:
        async with self._step():
            await self._finish_begun()
            if not await self._catalogue.make(collection):
                await self._catalogue.begin(EVERYTHING, [])
                await self._finish_begun()
                await self._catalogue.make(collection)
        with named_failures():  # building an index takes as long as it takes; the collection is in use meanwhile
            await self._catalogue.index(collection, list(indexes))

    async def get(self, collection: str, id: str) -> Document | None:  # noqa: A002 - the word of the domain
        return (await self.get_many(collection, [id])).get(id)

    async def get_many(self, collection: str, ids: Iterable[str]) -> dict[str, Document]:
        found = await self.read(collection, ids)
        return {name: entry.document for name, entry in found.items() if entry.document is not None}

    async def find(
        self, collection: str, *where: Condition, order: str = "_id", descending: bool = False, after: str = "", limit: int = 100
    ) -> list[Document]:
        wanted = filtered(where)
        if after:
            wanted = {"$and": [wanted, behind(order, after, descending=descending)]}
        if limit < 1:
            return []

        async def rows(place: Collection) -> list[Row]:
            return await place.find(wanted).sort(ordered(order, descending=descending)).limit(limit).to_list(None)

        return [document(row) for row in await self._asked(collection, rows, NO_ROWS)]

    async def count(self, collection: str, *where: Condition) -> int:
        wanted = filtered(where)
        return await self._asked(collection, lambda place: place.count_documents(wanted), 0)

    async def read(self, collection: str, ids: Iterable[str]) -> dict[str, Stored]:
        wanted: Filter = {"_id": {"$in": list(ids)}}

        async def rows(place: Collection) -> list[Row]:
            return await place.find(wanted).to_list(None)

        return {row["_id"]: stored(row) for row in await self._asked(collection, rows, NO_ROWS)}

    async def apply(self, changes: Changes) -> None:
        async with self._writing, self._step():
            standing = await self._checkpoints.standing(changes.checkpoint, changes.follows) if changes.checkpoint else ""
            places = await self._catalogue.places([write.collection for write in changes.writes] + [name for name, _ in changes.forgotten])
            await put(places, changes.writes)
            await forget(places, changes.forgotten)
            if changes.checkpoint is not None:
                await self._checkpoints.advance(changes.checkpoint, changes.follows, standing)

    async def checkpoints(self, projection: str) -> dict[str, Checkpoint]:
        async with self._step():
            return await self._checkpoints.of(projection)

    async def swap(self, projection: str, collections: Iterable[str]) -> None:
        async with self._writing, self._step():
            await self._catalogue.begin(projection, list(collections))
            await self._finish_begun()

    async def _finish_begun(self) -> None:
        """Also what a killed process began: half a switch would be new documents beside old parked keys."""
        for projection, collections in await self._catalogue.begun():
            if projection == EVERYTHING:
                await self._checkpoints.drop_all()  # first, so that whoever reads knows by them whether what it read before was whole
                await self._catalogue.drop_all()
            else:
                await self._catalogue.switch(collections)
                await self._checkpoints.switch(projection)
            await self._catalogue.done(projection)

    async def drop(self, projection: str, collections: Iterable[str]) -> None:
        async with self._writing, self._step():
            await self._finish_begun()
            await self._catalogue.drop(collections)
            await self._checkpoints.drop(projection)

    async def close(self) -> None:
        async with self._writing:
            self._client.close()

    async def _asked(self, collection: str, read: Callable[[Collection], Awaitable[R]], otherwise: R) -> R:
        async with self._step():
            for _ in range(READS - 1):
                try:
                    return await self._catalogue.reading(collection, read, otherwise)
                except OperationFailure as error:
                    if error.code not in READ_ANEW:
                        raise
            return await self._catalogue.reading(collection, read, otherwise)

    @asynccontextmanager
    async def _step(self) -> AsyncIterator[None]:
        try:
            with named_failures():
                if not self._reached or not self.sees_a_server:
                    with pymongo.timeout(bounded(REACHED_WITHIN_S)):
                        await self._client.admin.command("ping")
                with pymongo.timeout(bounded(self._most)):
                    self._reached = True
                    yield
        except Unavailable:
            self._reached = False
            raise
