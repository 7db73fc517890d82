"""What a running projection tells: lag, parked keys, stops, interruptions."""
from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.subscription.conftest import LosableLease
from vonglau.clock import utc
from vonglau.documents import Changes, Documents
from vonglau.errors import Poison, RetryLater
from vonglau.eventlog import Recorded
from vonglau.subscription import MemoryEvents, Source, Subscription
from vonglau.testing.clock import SettableClock
from vonglau.testing.projections import LOG, SUBJECTS, Numbers, TornDocuments, UnrulyEvents, number_event, projection_of
from vonglau.testing.waiting import eventually

OWN = {"vonglau.projection": "numbers", "vonglau.stream": LOG}
AGE = "vonglau.projection.age"


class GatedDocuments:
    """Each commit of documents waits until a test lets it pass."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self.gate = asyncio.Semaphore(0)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._documents, name)

    async def apply(self, changes: Changes) -> None:
        if changes.writes:
            await self.gate.acquire()
        await self._documents.apply(changes)


def dated(sequence: int, time: str) -> Recorded:
    event = number_event(sequence, "cam", sequence)
    return Recorded(LOG, sequence, event.subject, {**event.headers, "ce-time": time}, event.body)


async def test_lag_and_parked_keys_are_told_per_projection(exported: Any, run: Any, documents: Documents) -> None:
    events = MemoryEvents([number_event(sequence, f"cam-{sequence}", sequence) for sequence in range(1, 6)])
    async with run(projection_of(Numbers(poison={2, 4})), documents, events) as runner:
        await runner.passed(f"{LOG}:5", 5)
        own = {"vonglau.projection": "numbers"}
        await eventually(lambda: exported.value("vonglau.projection.parked_keys", **own) == 2)
        assert exported.value("vonglau.projection.pending", **own, **{"vonglau.stream": LOG}) == 0
        assert exported.value("vonglau.projection.age", **own, **{"vonglau.stream": LOG}) == 0
        assert exported.value("vonglau.projection.stopped", **own) == 0


async def test_a_projection_that_cannot_write_its_documents_grows_older_and_tells_what_waits(exported: Any, run: Any, documents: Documents) -> None:
    torn = TornDocuments(documents, fail_at=range(2, 10_000))  # the first step is its first checkpoint
    clock = SettableClock()
    events = MemoryEvents([dated(sequence, utc(clock.now_ns() + (sequence - 4) * 10**9).isoformat()) for sequence in range(1, 4)])
    async with run(projection_of(), torn, events, clock=clock):
        await eventually(lambda: exported.value("vonglau.projection.pending", **OWN) == 3)
        assert exported.value(AGE, **OWN) == 3
        clock.advance(100)
        assert exported.value(AGE, **OWN) == 103


async def test_a_projection_that_moves_slower_than_events_come_grows_older_with_each_commit(exported: Any, run: Any, documents: Documents) -> None:
    clock, gated = SettableClock(), GatedDocuments(documents)
    begin_ns = clock.now_ns()
    events = MemoryEvents([dated(second, utc(begin_ns + second * 10**9).isoformat()) for second in range(1, 200)])
    async with run(projection_of(), gated, events, clock=clock) as runner:  # 7 events in a commit
        for commits in range(1, 5):
            clock.advance(20)  # one event comes in a second, one commit takes 20
            gated.gate.release()
            await runner.passed(f"{LOG}:{7 * commits}", 5)
            oldest = pytest.approx(20 * commits - (7 * commits + 1))
            await eventually(lambda: exported.value(AGE, **OWN) == oldest)  # noqa: B023 - awaited in its round
        gated.gate.release()  # the commit that has begun


@pytest.mark.parametrize("time", ["", "yesterday", "0001-01-01T00:00:00"])
async def test_an_event_that_does_not_say_when_it_was_written_is_applied_and_no_alarm(exported: Any, run: Any, documents: Documents, time: str) -> None:
    clock, gated = SettableClock(), GatedDocuments(documents)
    async with run(projection_of(), gated, MemoryEvents([dated(1, time)]), clock=clock) as runner:
        await eventually(lambda: exported.value("vonglau.projection.pending", **OWN) == 1)
        assert exported.value(AGE, **OWN) == 0
        gated.gate.release()
        await runner.passed(f"{LOG}:1", 5)


async def test_who_has_lost_the_lease_leaves_it_to_another_to_tell_how_far_behind_it_is(exported: Any, run: Any, documents: Documents) -> None:
    lease = LosableLease()
    async with run(projection_of(), GatedDocuments(documents), MemoryEvents([number_event(1, "cam", 1)]), lease=lease):
        await eventually(lambda: exported.value("vonglau.projection.pending", **OWN) == 1)
        lease.lose()
        await eventually(lambda: exported.value("vonglau.projection.pending", **OWN) is None)
        assert exported.value(AGE, **OWN) is None


async def test_a_parked_key_that_was_applied_by_itself_is_told_no_longer(exported: Any, run: Any, documents: Documents) -> None:
    view = Numbers(errors={2: RetryLater("not yet", delay=0.01)})
    own = {"vonglau.projection": "numbers"}
    async with run(projection_of(view), documents, MemoryEvents([number_event(1, "cam", 1), number_event(2, "cam", 2)])):
        await eventually(lambda: exported.value("vonglau.projection.parked_keys", **own) == 1)
        view.errors.clear()
        await eventually(lambda: exported.value("vonglau.projection.parked_keys", **own) == 0)


async def test_a_stopped_projection_is_told_with_its_reason(exported: Any, run: Any, documents: Documents) -> None:
    async with run(projection_of(), documents, MemoryEvents([number_event(1, "cam", 1)])) as runner:
        await runner.passed(f"{LOG}:1", 5)
    async with run(projection_of(), documents, MemoryEvents([number_event(1, "cam", 1)], created_ns=2)):
        await eventually(lambda: exported.value("vonglau.projection.stopped", **{"error.type": "STREAM_REPLACED"}) == 1)


async def test_interruptions_are_counted_by_reason(exported: Any, run: Any, documents: Documents) -> None:
    class AlwaysBroken:
        def random(self) -> float:
            return 0.0

        def randint(self, least: int, most: int) -> int:
            return least

    async with run(projection_of(), documents, UnrulyEvents([], AlwaysBroken())):  # type: ignore[arg-type]
        interrupted = {"vonglau.loop": "numbers", "error.type": "Interrupted"}
        await eventually(lambda: (exported.value("vonglau.loop.errors", **interrupted) or 0) >= 2)


async def test_a_reaction_is_a_span_in_the_trace_of_whoever_wrote_the_event(exported: Any, run: Any, documents: Documents) -> None:
    async def handle(event: Recorded) -> None:
        """Nothing to do."""

    trace = "0af7651916cd43dd8448eb211c80319c"
    written = number_event(1, "cam", 1)
    traced = Recorded(LOG, 1, written.subject, {**written.headers, "traceparent": f"00-{trace}-b7ad6b7169203331-01"}, written.body)
    async with run(Subscription("reaction", Source(LOG, (SUBJECTS,)), handle), documents, MemoryEvents([traced])) as runner:
        await runner.passed(f"{LOG}:1", 5)
    (span,) = exported.spans()
    assert span.name == "process es.test.camera.{id}"
    assert f"{span.context.trace_id:032x}" == trace


async def test_a_replayed_reaction_is_a_trace_of_its_own_that_links_to_whoever_wrote_the_event(exported: Any, run: Any, documents: Documents) -> None:
    refusals = [Poison("NUMBER_UNLUCKY", "not today")]

    async def handle(event: Recorded) -> None:
        if refusals:
            raise refusals.pop()

    trace = "0af7651916cd43dd8448eb211c80319c"
    written = number_event(1, "cam", 1)
    traced = Recorded(LOG, 1, written.subject, {**written.headers, "traceparent": f"00-{trace}-b7ad6b7169203331-01"}, written.body)
    async with run(Subscription("reaction", Source(LOG, (SUBJECTS,)), handle), documents, MemoryEvents([traced])) as runner:
        await runner.passed(f"{LOG}:1", 5)
        assert (await runner.replay("cam")).applied == 1
    parked, replayed = exported.spans()
    assert f"{parked.context.trace_id:032x}" == trace
    assert replayed.parent is None
    assert [f"{link.context.trace_id:032x}" for link in replayed.links] == [trace]
