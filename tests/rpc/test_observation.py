"""Every call is measured and traced, by the names of the conventions."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from vonglau.errors import Refused
from vonglau.registry.v1.service_pb2 import GetOwnerRequest, Owner
from vonglau.telemetry import names
from vonglau.telemetry.exporting import export_with

pytestmark = pytest.mark.loopback

REQUEST = GetOwnerRequest(owner="police")


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    exporting = export_with("tests", InMemoryMetricReader(), SimpleSpanProcessor(exporter))
    yield exporter
    exporting.stop()


@pytest.fixture
def durations() -> Iterator[Any]:
    """The labels of each server call that was measured so far."""
    reader = InMemoryMetricReader()
    exporting = export_with("tests", reader, SimpleSpanProcessor(InMemorySpanExporter()))

    def read() -> list[dict[str, str]]:
        data = reader.get_metrics_data()
        found = [metric for each in data.resource_metrics for scope in each.scope_metrics for metric in scope.metrics] if data else []
        return [dict(point.attributes) for metric in found if metric.name == "rpc.server.call.duration" for point in metric.data.data_points]  # type: ignore[arg-type]

    yield read
    exporting.stop()


async def test_a_served_call_belongs_to_its_callers_trace(spans: InMemorySpanExporter, client: Any) -> None:
    await client.ask(REQUEST)
    served, called = spans.get_finished_spans()
    assert served.name == called.name == "test.v1.Echo/Ask"
    assert served.parent is not None
    assert served.parent.span_id == called.get_span_context().span_id  # type: ignore[union-attr]


async def test_a_call_is_measured_under_its_method_and_status(durations: Any, client: Any) -> None:
    await client.ask(REQUEST)
    assert durations() == [{names.RPC_SYSTEM: "grpc", names.RPC_METHOD: "test.v1.Echo/Ask", names.RPC_CODE: "OK"}]


async def test_a_refused_call_is_measured_under_its_reason(durations: Any, echo: Any, client: Any) -> None:
    async def refuse(request: GetOwnerRequest, context: Any) -> Owner:
        raise Refused("OWNER_CLOSED", "closed")

    echo.plan = refuse
    with pytest.raises(grpc.aio.AioRpcError):
        await client.ask(REQUEST)
    (labels,) = durations()
    assert (labels[names.RPC_CODE], labels[names.ERROR_TYPE]) == ("FAILED_PRECONDITION", "OWNER_CLOSED")


async def test_a_stream_that_its_caller_left_is_measured_as_cancelled(durations: Any, echo: Any, client: Any) -> None:
    echo.responses = 10**9
    call = client.listen(REQUEST)
    await call.read()
    call.cancel()
    await echo.ended.wait()
    (labels,) = durations()
    assert labels[names.RPC_CODE] == "CANCELLED"
