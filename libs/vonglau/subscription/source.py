"""What logs must offer to those who read them in order. Adapters: memory, jetstream."""
from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from vonglau.eventlog.event import Recorded
from vonglau.subscription.projection import Source


@dataclass(frozen=True, slots=True)
class LogState:
    created_ns: int  # the stream's creation; another one means another stream under the same name
    first_sequence: int  # of what is still kept
    last_sequence: int


class Delivered(NamedTuple):
    """Events in the log's order, none left out since the fetch before."""

    events: list[Recorded]
    pending: int  # how many more match after these, as the server counts them


class Interrupted(Exception):
    """Something was lost on the way, or the consumer is gone: open again after the last checkpoint."""


class Reading(Protocol):
    async def fetch(self, limit: int, wait: float) -> Delivered:
        """At most `limit` events as soon as there is one; none when nothing came for `wait` seconds.

        Raises: Interrupted, vonglau.errors.Unavailable.
        """

    async def done(self) -> None:
        """All that was fetched is in the documents."""

    async def close(self) -> None: ...


class EventSource(Protocol):
    """Every method may raise vonglau.errors.Unavailable (LOG_UNAVAILABLE)."""

    async def state(self, log: str) -> LogState: ...

    async def open(self, name: str, source: Source, after: int) -> Reading:
        """Read on behind the sequence `after` with the durable consumer `name`, made anew unless it stands exactly there."""

    async def next_after(self, source: Source, sequence: int) -> int | None:
        """Sequence of the first event behind `sequence` that the source reads, as the log's leader knows it."""

    async def forget(self, name: str, log: str) -> None:
        """Remove the durable consumer."""
