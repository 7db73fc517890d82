"""Traces that go through a topic, and the numbers of a worker."""
# mypy: disable-error-code="untyped-decorator"

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from nats.js import JetStreamContext
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from faust_jetstream.operations import reset
from faust_jetstream.testkit import running, until

pytestmark = pytest.mark.loopback

MakeApp = Callable[..., Any]


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    yield exporter
    provider.shutdown()


@pytest.fixture
def meters(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemoryMetricReader]:
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    monkeypatch.setattr(metrics, "get_meter", provider.get_meter)
    yield reader
    provider.shutdown()


async def test_an_event_is_processed_in_the_trace_of_its_sender_and_so_is_what_it_sends(make_app: MakeApp, spans: InMemorySpanExporter) -> None:
    app = make_app(query="&trace=1")
    orders = app.topic("orders", key_type=str, value_type=int)
    bills = app.topic("bills", key_type=str, value_type=int)
    seen: list[int] = []

    @app.agent(orders)
    async def bill(stream: Any) -> None:
        async for event in stream.events():
            await bills.send(key=event.key, value=event.value)

    @app.agent(bills)
    async def book(stream: Any) -> None:
        async for value in stream:
            seen.append(value)  # noqa: PERF401  an agent's loop

    async with running(app):
        with trace.get_tracer("test").start_as_current_span("customer") as customer:
            await orders.send(key="k", value=1)
        await until(lambda: len(spans.get_finished_spans()) >= 3, 20)
    named = {span.name: span for span in spans.get_finished_spans()}
    processed, booked = named["orders process"], named["bills process"]
    assert processed.context.trace_id == customer.get_span_context().trace_id == booked.context.trace_id
    assert processed.links[0].context.span_id == customer.get_span_context().span_id
    assert booked.parent is not None
    assert booked.parent.span_id == processed.context.span_id
    assert (processed.attributes or {})["messaging.destination.name"] == "orders"


async def test_untraced_messages_carry_nothing(make_app: MakeApp, js: JetStreamContext, name: str) -> None:
    app = make_app(processing_guarantee="at_least_once")
    app.finalize()
    await app.producer.start()
    with trace.get_tracer("test").start_as_current_span("customer"):
        await (await app.topic("orders", partitions=1).send(key=b"k", value=b"1"))
    await app.producer.stop()
    assert "traceparent" not in ((await js.get_msg(f"{name.upper()}_orders_0", 1)).headers or {})


async def test_a_worker_tells_its_lag_table_sizes_commits_and_rebalances(make_app: MakeApp, meters: InMemoryMetricReader) -> None:
    app = make_app()
    orders = app.topic("orders", key_type=str, value_type=int)
    table = app.Table("counts", default=int)

    @app.agent(orders)
    async def count(stream: Any) -> None:
        async for event in stream.events():
            table[event.key] += 1

    async with running(app):
        for number in range(10):
            await orders.send(key=f"k{number}", value=1)
        await until(lambda: len(table) == 10 and "faust_jetstream.commit.duration" in told(meters), 20)
        await until(lambda: sum(app.consumer.offsets.committed.values()) == 10, 10)
        await reset(app.consumer.topics, app.transport.connection, "orders", {0: 0, 1: 0})
        await until(lambda: sum(table.values()) == 20, 20)
        found = told(meters)
    assert found["faust_jetstream.redelivered"] == [({"topic": "orders"}, 10)]
    assert found["faust_jetstream.table.size"] == [({"table": "counts"}, 10)]
    assert sorted(labels["partition"] for labels, _ in found["faust_jetstream.lag"]) == [0, 1]
    assert {value for _, value in found["faust_jetstream.lag"]} == {0}
    assert found["faust_jetstream.commit.duration"][0][0] == {"guarantee": "exactly_once"}
    assert found["faust_jetstream.rebalance.duration"][0][1] >= 1


def told(meters: InMemoryMetricReader) -> dict[str, list[tuple[dict[str, Any], Any]]]:
    data = meters.get_metrics_data()
    found: dict[str, list[tuple[dict[str, Any], Any]]] = {}
    for resource in data.resource_metrics if data else ():
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                found[metric.name] = [
                    (dict(point.attributes or {}), getattr(point, "value", getattr(point, "count", None))) for point in metric.data.data_points
                ]
    return found
