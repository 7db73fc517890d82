"""Telemetry: declared names, bounded labels, nothing while it is off, trace context through headers, log lines."""
from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from opentelemetry import trace

from vonglau import telemetry
from vonglau.telemetry import names
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
