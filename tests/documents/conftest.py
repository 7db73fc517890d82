"""The adapters on which the contract of `vonglau.documents` runs."""
from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

import pytest

from vonglau.documents import Documents, SqliteDocuments


class Place(Protocol):
    """Where an adapter keeps its documents, handled from outside as an operator would: with the service stopped."""

    def open(self) -> Documents: ...

    def back_up(self) -> None: ...

    def restore(self) -> None: ...

    def empty(self) -> None: ...


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


@pytest.fixture(params=[SqlitePlace], ids=["sqlite"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    made: Place = request.param(tmp_path)
    return made


@pytest.fixture
async def store(place: Place) -> AsyncIterator[Documents]:
    documents = place.open()
    await documents.prepare("things")
    yield documents
    await documents.close()
