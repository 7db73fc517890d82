import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, cast

import pytest
from faust.types import TP
from faust.types.tuples import FutureMessage

from faust_jetstream.batch import MAX_BATCH, Outgoing
from faust_jetstream.changelog import BACKLOG, ChangelogWriter
from faust_jetstream.errors import NotStored
from faust_jetstream.offsets import Fenced
from faust_jetstream.testkit import until

CHANGELOG, SOURCE = TP("table-changelog", 0), TP("orders", 0)


class SlowStore:
    """Committed offsets whose confirmations are given by the test."""

    def __init__(self) -> None:
        self.generation = 1
        self.committed = {SOURCE: 7, TP("orders", 1): 9}
        self.sent: list[tuple[dict[TP, int], list[tuple[str, bytes]]]] = []
        self.open: list[asyncio.Future[int]] = []

    async def store(self, offsets: Mapping[TP, int], others: Sequence[Outgoing], generation: int) -> int:
        self.sent.append((dict(offsets), [(one.subject, one.body) for one in others]))
        self.open.append(asyncio.get_running_loop().create_future())
        return await self.open[-1]

    async def asked(self, times: int) -> None:
        await until(lambda: len(self.open) >= times, 5, 0.01)


def put(writer: ChangelogWriter, key: str, body: bytes, source: TP | None = SOURCE) -> FutureMessage:
    future = FutureMessage(cast(Any, None))
    writer.put(key, body, {}, CHANGELOG, source, future)
    return future


@pytest.fixture
async def server() -> SlowStore:
    return SlowStore()


@pytest.fixture
async def fences() -> list[set[TP]]:
    return []


@pytest.fixture
async def writer(server: SlowStore, fences: list[set[TP]]) -> ChangelogWriter:
    made = ChangelogWriter(lambda: server, lambda tps, cause: fences.append(tps))
    made.start()
    return made


async def test_a_newer_value_never_passes_an_unconfirmed_older_one(writer: ChangelogWriter, server: SlowStore) -> None:
    """Repeated after a lost answer, the older one would be stored last and stay."""
    put(writer, "k", b"1")
    await server.asked(1)
    put(writer, "k", b"2")
    put(writer, "k", b"3")
    await asyncio.sleep(0.02)
    assert [changes for _, changes in server.sent] == [[("k", b"1")]]
    server.open[0].set_result(1)
    await server.asked(2)
    assert server.sent[1][1] == [("k", b"3")]


async def test_a_change_is_fenced_by_the_partition_of_its_event(writer: ChangelogWriter, server: SlowStore) -> None:
    put(writer, "k", b"1")
    await server.asked(1)
    assert server.sent[0][0] == {SOURCE: 7}


async def test_values_that_wait_are_replaced_and_all_their_futures_are_kept(writer: ChangelogWriter, server: SlowStore) -> None:
    first = put(writer, "k", b"1")
    await server.asked(1)
    waiting = [put(writer, "k", str(number).encode()) for number in range(2, 9)]
    server.open[0].set_result(10)
    await server.asked(2)
    server.open[1].set_result(11)
    offsets = [(await asyncio.wait_for(future, 5)).offset for future in (first, *waiting)]
    assert (offsets, server.sent[1][1]) == ([9] + [10] * 7, [("k", b"8")])


async def test_each_change_of_a_batch_learns_its_own_offset(writer: ChangelogWriter, server: SlowStore) -> None:
    futures = [put(writer, f"k{number}", b"") for number in range(3)]
    await server.asked(1)
    server.open[0].set_result(100)
    assert [(await asyncio.wait_for(future, 5)).offset for future in futures] == [97, 98, 99]


async def test_flush_waits_for_what_came_before_it_and_not_for_what_follows(writer: ChangelogWriter, server: SlowStore) -> None:
    put(writer, "k", b"1")
    await server.asked(1)
    flush = asyncio.create_task(writer.flush())
    await asyncio.sleep(0)
    put(writer, "later", b"2")
    server.open[0].set_result(1)
    await asyncio.wait_for(flush, 5)


async def test_a_change_that_is_not_stored_stops_the_commit(writer: ChangelogWriter, server: SlowStore) -> None:
    future = put(writer, "k", b"1")
    await server.asked(1)
    server.open[0].set_exception(NotStored("refused"))
    with pytest.raises(NotStored):
        await writer.flush()
    assert future.cancelled()


async def test_a_worker_that_lost_the_partition_writes_nothing_more(writer: ChangelogWriter, server: SlowStore, fences: list[set[TP]]) -> None:
    """A frozen worker that wakes up would put its old values over those of its successor."""
    put(writer, "k", b"old")
    await server.asked(1)
    waiting = put(writer, "other", b"old")
    server.open[0].set_exception(Fenced("wrong last sequence"))
    await until(waiting.cancelled, 5, 0.01)
    assert (fences, len(server.sent), writer.backlog) == ([{SOURCE}], 1, 0)


async def test_a_large_backlog_holds_streams_back_and_goes_in_batches(writer: ChangelogWriter, server: SlowStore) -> None:
    for number in range(BACKLOG + 1):
        put(writer, f"k{number}", b"")
    waiting = asyncio.create_task(writer.ebb())
    await server.asked(1)
    assert not waiting.done()
    assert len(server.sent[0][1]) + len(server.committed) == MAX_BATCH
    server.open[0].set_result(1)
    await server.asked(2)
    server.open[1].set_result(2)
    await asyncio.wait_for(waiting, 5)
    await writer.stop()
