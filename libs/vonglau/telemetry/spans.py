"""Spans by declared names. While telemetry is off they are the invalid span and cost a comparison."""
from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from opentelemetry.context import Context
from opentelemetry.trace import INVALID_SPAN, Link, Span, Status, StatusCode, Tracer

from vonglau.telemetry import names
from vonglau.telemetry.instruments import count, measure
from vonglau.telemetry.names import SpanName
from vonglau.telemetry.propagation import extract, links

_tracer: Tracer | None = None


def use(tracer: Tracer | None) -> None:
    """From now on spans are made by this tracer; None: off."""
    global _tracer
    _tracer = tracer


@contextmanager
def span(
    name: SpanName,
    attributes: Mapping[str, str],
    *,
    parent: Context | None = None,
    linked: Sequence[Link] = (),
) -> Iterator[Span]:
    """The present span of the body. parent: None is the span around; Context() makes a root. An error in the body is the span's status."""
    if _tracer is None:
        yield INVALID_SPAN
        return
    title = f"{name.verb} {attributes[name.attribute]}".strip()
    with _tracer.start_as_current_span(title, parent, name.kind, attributes, linked, record_exception=False, set_status_on_exception=False) as present:
        try:
            yield present
        except Exception as error:
            failed(present, type(error).__name__)
            raise


def failed(present: Span, why: str) -> None:
    """What the span is about went wrong, whether or not its body raises. why: a name, never a text of the error."""
    present.set_status(Status(StatusCode.ERROR, why))


@contextmanager
def publishing(destination: str, messages: int = 1) -> Iterator[None]:
    """A publish until its acknowledgement. destination: the subject with its ids in braces, `es.registry.camera.{id}`."""
    labels = messaging(destination, "send")
    with timed(names.SEND_DURATION, labels), span(names.SEND_SPAN, labels):
        count(names.MESSAGES_SENT, messages, labels)
        yield


@contextmanager
def processing(destination: str, headers: Mapping[str, str], *, projection: str, replay: bool = False) -> Iterator[None]:
    """The handling of one message: in its sender's trace, but on replay a trace of its own that links to the sender's."""
    labels = messaging(destination, "process") | {names.PROJECTION: projection}
    count(names.MESSAGES_CONSUMED, 1, labels)
    parent = Context() if replay else extract(headers) or Context()
    with timed(names.PROCESS_DURATION, labels), span(names.PROCESS_SPAN, labels, parent=parent, linked=links(headers) if replay else ()):
        yield


def messaging(destination: str, operation: str) -> dict[str, str]:
    return {names.MESSAGING_SYSTEM: "nats", names.DESTINATION: destination, names.OPERATION: operation}


@contextmanager
def timed(metric: names.Metric, labels: dict[str, str]) -> Iterator[None]:
    """Measure the body in seconds; an error's class is its label."""
    begun = time.perf_counter()
    try:
        yield
    except Exception as error:
        labels = labels | {names.ERROR_TYPE: type(error).__name__}
        raise
    finally:
        measure(metric, time.perf_counter() - begun, labels)
