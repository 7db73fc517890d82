"""Trace context in headers: W3C traceparent and tracestate, as strings, never baggage."""
from __future__ import annotations

from collections.abc import Mapping, MutableMapping

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

PROPAGATOR = TraceContextTextMapPropagator()


def inject(headers: MutableMapping[str, str]) -> None:
    """Add the present span's context; nothing where there is none."""
    if trace.get_current_span().get_span_context().is_valid:
        PROPAGATOR.inject(headers)


def extract(headers: Mapping[str, str]) -> Context | None:
    """The context that the headers carry; None where they carry none, or a malformed one."""
    if "traceparent" not in headers:
        return None
    context = PROPAGATOR.extract(dict(headers), Context())
    return context if trace.get_current_span(context).get_span_context().is_valid else None


def links(headers: Mapping[str, str]) -> list[Link]:
    """A link to the context that the headers carry."""
    context = extract(headers)
    return [] if context is None else [Link(trace.get_current_span(context).get_span_context())]
