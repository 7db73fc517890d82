"""A bucket without a server, for what is made of buckets."""
from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from vonglau.broker import Entry
from vonglau.errors import LostRace


class Bucket:
    """As `vonglau.broker.KeyValue`, but that a watch ends with what it was told to give."""

    def __init__(self) -> None:
        self.watched: list[Entry | None] = []
        self.rivals: list[bytes] = []  # values that somebody else writes, each just before an update
        self._entries: dict[str, Entry] = {}
        self._revision = 0

    async def get(self, key: str) -> Entry | None:
        return self._entries.get(key)

    async def put(self, key: str, value: bytes, *, ttl_s: int = 0) -> int:
        return self._write(key, value)

    async def update(self, key: str, value: bytes, revision: int, *, ttl_s: int = 0) -> int:
        if self.rivals:
            self._write(key, self.rivals.pop(0))
        present = self._entries.get(key)
        if revision != (present.revision if present else 0):
            raise LostRace
        return self._write(key, value)

    async def delete(self, key: str) -> int:
        return self._write(key, None)

    async def watch(self, pattern: str = ">") -> AsyncGenerator[Entry | None, None]:
        for each in self.watched:
            yield each

    def _write(self, key: str, value: bytes | None) -> int:
        self._revision += 1
        self._entries[key] = Entry(key, value, self._revision)
        return self._revision


@pytest.fixture
def bucket() -> Bucket:
    return Bucket()
