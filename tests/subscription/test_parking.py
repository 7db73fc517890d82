"""An event that cannot be applied waits with its key; the others go on."""
from __future__ import annotations

from typing import Any

import pytest

from vonglau.documents import Documents
from vonglau.errors import NotFound, RetryLater
from vonglau.eventlog import Recorded
from vonglau.subscription import MemoryEvents, Projection, Source
from vonglau.testing.clock import SettableClock
from vonglau.testing.projections import LOG, SUBJECTS, Numbers, contents, number_event, projection_of
from vonglau.testing.waiting import eventually


def two_cameras(count: int = 20) -> list[Recorded]:
    return [number_event(sequence, f"cam-{sequence % 2}", sequence) for sequence in range(1, count + 1)]


async def test_later_events_of_the_key_wait_and_other_keys_go_on(run: Any, documents: Documents) -> None:
    async with run(projection_of(Numbers(poison={6})), documents, MemoryEvents(two_cameras())) as runner:
        await runner.passed(f"{LOG}:20", 5)
        found = await contents(documents)
        assert found["cam-0"]["numbers"] == [2, 4]
        assert found["cam-1"]["numbers"] == list(range(1, 20, 2))
        (parked,) = await runner.parked_keys()
        assert (parked.key, parked.reason, parked.events) == ("cam-0", "NUMBER_UNLUCKY", 8)


async def test_nothing_of_the_event_that_failed_half_way_stays(run: Any, documents: Documents) -> None:
    """It had changed the camera's own document before its second one failed."""
    async with run(projection_of(Numbers(poison={2})), documents, MemoryEvents([number_event(1, "a", 1), number_event(2, "a", 2)])) as runner:
        await runner.passed(f"{LOG}:2", 5)
        found = await contents(documents)
        assert found["a"]["numbers"] == found["a/0"]["numbers"] == [1]


async def test_replay_gives_the_same_documents_as_a_rebuild(run: Any, documents: Documents) -> None:
    view = Numbers(poison={6})
    async with run(projection_of(view), documents, MemoryEvents(two_cameras())) as runner:
        await runner.passed(f"{LOG}:20", 5)
        view.poison.clear()
        assert await runner.replay("cam-0") == (8, 0, "")
        replayed = await contents(documents)
        assert await runner.parked_keys() == []
        async for _ in runner.rebuild():
            pass
        assert await contents(documents) == replayed


async def test_a_replay_goes_as_far_as_it_can_and_says_what_stands_in_the_way(run: Any, documents: Documents) -> None:
    view = Numbers(poison={6, 12})
    async with run(projection_of(view), documents, MemoryEvents(two_cameras())) as runner:
        await runner.passed(f"{LOG}:20", 5)
        assert await runner.replay("cam-0") == (0, 8, "NUMBER_UNLUCKY")
        view.poison.remove(6)
        assert await runner.replay("cam-0") == (3, 5, "NUMBER_UNLUCKY")
        assert (await contents(documents))["cam-0"]["numbers"] == [2, 4, 6, 8, 10]
        key, waiting = await runner.parked_key("cam-0")
        assert key.events == 5
        assert [event.sequence for event in waiting] == [12, 14, 16, 18, 20]


async def test_waiting_events_are_whole_copies_that_outlive_the_log(run: Any, documents: Documents) -> None:
    view, events = Numbers(poison={2}), MemoryEvents(two_cameras(4))
    original = events.events[1]
    async with run(projection_of(view), documents, events) as runner:
        await runner.passed(f"{LOG}:4", 5)
        events.aged_out = 4
        _, waiting = await runner.parked_key("cam-0")
        assert waiting[0] == original
        view.poison.clear()
        assert (await runner.replay("cam-0")).applied == 2
        assert (await contents(documents))["cam-0"]["numbers"] == [2, 4]


async def test_a_parked_key_is_still_parked_after_a_restart(run: Any, documents: Documents) -> None:
    view, events = Numbers(poison={2}), MemoryEvents(two_cameras(4))
    async with run(projection_of(view), documents, events) as runner:
        await runner.passed(f"{LOG}:4", 5)
    view.poison.clear()
    events.events += [number_event(5, "cam-1", 5), number_event(6, "cam-0", 6)]
    async with run(projection_of(view), documents, events) as runner:
        await runner.passed(f"{LOG}:6", 5)
        assert "cam-0" not in await contents(documents)
        assert (await runner.replay("cam-0")).applied == 3
        assert (await contents(documents))["cam-0"]["numbers"] == [2, 4, 6]


