"""Telemetry: declared names, bounded labels, nothing while it is off, trace context through headers, log lines."""
from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from vonglau import telemetry
from vonglau.telemetry import exporting, names
from vonglau.telemetry.logs import JsonLines, TextLines
from vonglau.telemetry.names import LABELS, METRICS, SPANS, Kind

SUBJECT = "es.registry.camera.{id}"


def test_every_metric_and_span_says_unit_and_meaning_once() -> None:
    assert len(METRICS) > 20
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    assert all(metric.unit and metric.meaning for metric in METRICS)
    assert all(span.meaning for span in SPANS)


def test_every_label_is_one_whose_values_are_few_and_known() -> None:
    used = {label for metric in METRICS for label in metric.labels} | {span.attribute for span in SPANS}
    assert used <= LABELS.keys()


def test_no_label_is_a_camera_a_person_an_owner_or_an_id() -> None:
    assert not [label for label in LABELS if label.rsplit(".", 1)[-1] in {"camera", "person", "owner", "id", "caller", "actor", "user", "case", "key", "url"}]


def test_names_follow_the_conventions_or_are_ours() -> None:
    assert all(metric.name.startswith(("rpc.", "messaging.", "vonglau.")) for metric in METRICS)
    assert all(metric.buckets for metric in METRICS if metric.kind is Kind.HISTOGRAM)


def test_without_an_endpoint_nothing_is_switched_on() -> None:
    started = telemetry.start("tests", {})
    telemetry.count(names.INTERRUPTIONS)
    telemetry.measure(names.RPC_SERVER_DURATION, 0.1)
    telemetry.gauge(names.SPOOL_BYTES, lambda: pytest.fail("read while off"))
    headers: dict[str, str] = {}
    with telemetry.publishing(SUBJECT):
        telemetry.inject(headers)
    assert headers == {}
    started.stop()


def test_a_count_is_exported_under_its_declared_labels_only(exported: Any) -> None:
    telemetry.count(names.INTERRUPTIONS, 2, {names.CAUSE: "refused", "camera": "cam-1"})
    (point,) = exported.points("vonglau.ingest.interruptions")
    assert (point.value, dict(point.attributes)) == (2, {names.CAUSE: "refused"})


def test_a_gauge_adds_up_the_readings_of_all_its_parts(exported: Any) -> None:
    for projection in ("inventory", "owners"):
        telemetry.gauge(names.PARKED_KEYS, lambda projection=projection: [(1, {names.PROJECTION: projection})])  # type: ignore[misc]
    assert {point.attributes[names.PROJECTION] for point in exported.points("vonglau.projection.parked_keys")} == {"inventory", "owners"}


def test_a_duration_falls_into_the_buckets_of_the_conventions(exported: Any) -> None:
    telemetry.measure(names.RPC_SERVER_DURATION, 0.02, {names.RPC_METHOD: "x.Y/Z"})
    (point,) = exported.points("rpc.server.call.duration")
    assert point.explicit_bounds == names.SECONDS


def test_a_message_is_processed_in_its_senders_trace(exported: Any) -> None:
    headers: dict[str, str] = {}
    with telemetry.publishing(SUBJECT):
        telemetry.inject(headers)
    with telemetry.processing(SUBJECT, headers, projection="inventory"):
        pass
    sent, processed = exported.spans()
    assert (sent.name, processed.name) == (f"send {SUBJECT}", f"process {SUBJECT}")
    assert processed.parent is not None
    assert processed.parent.span_id == sent.get_span_context().span_id


def test_a_replayed_message_has_a_trace_of_its_own_that_links_to_its_senders(exported: Any) -> None:
    headers: dict[str, str] = {}
    with telemetry.publishing(SUBJECT):
        telemetry.inject(headers)
        with telemetry.processing(SUBJECT, headers, projection="inventory", replay=True):
            pass
    replayed, sent = exported.spans()
    assert replayed.parent is None
    assert [link.context.span_id for link in replayed.links] == [sent.get_span_context().span_id]


