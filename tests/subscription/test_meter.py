"""What a running projection tells: lag, parked keys, stops, interruptions."""
from __future__ import annotations

from typing import Any

from vonglau.documents import Documents
from vonglau.errors import Poison, RetryLater
from vonglau.eventlog import Recorded
from vonglau.subscription import MemoryEvents, Source, Subscription
from vonglau.testing.projections import LOG, SUBJECTS, Numbers, TornDocuments, UnrulyEvents, number_event, projection_of
from vonglau.testing.waiting import eventually


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
    events = MemoryEvents([number_event(sequence, "cam", sequence) for sequence in range(1, 4)])
    own = {"vonglau.projection": "numbers", "vonglau.stream": LOG}
    async with run(projection_of(), torn, events):
        await eventually(lambda: exported.value("vonglau.projection.pending", **own) == 3)
        young = await eventually(lambda: exported.value("vonglau.projection.age", **own))
        await eventually(lambda: (exported.value("vonglau.projection.age", **own) or 0) > young)


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
