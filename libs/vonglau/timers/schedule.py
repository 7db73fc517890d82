"""When something is due. Pure; all instants are nanoseconds since the Unix epoch, UTC."""
from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from vonglau.clock import utc
from vonglau.errors import Invalid

SECOND_NS = 1_000_000_000
DAY_NS = 86_400 * SECOND_NS


class Schedule(Protocol):
    def after(self, at_ns: int) -> int:
        """The first instant after this one at which it is due."""


@dataclass(frozen=True, slots=True)
class Every:
    """So many seconds after the last run began."""

    seconds: float

    def __post_init__(self) -> None:
        if self.seconds <= 0:
            raise Invalid("INTERVAL_INVALID", f"an interval is longer than nothing: {self.seconds} s")

    def after(self, at_ns: int) -> int:
        return at_ns + round(self.seconds * SECOND_NS)


@dataclass(frozen=True, slots=True)
class Daily:
    """Once in each UTC day, so long after it began."""

    after_midnight: timedelta = timedelta(0)

    def __post_init__(self) -> None:
        if not timedelta(0) <= self.after_midnight < timedelta(days=1):
            raise Invalid("INTERVAL_INVALID", f"a time of the day is within the day: {self.after_midnight}")

    def after(self, at_ns: int) -> int:
        offset_ns = self.after_midnight // timedelta(microseconds=1) * 1000
        return (at_ns - offset_ns) // DAY_NS * DAY_NS + DAY_NS + offset_ns


def readable(at_ns: int) -> str:
    return f"{utc(at_ns):%Y-%m-%dT%H:%M:%SZ}"