async def test_an_unnamed_error_is_tried_again_and_then_parked_under_its_type(run: Any, documents: Documents) -> None:
    tries = []

    class Flaky(Numbers):
        def evolve(self, document: Any, event: Recorded, id: str) -> Any:  # noqa: A002 - the port's
            if event.sequence == 2:
                tries.append(id)
                raise ZeroDivisionError("no such number")
            return super().evolve(document, event, id)

    async with run(projection_of(Flaky()), documents, MemoryEvents(two_cameras(4))) as runner:
        await runner.passed(f"{LOG}:4", 5)
        (parked,) = await runner.parked_keys()
        assert (parked.reason, parked.message) == ("ZeroDivisionError", "no such number")
        assert len(tries) == 3


async def test_an_error_that_passes_parks_nothing(run: Any, documents: Documents) -> None:
    view = Numbers(errors={2: ZeroDivisionError()})

    class Passing(Numbers):
        def evolve(self, document: Any, event: Recorded, id: str) -> Any:  # noqa: A002 - the port's
            try:
                return view.evolve(document, event, id)
            finally:
                if "/" in id:
                    view.errors.pop(event.sequence, None)

    async with run(projection_of(Passing()), documents, MemoryEvents(two_cameras(4))) as runner:
        await runner.passed(f"{LOG}:4", 5)
        assert await runner.parked_keys() == []
        assert (await contents(documents))["cam-0"]["numbers"] == [2, 4]


async def test_an_event_that_touches_nothing_knowable_is_parked_with_its_key(run: Any, documents: Documents) -> None:
    broken = Recorded(LOG, 2, "es.test.camera.cam-0", {}, b"no number")
    events = MemoryEvents([number_event(1, "cam-0", 1), broken, number_event(3, "cam-0", 3), number_event(4, "cam-1", 4)])
    async with run(projection_of(), documents, events) as runner:
        await runner.passed(f"{LOG}:4", 5)
        (parked,) = await runner.parked_keys()
        assert (parked.key, parked.reason, parked.events) == ("cam-0", "ValueError", 2)
        assert (await contents(documents))["cam-1"]["numbers"] == [4]


async def test_a_key_that_asks_for_later_is_replayed_by_itself_when_it_is_due(run: Any, documents: Documents) -> None:
    clock, view = SettableClock(), Numbers(errors={2: RetryLater("not yet", delay=30.0)})
    async with run(projection_of(view), documents, MemoryEvents(two_cameras(6)), clock=clock) as runner:
        await runner.passed(f"{LOG}:6", 5)
        (parked,) = await runner.parked_keys()
        assert (parked.reason, parked.retry_at_ns) == ("RETRY_LATER", clock.now_ns() + 30_000_000_000)
        assert (await contents(documents))["cam-1"]["numbers"] == [1, 3, 5]
        view.errors.clear()
        clock.advance(30.0)

        async def replayed() -> bool:
            return not await runner.parked_keys()

        await eventually(replayed)
        assert (await contents(documents))["cam-0"]["numbers"] == [2, 4, 6]


async def test_a_document_that_two_keys_would_change_is_refused_to_the_second(run: Any, documents: Documents) -> None:
    """Otherwise a parked key would hold back a document that others move on."""

    class Shared(Numbers):
        def touches(self, event: Recorded) -> list[str]:
            return ["everybody/0"]

    async with run(projection_of(Shared()), documents, MemoryEvents(two_cameras(4))) as runner:
        await runner.passed(f"{LOG}:4", 5)
        (parked,) = await runner.parked_keys()
        assert (parked.key, parked.reason) == ("cam-0", "DOCUMENT_OF_TWO_KEYS")


async def test_a_key_may_span_aggregates(run: Any, documents: Documents) -> None:
    class Shared(Numbers):
        def touches(self, event: Recorded) -> list[str]:
            return ["everybody"]

    reads = Projection("numbers", [Source(LOG, (SUBJECTS,))], [Shared()], key=lambda _: "all")
    async with run(reads, documents, MemoryEvents(two_cameras(10))) as runner:
        await runner.passed(f"{LOG}:10", 5)
        assert (await contents(documents))["everybody"]["numbers"] == list(range(1, 11))


async def test_a_key_that_is_not_parked_cannot_be_replayed(run: Any, documents: Documents) -> None:
    async with run(projection_of(), documents, MemoryEvents(two_cameras(2))) as runner:
        await runner.passed(f"{LOG}:2", 5)
        for ask in (runner.replay, runner.parked_key):
            with pytest.raises(NotFound):
                await ask("cam-0")


async def test_many_waiting_events_are_replayed_in_order(run: Any, documents: Documents) -> None:
    view = Numbers(poison={1})
    events = MemoryEvents([number_event(sequence, "cam", sequence) for sequence in range(1, 451)])
    async with run(projection_of(view), documents, events) as runner:
        await runner.passed(f"{LOG}:450", 10)
        assert (await runner.parked_keys())[0].events == 450
        view.poison.clear()
        assert await runner.replay("cam") == (450, 0, "")
        assert (await contents(documents))["cam"]["numbers"] == list(range(1, 451))
