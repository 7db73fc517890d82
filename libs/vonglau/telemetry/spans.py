"""Spans by declared names. While telemetry is off they are the invalid span and cost a comparison."""
from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from opentelemetry.context import Context
from opentelemetry.trace import INVALID_SPAN, Link, Span, Status, StatusCode, Tracer, get_current_span, use_span

from vonglau.telemetry import names
from vonglau.telemetry.instruments import count, measure
from vonglau.telemetry.names import SpanName
from vonglau.telemetry.propagation import extract, inject, links

LINKS = 64  # of one span: more say no more, and cost

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


@contextmanager
def lasting(name: SpanName, attributes: Mapping[str, str]) -> Iterator[Callable[[str], None]]:
    """The present span of the body; it goes on until what is given is called: with an empty text, or with why it failed. An error in the body ends it."""
    if _tracer is None:
        yield lambda _why: None
        return
    present = _tracer.start_span(f"{name.verb} {attributes[name.attribute]}".strip(), kind=name.kind, attributes=attributes)

    def end(why: str) -> None:
        if why:
            failed(present, why)
        present.end()

    with use_span(present, record_exception=False, set_status_on_exception=False):
        try:
            yield end
        except BaseException as error:
            end(type(error).__name__)
            raise


def elapsed(name: SpanName, attributes: Mapping[str, str], headers: Mapping[str, str], begun_ns: int) -> dict[str, str]:
    """A span from an instant (UTC ns) until now, in the trace of the headers. Headers for what follows from it later; none while telemetry is off."""
    follow: dict[str, str] = {}
    if _tracer is not None:
        title = f"{name.verb} {attributes[name.attribute]}".strip()
        past = _tracer.start_span(title, extract(headers) or Context(), name.kind, attributes, start_time=begun_ns)
        past.end()
        with use_span(past):
            inject(follow)
    return follow


@contextmanager
def following(headers: Mapping[str, str]) -> Iterator[None]:
    """Spans of the body follow from the one that the headers carry, in its trace; where they carry none nothing changes."""
    context = extract(headers)
    if context is None:
        yield
        return
    with use_span(get_current_span(context), record_exception=False, set_status_on_exception=False):
        yield


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


@contextmanager
def processing_batch(stream: str, messages: Sequence[Mapping[str, str]], *, projection: str, replay: bool = False) -> Iterator[None]:
    """Messages, given by their headers, that are handled as one. A single one in its sender's trace; several in one of their own that links to senders."""
    labels = messaging(stream, "process") | {names.PROJECTION: projection}
    count(names.MESSAGES_CONSUMED, len(messages), labels)
    alone = extract(messages[0]) if len(messages) == 1 and not replay else None
    linked = [link for headers in messages[:LINKS] for link in links(headers)] if _tracer is not None and alone is None else ()
    with timed(names.PROCESS_DURATION, labels), span(names.PROCESS_SPAN, labels, parent=alone or Context(), linked=linked):
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