def test_what_follows_much_later_is_in_the_trace_of_what_it_follows_from(exported: Any) -> None:
    headers = telemetry.elapsed(names.RECORD_SPAN, {names.CAMERA_CLASS: "CAMERA_CLASS_TRAFFIC"}, {}, 1)
    with telemetry.following(headers), telemetry.publishing("fact.segment.{id}"):
        pass
    with telemetry.following({}), telemetry.publishing("fact.segment.{id}"):
        pass
    record, first, second = exported.spans()
    assert (first.parent.span_id, first.context.trace_id) == (record.context.span_id, record.context.trace_id)
    assert second.parent is None


def test_an_error_while_processing_is_the_status_of_the_span_and_a_label_of_the_duration(exported: Any) -> None:
    with pytest.raises(KeyError), telemetry.processing(SUBJECT, {}, projection="inventory"):
        raise KeyError("a person's name")
    (processed,) = exported.spans()
    assert (processed.status.status_code, processed.status.description, processed.events) == (trace.StatusCode.ERROR, "KeyError", ())
    (point,) = exported.points("messaging.process.duration")
    assert point.attributes[names.ERROR_TYPE] == "KeyError"


@pytest.mark.parametrize("traceparent", ["", "00-zz-yy-01", "00-00000000000000000000000000000000-0000000000000000-01"])
def test_a_malformed_trace_context_is_none(traceparent: str) -> None:
    assert telemetry.extract({"traceparent": traceparent}) is None


async def test_a_body_that_is_cancelled_has_not_failed(exported: Any) -> None:
    async def publish() -> None:
        with telemetry.publishing(SUBJECT):
            await asyncio.Event().wait()

    publishing = asyncio.ensure_future(publish())
    await asyncio.sleep(0)
    publishing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await publishing
    (span,) = exported.spans()
    assert span.status.is_unset
    (labels,) = exported.labels("messaging.client.operation.duration")
    assert names.ERROR_TYPE not in labels


def test_a_message_that_could_not_be_sent_is_counted_and_told_by_the_class_of_its_error(exported: Any) -> None:
    with pytest.raises(OSError, match="gone"), telemetry.publishing(SUBJECT, 3):
        raise OSError("gone")
    assert exported.value("messaging.client.sent.messages") == 3
    assert [labels[names.ERROR_TYPE] for labels in exported.labels("messaging.client.operation.duration")] == ["OSError"]


def test_counts_add_up_and_differ_by_label(exported: Any) -> None:
    for cause, amount in (("refused", 1), ("refused", 2), ("frozen_picture", 5)):
        telemetry.count(names.INTERRUPTIONS, amount, {names.CAUSE: cause})
    assert exported.value("vonglau.ingest.interruptions", **{names.CAUSE: "refused"}) == 3
    assert exported.value("vonglau.ingest.interruptions", **{names.CAUSE: "frozen_picture"}) == 5


def test_a_gauge_is_read_anew_at_each_export_and_leaves_out_labels_that_are_not_declared(exported: Any) -> None:
    used = [1.0]
    telemetry.gauge(names.SPOOL_BYTES, lambda: [(used[0], {"camera": "cam-1"})])
    assert exported.value("vonglau.ingest.spool") == 1
    used[0] = 2.0
    assert exported.value("vonglau.ingest.spool") == 2
    assert exported.labels("vonglau.ingest.spool") == [{}]


def test_a_root_span_begins_a_trace_of_its_own_and_one_without_parent_continues_the_one_around(exported: Any) -> None:
    with telemetry.publishing(SUBJECT), telemetry.publishing(SUBJECT), telemetry.processing(SUBJECT, {}, projection="inventory"):
        pass
    processed, inner, outer = exported.spans()
    assert processed.parent is None
    assert inner.parent.span_id == outer.get_span_context().span_id


