"""What many suites start: a real NATS server as a child process, a connection with the platform's streams, telemetry that is exported to here."""
from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from vonglau.broker import Broker, NatsServer, connect
from vonglau.broker.topology import ensure
from vonglau.telemetry.exporting import export_with

hypothesis.settings.register_profile("vonglau", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])  # a busy machine breaks no law
hypothesis.settings.load_profile("vonglau")


@pytest.fixture
async def nats_server(tmp_path: Path) -> AsyncIterator[NatsServer]:
    async with NatsServer(tmp_path / "nats") as server:
        yield server


@pytest.fixture
async def broker(nats_server: NatsServer) -> AsyncIterator[Broker]:
    async with connect(nats_server.url, name="tests", within=5) as connected:
        await ensure(connected)
        yield connected


class Exported:
    """What the process has told of itself so far."""

    def __init__(self) -> None:
        self.reader, self.exporter = InMemoryMetricReader(), InMemorySpanExporter()

    def points(self, name: str) -> list[Any]:
        """Of one metric."""
        data = self.reader.get_metrics_data()
        metrics = [metric for each in data.resource_metrics for scope in each.scope_metrics for metric in scope.metrics] if data else []
        return [point for metric in metrics if metric.name == name for point in metric.data.data_points]

    def value(self, name: str, **labels: str) -> float | None:
        """Of the point with these labels; None: there is none."""
        found: list[float] = [point.value for point in self.points(name) if labels.items() <= dict(point.attributes or {}).items()]
        return found[0] if found else None

    def labels(self, name: str) -> list[dict[str, str]]:
        """Of each point."""
        return [dict(point.attributes or {}) for point in self.points(name)]

    def spans(self) -> list[ReadableSpan]:
        """Those that have ended, in that order."""
        return list(self.exporter.get_finished_spans())


@pytest.fixture
def exported() -> Iterator[Exported]:
    made = Exported()
    exporting = export_with("tests", made.reader, SimpleSpanProcessor(made.exporter))
    yield made
    exporting.stop()
