"""What a running subscription tells about itself."""
from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from vonglau.clock import Clock
from vonglau.telemetry import count, gauge
from vonglau.telemetry.names import ERROR_TYPE, LOOP, LOOP_ERRORS, PARKED_KEYS, PROJECTION, PROJECTION_AGE, PROJECTION_PENDING, PROJECTION_STOPPED, STREAM

Readings = Iterable[tuple[float, dict[str, str]]]


class Behind(NamedTuple):
    """What one log has and the projection has not applied."""

    pending: int  # events, as the server counts them
    since_ns: int  # UTC, when the oldest of them was written; until that one has come, when the last one that was applied was


class Meter(Protocol):
    def waits(self, log: str, behind: Behind) -> None:
        """How far behind it is now."""

    def released(self) -> None:
        """From now on another process runs it, and tells."""

    def parked(self, keys: int) -> None:
        """So many keys are parked now."""

    def interrupted(self, reason: str) -> None:
        """It has to begin again at its checkpoint."""

    def stopped(self, reason: str) -> None:
        """It stands still until it is rebuilt; empty: it does not."""

    def missed(self) -> None:
        """Events behind the checkpoint have aged out of the log; whether it would have read any is not known."""


class Telemetry:
    """The meter of one projection, by the declared metrics."""

    def __init__(self, projection: str, clock: Clock) -> None:
        self._labels = {PROJECTION: projection}
        self._clock = clock
        self._behind: dict[str, Behind] = {}  # by log
        self._parked = 0
        self._stopped = ""
        gauge(PROJECTION_PENDING, self._read_pending)
        gauge(PROJECTION_AGE, self._read_age)
        gauge(PARKED_KEYS, lambda: [(float(self._parked), self._labels)])
        gauge(PROJECTION_STOPPED, lambda: [(float(bool(self._stopped)), self._labels | {ERROR_TYPE: self._stopped})])

    def waits(self, log: str, behind: Behind) -> None:
        self._behind[log] = behind

    def released(self) -> None:
        self._behind, self._parked, self._stopped = {}, 0, ""

    def parked(self, keys: int) -> None:
        self._parked = keys

    def interrupted(self, reason: str) -> None:
        count(LOOP_ERRORS, 1, {LOOP: self._labels[PROJECTION], ERROR_TYPE: reason})

    def stopped(self, reason: str) -> None:
        self._stopped = reason

    def missed(self) -> None:
        count(LOOP_ERRORS, 1, {LOOP: self._labels[PROJECTION], ERROR_TYPE: "AGED_OUT"})

    def _read_pending(self) -> Readings:
        return [(float(behind.pending), self._labels | {STREAM: log}) for log, behind in list(self._behind.items())]

    def _read_age(self) -> Readings:
        now_ns = self._clock.now_ns()
        ages = {log: max(0, now_ns - behind.since_ns) / 1e9 if behind.pending else 0.0 for log, behind in list(self._behind.items())}
        return [(age, self._labels | {STREAM: log}) for log, age in ages.items()]
