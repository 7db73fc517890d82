"""Starting, stopping, and one replica at a time."""
from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from vonglau.documents import Changes, Documents
from vonglau.errors import Unavailable
from vonglau.subscription import MemoryEvents, Pace, ProjectionRunner
from vonglau.testing.projections import LOG, TornDocuments, contents, number_event, projection_of
from vonglau.testing.waiting import eventually


class OneAtATime:
    """A lease within one process, that can be taken away."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self.holder: asyncio.Task[Any] | None = None
        self.holders = 0

    def held(self) -> AbstractAsyncContextManager[None]:
        return self._held()

    @asynccontextmanager
    async def _held(self) -> AsyncIterator[None]:
        async with self._lock:
            self.holders += 1
            self.holder = asyncio.current_task()
            try:
                yield
            except asyncio.CancelledError:
                if self.holder is not None:
                    raise
                asyncio.current_task().uncancel()  # type: ignore[union-attr]
                raise ConnectionError("the lease is lost") from None

    def take_away(self) -> None:
        task, self.holder = self.holder, None
        assert task is not None
        task.cancel()


def numbered(count: int) -> MemoryEvents:
    return MemoryEvents([number_event(sequence, "cam", sequence) for sequence in range(1, count + 1)])


async def test_one_replica_runs_it_and_the_next_takes_over(run: Any, documents: Documents) -> None:
    events, lease = numbered(5), OneAtATime()
    second = ProjectionRunner(projection_of(), documents=documents, events=events, lease=lease, pace=Pace(wait=0.05))
    async with run(projection_of(), documents, events, lease=lease) as first:
        await first.passed(f"{LOG}:5", 5)
        await second.start()
        with pytest.raises(Unavailable) as refusal:
            await second.replay("cam")
        assert refusal.value.reason == "RUNS_ELSEWHERE"
        assert lease.holders == 1
    events.events.append(number_event(6, "cam", 6))
    await second.passed(f"{LOG}:6", 5)
    assert lease.holders == 2
    await second.stop()
    assert (await contents(documents))["cam"]["numbers"] == [1, 2, 3, 4, 5, 6]


async def test_a_lost_lease_stops_the_work_and_a_new_one_resumes_it(run: Any, documents: Documents) -> None:
    events, lease = numbered(5), OneAtATime()
    async with run(projection_of(), documents, events, lease=lease) as runner:
        await runner.passed(f"{LOG}:5", 5)
        lease.take_away()
        events.events.append(number_event(6, "cam", 6))
        await runner.passed(f"{LOG}:6", 5)
        assert lease.holders == 2


class Slow(TornDocuments):
    """Takes its time over each write."""

    def __init__(self, documents: Documents, seconds: float) -> None:
        super().__init__(documents)
        self._seconds = seconds
        self.writing = asyncio.Event()

    async def apply(self, changes: Changes) -> None:
        if changes.writes:
            self.writing.set()
            await asyncio.sleep(self._seconds)
        await super().apply(changes)


async def test_the_batch_in_hand_is_written_before_it_stops(documents: Documents) -> None:
    slow = Slow(documents, 0.2)
    runner = ProjectionRunner(projection_of(), documents=slow, events=numbered(5))
    await runner.start()
    await slow.writing.wait()
    await runner.stop()
    assert (await contents(documents))["cam"]["numbers"] == [1, 2, 3, 4, 5]
    assert (await documents.checkpoints("numbers"))[LOG].sequence == 5


async def test_stopping_is_bounded_and_the_batch_is_repeated_at_the_next_start(run: Any, documents: Documents) -> None:
    slow = Slow(documents, 60)
    runner = ProjectionRunner(projection_of(), documents=slow, events=numbered(5), pace=Pace(drain=0.1))
    await runner.start()
    await slow.writing.wait()
    begun = time.monotonic()
    await runner.stop()
    assert time.monotonic() - begun < 5
    assert await contents(documents) == {}
    async with run(projection_of(), documents, numbered(5)) as again:
        await again.passed(f"{LOG}:5", 5)
    assert (await contents(documents))["cam"]["numbers"] == [1, 2, 3, 4, 5]


async def test_documents_that_are_away_at_the_start_are_waited_for(run: Any, documents: Documents) -> None:
    class Away(TornDocuments):
        is_away = True

        async def prepare(self, *what: Any) -> None:
            if self.is_away:
                raise Unavailable("DOCUMENTS_UNAVAILABLE", "away", retry_after=0)
            await self._documents.prepare(*what)

    away = Away(documents)
    async with run(projection_of(), away, numbered(5)) as runner:
        with pytest.raises(Unavailable):
            await runner.passed(f"{LOG}:5", 0.05)
        away.is_away = False
        await runner.passed(f"{LOG}:5", 5)


class Overtaxed(TornDocuments):
    """Gives up on more than so many documents at once, as a server does that is too slow for what is left of a deadline."""

    most = 50

    def __init__(self, documents: Documents) -> None:
        super().__init__(documents)
        self.taken: list[int] = []

    async def apply(self, changes: Changes) -> None:
        if len(changes.writes) > self.most:
            raise Unavailable("DOCUMENTS_UNAVAILABLE", "timed out", retry_after=0)
        await self._documents.apply(changes)
        self.taken.append(len(changes.writes))


@pytest.mark.parametrize("is_rebuilt", [False, True])
async def test_a_store_too_slow_for_a_whole_batch_is_given_smaller_ones_and_larger_ones_once_it_can(run: Any, documents: Documents, is_rebuilt: bool) -> None:
    events = MemoryEvents([number_event(sequence, f"cam-{sequence}", sequence) for sequence in range(1, 501)])
    overtaxed = Overtaxed(documents)
    overtaxed.most = 5000 if is_rebuilt else 50
    async with run(projection_of(), overtaxed, events, pace=Pace(retry=0.01)) as runner:
        await runner.passed(f"{LOG}:500", 20)
        if is_rebuilt:
            overtaxed.most = 50
            assert [each.phase async for each in runner.rebuild()][-1] == "done"
        assert {f"cam-{number}" for number in range(1, 501)} <= (await contents(documents)).keys()
        overtaxed.most = 5000
        overtaxed.taken.clear()
        for sequence in range(501, 1001):
            events.events.append(number_event(sequence, f"cam-{sequence}", sequence))
        await runner.passed(f"{LOG}:1000", 20)
        assert max(overtaxed.taken) > 50


async def test_a_bug_outside_of_the_views_is_survived_too(run: Any, documents: Documents) -> None:
    class Buggy(TornDocuments):
        bugs = 2

        async def apply(self, changes: Changes) -> None:
            if changes.writes and self.bugs:
                self.bugs -= 1
                raise AttributeError("no such thing")
            await self._documents.apply(changes)

    async with run(projection_of(), Buggy(documents), numbered(5)) as runner:

        async def done() -> bool:
            return LOG in (saved := await documents.checkpoints("numbers")) and saved[LOG].sequence == 5

        await eventually(done)
        await runner.passed(f"{LOG}:5", 5)
