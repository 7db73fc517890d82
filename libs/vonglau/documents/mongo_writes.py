"""What a document looks like in MongoDB, and how writes are guarded there.

    {_id, seq: guard as text, key: order key, body: {…}}; a tombstone has no body

The guard is canonical JSON, so that one comparison tells whether a document still is the one that a write was computed from.
"""
from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import orjson
from motor.motor_asyncio import AsyncIOMotorCollection, AsyncIOMotorDatabase
from pymongo import ReplaceOne
from pymongo.errors import BulkWriteError

from vonglau.documents.port import Document, Overtaken, Stored, Write

Row = dict[str, Any]
Database: TypeAlias = "AsyncIOMotorDatabase[Row]"  # quoted: only the type stubs know these as generic
Collection: TypeAlias = "AsyncIOMotorCollection[Row]"
DUPLICATE_KEY = 11000


def stored(row: Row) -> Stored:
    return Stored(document(row) if "body" in row else None, orjson.loads(row["seq"]), row["key"])


def document(row: Row) -> Document:
    return {**row["body"], "_id": row["_id"], "_seq": orjson.loads(row["seq"])}


def guard(of: Mapping[str, int]) -> str:
    return json.dumps(of, sort_keys=True, separators=(",", ":"))


def replacement(write: Write) -> ReplaceOne[Row]:
    """Replaces the state that the write was computed from, or makes the document; a document in another state is a duplicate key."""
    after = {**write.base, write.log: write.sequence} if write.log else write.base
    row: Row = {"_id": write.id, "seq": guard(after), "key": write.key}
    if write.document is not None:
        row["body"] = {name: value for name, value in write.document.items() if name not in {"_id", "_seq"}}
    return ReplaceOne({"_id": write.id, "seq": guard(write.base)}, row, upsert=True)


async def put(places: Mapping[str, Collection], writes: Iterable[Write]) -> None:
    """places: by the names of collections. Raises: Overtaken; some of the writes may have been done by then."""
    by_collection: defaultdict[str, list[Write]] = defaultdict(list)
    for write in writes:
        by_collection[write.collection].append(write)
    for collection, every in by_collection.items():
        for batch in without_repetitions(every):
            await _put_batch(places[collection], batch)


def without_repetitions(writes: Sequence[Write]) -> Iterator[list[Write]]:
    """Batches, in order, in each of which no document comes twice: a batch is written in any order."""
    batch: dict[str, Write] = {}
    for write in writes:
        if write.id in batch:
            yield list(batch.values())
            batch = {}
        batch[write.id] = write
    if batch:
        yield list(batch.values())


async def _put_batch(collection: Collection, writes: Sequence[Write]) -> None:
    try:
        await collection.bulk_write([replacement(write) for write in writes], ordered=False)
    except BulkWriteError as error:
        failed = error.details["writeErrors"]
        if error.details["writeConcernErrors"] or any(each["code"] != DUPLICATE_KEY for each in failed):
            raise
        await _must_be_in(collection, [writes[each["index"]] for each in failed])


async def forget(places: Mapping[str, Collection], forgotten: Iterable[tuple[str, str]]) -> None:
    by_collection: defaultdict[str, list[str]] = defaultdict(list)
    for collection, name in forgotten:
        by_collection[collection].append(name)
    for collection, names in by_collection.items():
        await places[collection].delete_many({"_id": {"$in": names}})


async def _must_be_in(collection: Collection, writes: Sequence[Write]) -> None:
    """Raises: Overtaken, unless the stored guards have reached these writes."""
    rows = collection.find({"_id": {"$in": [write.id for write in writes]}}, {"seq": 1})
    reached = {row["_id"]: orjson.loads(row["seq"]) for row in await rows.to_list(None)}
    for write in writes:
        if reached.get(write.id, {}).get(write.log, -1) < write.sequence:
            raise Overtaken(f"{write.id} was changed meanwhile")
