"""Where the adapters keep their documents, handled from outside as an operator would: with the service stopped."""
from __future__ import annotations

import os
import shutil
import uuid
from pathlib import Path
from typing import Any, Protocol

import pymongo
import pytest

from vonglau.documents import Documents, SqliteDocuments
from vonglau.documents.mongo import MongoDocuments


class Place(Protocol):
    def open(self) -> Documents: ...

    def back_up(self) -> None: ...

    def restore(self) -> None: ...

    def empty(self) -> None: ...

    def remove(self) -> None:
        """At the end of a test."""


class SqlitePlace:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "service" / "documents.db"

    def open(self) -> Documents:
        return SqliteDocuments(self._file)

    def back_up(self) -> None:
        shutil.copytree(self._file.parent, self._folder / "copy")

    def restore(self) -> None:
        self.empty()
        shutil.copytree(self._folder / "copy", self._file.parent)

    def empty(self) -> None:
        shutil.rmtree(self._file.parent, ignore_errors=True)

    remove = empty


class MongoPlace:
    def __init__(self, folder: Path) -> None:
        self._url = mongodb_url()
        self._client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(self._url)
        self._copy: dict[str, list[dict[str, Any]]] = {}
        self.database = self._client[f"test_{uuid.uuid4().hex[:12]}"]  # as an administrator sees it

    def open(self) -> MongoDocuments:
        return MongoDocuments(self._url, self.database.name)

    def back_up(self) -> None:
        self._copy = {name: list(self.database[name].find()) for name in self.database.list_collection_names()}

    def restore(self) -> None:
        self.empty()
        for name, rows in self._copy.items():
            self.database.create_collection(name)
            if rows:
                self.database[name].insert_many(rows)

    def empty(self) -> None:
        for name in self.database.list_collection_names():
            self.database.drop_collection(name)

    def remove(self) -> None:
        self._client.drop_database(self.database.name)
        self._client.close()


PLACES = [pytest.param(SqlitePlace, id="sqlite"), pytest.param(MongoPlace, id="mongodb", marks=pytest.mark.backends)]


def mongodb_url() -> str:
    url = os.environ.get("VONGLAU_TEST_MONGODB")
    if not url:
        pytest.skip("VONGLAU_TEST_MONGODB is not set: mongodb://host:port of a server for tests")
    return url