class Received(MetricExporter):
    """What an endpoint would have received of metrics."""

    def __init__(self) -> None:
        super().__init__()
        self.services: list[str] = []
        self.metrics: list[str] = []

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **more: Any) -> MetricExportResult:
        for each in metrics_data.resource_metrics:
            self.services.append(str(each.resource.attributes["service.name"]))
            self.metrics += [metric.name for scope in each.scope_metrics for metric in scope.metrics]
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return True

    def shutdown(self, timeout_millis: float = 30_000, **more: Any) -> None:
        """Nothing is open."""


def test_with_an_endpoint_everything_up_to_the_stop_is_exported_under_the_services_name_and_nothing_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    received, spans = Received(), InMemorySpanExporter()
    monkeypatch.setattr(exporting, "OTLPMetricExporter", lambda: received)
    monkeypatch.setattr(exporting, "OTLPSpanExporter", lambda: spans)
    started = telemetry.start("registry", {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4317"})
    with telemetry.publishing(SUBJECT):
        telemetry.count(names.INTERRUPTIONS)
    started.stop()
    telemetry.count(names.SPOOL_SHED)
    with telemetry.publishing(SUBJECT):
        pass
    assert set(received.services) == {"registry"}
    assert {"vonglau.ingest.interruptions", "messaging.client.sent.messages"} <= set(received.metrics)
    assert "vonglau.ingest.shed_segments" not in received.metrics
    assert [span.resource.attributes["service.name"] for span in spans.get_finished_spans()] == ["registry"]


@pytest.fixture
def root_logger() -> Iterator[logging.Logger]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield root
    root.handlers[:] = before
    root.setLevel(level)


@pytest.mark.parametrize(("form", "first"), [("text", "2"), ("json", "{")])
def test_one_handler_writes_lines_of_the_wanted_form_from_the_wanted_level_up(
    root_logger: logging.Logger, capsys: pytest.CaptureFixture[str], form: str, first: str
) -> None:
    for _ in range(2):  # a second call leaves no second handler
        telemetry.log_to_stderr("registry", form=form, level="warning")
    logging.getLogger("vonglau.test").info("not told")
    logging.getLogger("vonglau.test").warning("told")
    (written,) = capsys.readouterr().err.splitlines()
    assert written.startswith(first)
    assert "told" in written


def test_half_a_character_costs_no_log_line() -> None:
    assert json.loads(line(JsonLines("registry"), args=("cam-\udcff",)))["message"] == "camera cam-? is away"


def test_a_text_line_is_followed_by_its_error() -> None:
    error = OSError("disk gone")
    assert line(TextLines("registry"), exc_info=(type(error), error, None)).endswith("OSError: disk gone")


def line(formatter: logging.Formatter, **changes: Any) -> str:
    record = logging.LogRecord("vonglau.rpc", logging.WARNING, __file__, 1, "camera %s is away", ("cam-1",), None)
    record.created = 1_780_000_000.25
    vars(record).update(changes)
    return formatter.format(record)


def test_a_text_line_says_when_who_and_what() -> None:
    assert line(TextLines("registry")) == "2026-05-28T20:26:40.250Z registry WARNING vonglau.rpc: camera cam-1 is away"


def test_a_json_line_carries_the_trace_it_was_written_in(exported: Any) -> None:
    with telemetry.publishing(SUBJECT):
        written = json.loads(line(JsonLines("registry")))
        context = trace.get_current_span().get_span_context()
    assert written["trace_id"] == trace.format_trace_id(context.trace_id)
    assert written["message"] == "camera cam-1 is away"
    assert written["level"] == "warning"


def test_a_json_line_without_a_trace_has_no_trace_id_and_keeps_the_error() -> None:
    error = OSError("disk gone")
    written = json.loads(line(JsonLines("registry"), exc_info=(type(error), error, None)))
    assert "trace_id" not in written
    assert "disk gone" in written["error"]
