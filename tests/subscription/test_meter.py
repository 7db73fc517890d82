"""What a running projection tells: lag, parked keys, stops, interruptions."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from vonglau.documents import SqliteDocuments
from vonglau.eventlog import Recorded
from vonglau.subscription import MemoryEvents, Source, Subscription
from vonglau.telemetry.exporting import export_with
from vonglau.testing.projections import LOG, SUBJECTS, Numbers, UnrulyEvents, number_event, projection_of
from vonglau.testing.waiting import eventually


class Exported:
    def __init__(self) -> None:
        self.reader, self.spans = InMemoryMetricReader(), InMemorySpanExporter()

    def value(self, name: str, **labels: str) -> float | None:
        """Of the point with these labels; None: there is none."""
        data = self.reader.get_metrics_data()
        metrics = [metric for each in data.resource_metrics for scope in each.scope_metrics for metric in scope.metrics] if data else []
        points: list[Any] = [point for metric in metrics if metric.name == name for point in metric.data.data_points]
        found: list[float] = [point.value for point in points if labels.items() <= dict(point.attributes or {}).items()]
        return found[0] if found else None


@pytest.fixture
def exported() -> Iterator[Exported]:
    made = Exported()
    exporting = export_with("tests", made.reader, SimpleSpanProcessor(made.spans))
    yield made
    exporting.stop()


async def test_lag_and_parked_keys_are_told_per_projection(exported: Exported, run: Any, documents: SqliteDocuments) -> None:
    events = MemoryEvents([number_event(sequence, f"cam-{sequence}", sequence) for sequence in range(1, 6)])
    async with run(projection_of(Numbers(poison={2, 4})), documents, events) as runner:
        await runner.passed(f"{LOG}:5", 5)
        own = {"vonglau.projection": "numbers"}
        await eventually(lambda: exported.value("vonglau.projection.parked_keys", **own) == 2)
        assert exported.value("vonglau.projection.pending", **own, **{"vonglau.stream": LOG}) == 0
        assert exported.value("vonglau.projection.age", **own, **{"vonglau.stream": LOG}) == 0
        assert exported.value("vonglau.projection.stopped", **own) == 0


async def test_a_stopped_projection_is_told_with_its_reason(exported: Exported, run: Any, documents: SqliteDocuments) -> None:
    async with run(projection_of(), documents, MemoryEvents([number_event(1, "cam", 1)])) as runner:
        await runner.passed(f"{LOG}:1", 5)
    async with run(projection_of(), documents, MemoryEvents([number_event(1, "cam", 1)], created_ns=2)):
        await eventually(lambda: exported.value("vonglau.projection.stopped", **{"error.type": "STREAM_REPLACED"}) == 1)


async def test_interruptions_are_counted_by_reason(exported: Exported, run: Any, documents: SqliteDocuments) -> None:
    class AlwaysBroken:
        def random(self) -> float:
            return 0.0

        def randint(self, least: int, most: int) -> int:
            return least

    async with run(projection_of(), documents, UnrulyEvents([], AlwaysBroken())):  # type: ignore[arg-type]
        interrupted = {"vonglau.loop": "numbers", "error.type": "Interrupted"}
        await eventually(lambda: (exported.value("vonglau.loop.errors", **interrupted) or 0) >= 2)


async def test_a_reaction_is_a_span_in_the_trace_of_whoever_wrote_the_event(exported: Exported, run: Any, documents: SqliteDocuments) -> None:
    async def handle(event: Recorded) -> None:
        """Nothing to do."""

    trace = "0af7651916cd43dd8448eb211c80319c"
    written = number_event(1, "cam", 1)
    traced = Recorded(LOG, 1, written.subject, {**written.headers, "traceparent": f"00-{trace}-b7ad6b7169203331-01"}, written.body)
    async with run(Subscription("reaction", Source(LOG, (SUBJECTS,)), handle), documents, MemoryEvents([traced])) as runner:
        await runner.passed(f"{LOG}:1", 5)
    (span,) = exported.spans.get_finished_spans()
    assert span.name == "process es.test.camera.{id}"
    assert f"{span.context.trace_id:032x}" == trace
