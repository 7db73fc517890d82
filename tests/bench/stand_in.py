"""The stand-in for MongoDB, so that what is measured beside it is not one scan of all documents for each write."""
from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pymongo

from vonglau.testing.waiting import eventually


@contextmanager
def unused(url: str) -> Iterator[str]:
    """The same server, for databases that nobody has used; they go at the end."""
    name = f"bench-{uuid.uuid4().hex[:8]}"
    yield urlsplit(url)._replace(path=f"/{name}").geturl()
    with pymongo.MongoClient[dict[str, Any]](url) as client:
        for each in client.list_database_names():
            if each.startswith(name):
                client.drop_database(each)


async def indexed(url: str, service: str, views: int) -> None:
    """Once the service has so many views: give each an index over what writes are guarded by, _id and seq.

    mongod finds the document by its _id and needs none. The stand-in for MongoDB uses an index of all that is asked by, or reads the collection for
    each write: 1,000 guarded writes take it 0.3 s among 1,000 documents, 4 s among 10,000, 9 s among 20,000; with the index 0.03 s among any.
    """
    with pymongo.MongoClient[dict[str, Any]](url) as client:
        database = client[f"{urlsplit(url).path.strip('/')}_{service}"]
        places = await eventually(lambda: rows if len(rows := list(database["vonglau.names"].find())) >= views else None, within=20)
        for row in places:
            database[row["at"]].create_index([("_id", 1), ("seq", 1)], unique=True)
