"""A store that does not answer: a call to it ends when its caller's deadline does, in the thread that made it too."""
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from minio.credentials.providers import StaticProvider
from urllib3.exceptions import MaxRetryError, ReadTimeoutError

from vonglau.deadline import within
from vonglau.errors import Unavailable
from vonglau.footage.s3 import S3Footage
from vonglau.footage.s3_patience import CONNECT_S, READ_S, TRIES, Patience, tries


class SilentStore:
    """Takes connections and never says anything."""

    def __init__(self) -> None:
        self.connections = 0
        self._writers: list[asyncio.StreamWriter] = []

    async def taken(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)

    def close(self) -> None:
        for writer in self._writers:
            writer.close()


@pytest.fixture
async def silent() -> AsyncIterator[tuple[SilentStore, S3Footage]]:
    store = SilentStore()
    server = await asyncio.start_server(store.taken, "127.0.0.1", 0)
    footage = S3Footage(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", StaticProvider("key", "secret-of-nobody"), threads=1)
    yield store, footage
    await footage.close()  # waits for its thread
    store.close()
    server.close()


@pytest.mark.loopback
async def test_a_call_is_given_up_with_its_deadline_and_not_tried_again(silent: tuple[SilentStore, S3Footage]) -> None:
    store, footage = silent
    with within(0.2), pytest.raises(Unavailable) as away:
        await footage.head("police-footage", "cam-1/a.mp4")
    assert (away.value.reason, store.connections) == ("STORAGE_UNAVAILABLE", 1)


def test_without_a_deadline_the_stores_own_bounds_count() -> None:
    patience = Patience().clone()
    assert (patience.connect_timeout, patience.read_timeout) == (CONNECT_S, READ_S)


def test_an_attempt_takes_no_longer_than_is_left() -> None:
    with within(2):
        patience = Patience().clone()
    assert all(isinstance(each, float) and each <= 2 for each in (patience.connect_timeout, patience.read_timeout))


def test_what_fails_is_tried_again_as_long_as_somebody_waits() -> None:
    left = tries()
    for _ in range(TRIES - 1):
        left = left.increment("GET", "/", error=failure())
    with pytest.raises(MaxRetryError):
        left.increment("GET", "/", error=failure())
    with within(0), pytest.raises(MaxRetryError):
        tries().increment("GET", "/", error=failure())


def failure() -> ReadTimeoutError:
    return ReadTimeoutError(None, "/", "nothing came")  # type: ignore[arg-type]
