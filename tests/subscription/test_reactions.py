"""Reactions: at least once, in order per key, keys side by side."""
from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import Any

from vonglau.documents import Documents
from vonglau.errors import Poison, RetryLater, Unavailable
from vonglau.eventlog import Recorded
from vonglau.subscription import MemoryEvents, Pace, Source, Subscription
from vonglau.testing.projections import LOG, SUBJECTS, number_event
from vonglau.testing.waiting import eventually


class Handled:
    """A handler that keeps what it was called with, and raises what it is told to."""

    def __init__(self, errors: dict[int, Exception] | None = None) -> None:
        self.numbers: defaultdict[str, list[int]] = defaultdict(list)
        self.errors = errors or {}
        self.calls = 0

    async def __call__(self, event: Recorded) -> None:
        self.calls += 1
        if event.sequence in self.errors:
            raise self.errors[event.sequence]
        await asyncio.sleep(0)
        self.numbers[event.subject.rpartition(".")[2]].append(event.sequence)

    def count(self) -> int:
        return sum(len(numbers) for numbers in self.numbers.values())


def subscribed(handler: Any, **more: Any) -> Subscription:
    return Subscription("reaction", Source(LOG, (SUBJECTS,)), handler, **more)


def numbered(count: int) -> MemoryEvents:
    return MemoryEvents([number_event(sequence, f"cam-{sequence % 3}", sequence) for sequence in range(1, count + 1)])


async def test_every_event_is_handled_once_and_in_the_order_of_its_key(run: Any, documents: Documents) -> None:
    handled = Handled()
    for _ in range(2):  # the second run goes on where the first one stopped
        async with run(subscribed(handled), documents, numbered(50)) as runner:
            await runner.passed(f"{LOG}:50", 5)
    assert [handled.numbers[f"cam-{number}"] for number in range(3)] == [list(range(start, 51, 3)) for start in (3, 1, 2)]


async def test_a_handler_whose_own_work_was_cancelled_has_not_handled_the_event(run: Any, documents: Documents) -> None:
    calls = []

    async def cut_off(event: Recorded) -> None:
        calls.append(event.sequence)
        if len(calls) == 1:
            elsewhere = asyncio.get_running_loop().create_future()
            elsewhere.cancel()
            await elsewhere

    async with run(subscribed(cut_off), documents, numbered(1)):
        await eventually(lambda: calls == [1, 1])


async def test_a_handler_that_loses_a_cancellation_does_not_hold_up_the_stop(run: Any, documents: Documents) -> None:
    begun, lost = asyncio.Event(), []

    async def deaf_once(event: Recorded) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            lost.append(event.sequence)
        await asyncio.Event().wait()

    async with asyncio.timeout(5), run(subscribed(deaf_once), documents, numbered(1), pace=Pace(drain=0.05)):
        await begun.wait()
    assert lost == [1]


async def test_keys_go_side_by_side(run: Any, documents: Documents) -> None:
    together = asyncio.Barrier(3)

    async def meet(event: Recorded) -> None:
        await together.wait()

    async with run(subscribed(meet), documents, numbered(3)) as runner:
        await runner.passed(f"{LOG}:3", 5)


async def test_not_more_keys_at_once_than_it_says(run: Any, documents: Documents) -> None:
    most, now = 0, 0

    async def handle(event: Recorded) -> None:
        nonlocal most, now
        now += 1
        most = max(most, now)
        await asyncio.sleep(0)
        now -= 1

    async with run(subscribed(handle, concurrency=2), documents, numbered(30)) as runner:
        await runner.passed(f"{LOG}:30", 5)
    assert most == 2


async def test_a_poison_event_is_parked_with_its_key_and_replayed_in_order(run: Any, documents: Documents) -> None:
    handled = Handled({4: Poison("UNREADABLE", "no")})
    async with run(subscribed(handled), documents, numbered(12)) as runner:
        await runner.passed(f"{LOG}:12", 5)
        assert handled.numbers["cam-1"] == [1]
        assert handled.numbers["cam-2"] == [2, 5, 8, 11]
        handled.errors.clear()
        assert await runner.replay("cam-1") == (3, 0, "")
        assert handled.numbers["cam-1"] == [1, 4, 7, 10]


async def test_what_is_away_holds_its_key_only_and_is_tried_again_by_itself(run: Any, documents: Documents) -> None:
    handled = Handled({4: RetryLater("later", delay=0.05), 5: Unavailable("LOG_UNAVAILABLE", "away", retry_after=0.05)})
    async with run(subscribed(handled), documents, numbered(12)) as runner:
        await runner.passed(f"{LOG}:12", 5)
        assert handled.numbers["cam-0"] == [3, 6, 9, 12]
        await eventually(lambda: handled.calls > 12)
        handled.errors.clear()
        await eventually(lambda: handled.count() == 12)
        assert handled.numbers["cam-1"] == [1, 4, 7, 10]
        assert handled.numbers["cam-2"] == [2, 5, 8, 11]

        async def nothing_parked() -> bool:
            return not await runner.parked_keys()

        await eventually(nothing_parked)


async def test_a_batch_that_was_cut_short_is_handled_again(run: Any, documents: Documents) -> None:
    """At least once: what was handled before the cut comes a second time."""
    reached = asyncio.Event()
    seen: list[int] = []

    async def handle(event: Recorded) -> None:
        seen.append(event.sequence)
        if len(seen) == 4:
            reached.set()
            await asyncio.Event().wait()

    async with run(subscribed(handle, key=lambda _: "all"), documents, numbered(6), pace=Pace(drain=0.05)):
        await reached.wait()
    async with run(subscribed(handle, key=lambda _: "all"), documents, numbered(6)) as runner:
        await runner.passed(f"{LOG}:6", 5)
    assert seen == [1, 2, 3, 4, 1, 2, 3, 4, 5, 6]
