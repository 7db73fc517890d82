"""Metrics and traces by OpenTelemetry where it is installed; nothing at all where it is not.

metric                                  unit        labels              meaning
faust_jetstream.lag                     {message}   topic, partition    messages stored and not yet handed to a stream
faust_jetstream.redelivered             {message}   topic               messages handed out a second time to this process
faust_jetstream.commit.duration         s           guarantee           from the start of a commit to its confirmation
faust_jetstream.commit.fenced           {commit}    –                   commits refused because another worker owns a partition
faust_jetstream.rebalance.duration      s           –                   from giving partitions up to being ready again, recovery included
faust_jetstream.table.size              {key}       table               keys in this worker, standby copies included
faust_jetstream.publish.repeated        {message}   –                   publishes sent again for want of an answer
faust_jetstream.feed.restarts           {restart}   –                   partition readers begun anew

span ``<topic> process`` (CONSUMER): one event in one stream, linked to and continued from the span that sent it.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from faust.sensors import Sensor
from faust.types import TP

try:
    from opentelemetry import context as otel_context
    from opentelemetry import metrics as otel_metrics
    from opentelemetry import trace as otel_trace
    from opentelemetry.propagate import extract as otel_extract
    from opentelemetry.propagate import inject as otel_inject
except ImportError:     # the extra "otel" is not installed
    HAS_OTEL = False
else:
    HAS_OTEL = True

NAME = "faust_jetstream"
_CARRIED = ("traceparent", "tracestate", "baggage")

Observed = Callable[[], Iterable[tuple[float, Mapping[str, Any]]]]


def inject(headers: dict[str, str]) -> None:
    """Put the current trace context into NATS headers."""
    if HAS_OTEL:
        otel_inject(headers)


class Meters:
    """Counters and histograms; each ``observe_…`` is a callback that is asked when somebody collects."""

    def __init__(self, lag: Observed, table_sizes: Observed, repeated: Observed, restarts: Observed) -> None:
        self._record: dict[str, Callable[..., Any]] = {}
        if not HAS_OTEL:
            return
        meter = otel_metrics.get_meter(NAME)
        self._record = {
            "redelivered": meter.create_counter(f"{NAME}.redelivered", "{message}").add,
            "fenced": meter.create_counter(f"{NAME}.commit.fenced", "{commit}").add,
            "commit": meter.create_histogram(f"{NAME}.commit.duration", "s").record,
            "rebalance": meter.create_histogram(f"{NAME}.rebalance.duration", "s").record,
        }
        meter.create_observable_gauge(f"{NAME}.lag", [_callback(lag)], "{message}")
        meter.create_observable_gauge(f"{NAME}.table.size", [_callback(table_sizes)], "{key}")
        meter.create_observable_counter(f"{NAME}.publish.repeated", [_callback(repeated)], "{message}")
        meter.create_observable_counter(f"{NAME}.feed.restarts", [_callback(restarts)], "{restart}")

    def record(self, what: str, amount: float, **labels: str) -> None:
        call = self._record.get(what)
        if call is not None:
            call(amount, labels)


def _callback(observed: Observed) -> Callable[[Any], Any]:
    def observe(_options: Any) -> list[Any]:
        return [otel_metrics.Observation(value, dict(labels)) for value, labels in observed()]

    return observe


class Tracing(Sensor):
    """A processing span around each event; current while the agent works, so that what it sends belongs to it."""

    def __init__(self) -> None:
        super().__init__()
        self._tracer = otel_trace.get_tracer(NAME)

    def on_stream_event_in(self, tp: TP, offset: int, stream: Any, event: Any) -> Any:
        sender = otel_extract(_carrier(event.message.headers))
        links = [otel_trace.Link(otel_trace.get_current_span(sender).get_span_context())]
        span = self._tracer.start_span(
            f"{tp.topic} process",
            context=sender,
            kind=otel_trace.SpanKind.CONSUMER,
            links=[link for link in links if link.context.is_valid],
            attributes={
                "messaging.system": "nats",
                "messaging.operation.type": "process",
                "messaging.destination.name": tp.topic,
                "messaging.destination.partition.id": str(tp.partition),
                "messaging.nats.offset": offset,
                "faust.stream": stream.shortlabel,
            },
        )
        return span, otel_context.attach(otel_trace.set_span_in_context(span, sender))

    def on_stream_event_out(self, tp: TP, offset: int, stream: Any, event: Any, state: Any = None) -> None:  # noqa: ARG002
        if state is None:
            return
        span, mark = state
        span.end()
        try:
            otel_context.detach(mark)
        except ValueError:      # the event was finished in another task
            return


def _carrier(headers: Any) -> dict[str, str]:
    pairs = headers.items() if isinstance(headers, Mapping) else headers or ()
    return {name.lower(): value.decode() if isinstance(value, bytes) else str(value) for name, value in pairs if name.lower() in _CARRIED}
