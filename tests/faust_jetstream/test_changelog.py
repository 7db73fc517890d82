import asyncio
from typing import Any, cast

import pytest
from faust.types import TP
from faust.types.tuples import FutureMessage

from faust_jetstream.changelog import BACKLOG, ChangelogWriter
from faust_jetstream.errors import NotStored
from faust_jetstream.publisher import Publisher
from faust_jetstream.testkit import until

TP0 = TP("table-changelog", 0)


class SlowServer:
    """A publisher whose confirmations are given by the test."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes]] = []
        self.open: list[asyncio.Future[int]] = []

    def check_size(self, subject: str, body: bytes) -> None:
        pass

    async def publish(self, subject: str, body: bytes, headers: dict[str, str]) -> "asyncio.Future[int]":
        await asyncio.sleep(0)
        self.sent.append((subject, body))
        self.open.append(asyncio.get_running_loop().create_future())
        return self.open[-1]


def put(writer: ChangelogWriter, key: str, body: bytes) -> FutureMessage:
    future = FutureMessage(cast(Any, None))
    writer.put(key, body, {}, TP0, future)
    return future


@pytest.fixture
async def server() -> SlowServer:
    return SlowServer()


@pytest.fixture
async def writer(server: SlowServer) -> ChangelogWriter:
    made = ChangelogWriter(cast(Publisher, server))
    made.start()
    return made


async def test_a_newer_value_never_passes_an_unconfirmed_older_one(writer: ChangelogWriter, server: SlowServer) -> None:
    """Repeated after a lost answer, the older one would be stored last and stay."""
    put(writer, "k", b"1")
    await until(lambda: server.sent, 5, 0.01)
    put(writer, "k", b"2")
    put(writer, "other", b"3")
    await until(lambda: len(server.sent) == 2, 5, 0.01)
    assert server.sent == [("k", b"1"), ("other", b"3")]
    server.open[0].set_result(1)
    await until(lambda: len(server.sent) == 3, 5, 0.01)
    assert server.sent[2] == ("k", b"2")


async def test_values_that_wait_are_replaced_and_all_their_futures_are_kept(writer: ChangelogWriter, server: SlowServer) -> None:
    first = put(writer, "k", b"1")
    await until(lambda: server.sent, 5, 0.01)
    waiting = [put(writer, "k", str(number).encode()) for number in range(2, 9)]
    server.open[0].set_result(10)
    await until(lambda: len(server.open) == 2, 5, 0.01)
    server.open[1].set_result(11)
    offsets = [(await asyncio.wait_for(future, 5)).offset for future in (first, *waiting)]
    assert (offsets, server.sent[1]) == ([9] + [10] * 7, ("k", b"8"))


async def test_flush_waits_for_what_came_before_it_and_not_for_what_follows(writer: ChangelogWriter, server: SlowServer) -> None:
    put(writer, "k", b"1")
    await until(lambda: server.open, 5, 0.01)
    flush = asyncio.create_task(writer.flush())
    await asyncio.sleep(0)
    put(writer, "later", b"2")
    server.open[0].set_result(1)
    await asyncio.wait_for(flush, 5)


async def test_a_change_that_is_not_stored_stops_the_commit(writer: ChangelogWriter, server: SlowServer) -> None:
    future = put(writer, "k", b"1")
    await until(lambda: server.open, 5, 0.01)
    server.open[0].set_exception(NotStored("refused"))
    with pytest.raises(NotStored):
        await writer.flush()
    assert future.cancelled()


async def test_a_large_backlog_holds_streams_back(writer: ChangelogWriter, server: SlowServer) -> None:
    for number in range(BACKLOG + 1):
        put(writer, f"k{number}", b"")
    waiting = asyncio.create_task(writer.ebb())
    await asyncio.sleep(0)
    assert not waiting.done()
    await asyncio.wait_for(waiting, 5)
    assert writer.backlog <= BACKLOG // 2
    await writer.stop()
