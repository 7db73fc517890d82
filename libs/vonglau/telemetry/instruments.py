"""Counting and measuring by declared metrics. Free while telemetry is off: no instrument exists then."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from vonglau.telemetry.names import METRICS, Kind, Metric

Labels = Mapping[str, str]
Reading = tuple[float, Labels]
NONE: Labels = {}


class Instruments:
    """One OpenTelemetry instrument per declared metric."""

    def __init__(self, meter: Meter) -> None:
        self._synchronous = {metric.name: make_synchronous(meter, metric) for metric in METRICS if metric.kind is not Kind.GAUGE}
        self._meter = meter
        self._reads: dict[str, list[Callable[[], Iterable[Reading]]]] = {}

    def add(self, metric: Metric, amount: float, labels: Labels) -> None:
        self._synchronous[metric.name].add(amount, declared(metric, labels))

    def record(self, metric: Metric, value: float, labels: Labels) -> None:
        self._synchronous[metric.name].record(value, declared(metric, labels))

    def observe(self, metric: Metric, read: Callable[[], Iterable[Reading]]) -> None:
        reads = self._reads.setdefault(metric.name, [])
        if not reads:
            self._meter.create_observable_gauge(metric.name, [observer(metric, reads)], metric.unit, metric.meaning)
        reads.append(read)


_instruments: Instruments | None = None


def use(instruments: Instruments | None) -> None:
    """From now on count with these; None: off."""
    global _instruments
    _instruments = instruments


def count(metric: Metric, amount: float = 1, labels: Labels = NONE) -> None:
    """Add to a counter; labels that the metric does not declare never leave the process."""
    if _instruments is not None:
        _instruments.add(metric, amount, labels)


def measure(metric: Metric, value: float, labels: Labels = NONE) -> None:
    """One value into a histogram."""
    if _instruments is not None:
        _instruments.record(metric, value, labels)


def gauge(metric: Metric, read: Callable[[], Iterable[Reading]]) -> None:
    """Call `read` at each export, from the exporter's thread: it must be quick and only read. To be called after `start`."""
    if _instruments is not None:
        _instruments.observe(metric, read)


def make_synchronous(meter: Meter, metric: Metric) -> Any:
    if metric.kind is Kind.COUNTER:
        return meter.create_counter(metric.name, metric.unit, metric.meaning)
    return meter.create_histogram(metric.name, metric.unit, metric.meaning, explicit_bucket_boundaries_advisory=metric.buckets or None)


def observer(metric: Metric, reads: list[Callable[[], Iterable[Reading]]]) -> Callable[[CallbackOptions], Iterable[Observation]]:
    def observe(_: CallbackOptions) -> Iterable[Observation]:
        for read in reads:
            for value, labels in read():
                yield Observation(value, declared(metric, labels))

    return observe


def declared(metric: Metric, labels: Labels) -> dict[str, str]:
    return {name: labels[name] for name in metric.labels if name in labels}
