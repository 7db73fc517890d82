"""What a running subscription tells about itself."""
from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Protocol

from vonglau.telemetry import count, gauge
from vonglau.telemetry.names import ERROR_TYPE, LOOP, LOOP_ERRORS, PARKED_KEYS, PROJECTION, PROJECTION_AGE, PROJECTION_PENDING, PROJECTION_STOPPED, STREAM

Readings = Iterable[tuple[float, dict[str, str]]]


class Meter(Protocol):
    def progressed(self, log: str, *, events: int, pending: int) -> None:
        """So many events are committed now (0: none), and so many wait, as the server counts them."""

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

    def __init__(self, projection: str) -> None:
        self._labels = {PROJECTION: projection}
        self._pending: dict[str, int] = {}
        self._progress: dict[str, float] = {}  # monotonic s, of the last commit, or of when something began to wait
        self._parked = 0
        self._stopped = ""
        gauge(PROJECTION_PENDING, self._read_pending)
        gauge(PROJECTION_AGE, self._read_age)
        gauge(PARKED_KEYS, lambda: [(float(self._parked), self._labels)])
        gauge(PROJECTION_STOPPED, lambda: [(float(bool(self._stopped)), self._labels | {ERROR_TYPE: self._stopped})])

    def progressed(self, log: str, *, events: int, pending: int) -> None:
        self._pending[log] = pending
        if events or not pending or log not in self._progress:
            self._progress[log] = time.monotonic()

    def parked(self, keys: int) -> None:
        self._parked = keys

    def interrupted(self, reason: str) -> None:
        count(LOOP_ERRORS, 1, {LOOP: self._labels[PROJECTION], ERROR_TYPE: reason})

    def stopped(self, reason: str) -> None:
        self._stopped = reason

    def missed(self) -> None:
        count(LOOP_ERRORS, 1, {LOOP: self._labels[PROJECTION], ERROR_TYPE: "AGED_OUT"})

    def _read_pending(self) -> Readings:
        return [(float(pending), self._labels | {STREAM: log}) for log, pending in list(self._pending.items())]

    def _read_age(self) -> Readings:
        now = time.monotonic()
        ages = {log: now - self._progress[log] if pending else 0.0 for log, pending in list(self._pending.items())}
        return [(age, self._labels | {STREAM: log}) for log, age in ages.items()]
