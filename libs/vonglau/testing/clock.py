"""A clock that stands still until a test moves it."""
from __future__ import annotations


class SettableClock:
    """Starts at 2026-01-01T00:00:00Z unless told otherwise; wall time and monotonic time move together, or apart by `step`."""

    def __init__(self, now_ns: int = 1_767_225_600_000_000_000) -> None:
        self._now_ns = now_ns
        self._monotonic = 1000.0

    def now_ns(self) -> int:
        return self._now_ns

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        self._now_ns += round(seconds * 1_000_000_000)
        self._monotonic += seconds

    def step(self, seconds: float) -> None:
        """The wall clock jumps, as after a correction; monotonic time does not."""
        self._now_ns += round(seconds * 1_000_000_000)
