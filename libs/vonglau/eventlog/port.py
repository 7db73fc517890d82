"""What an event store must do, and how its failures are named. Adapters: memory, jetstream; one contract suite for both."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from vonglau.errors import LostRace, OutcomeUnknown
from vonglau.eventlog.event import AggregateStream, Recorded


@dataclass(frozen=True, slots=True)
class Append:
    """One event to be stored."""

    stream: AggregateStream
    expected: int  # sequence of the subject's last event, 0: none; for the first event of each subject in a batch
    headers: Mapping[str, str]
    body: bytes


__all__ = ["Append", "EventStore", "LostRace", "OutcomeUnknown"]


class EventStore(Protocol):
    """Streams of record. Every method may raise vonglau.errors.Unavailable; append raises OutcomeUnknown where that is the truth."""

    async def read(self, stream: AggregateStream, after: int = 0) -> list[Recorded]:
        """Events of the aggregate with a sequence above `after`, in order. May come from a follower and so be behind."""

    async def read_many(self, after: Mapping[AggregateStream, int]) -> dict[AggregateStream, list[Recorded]]:
        """As `read` for each, in few requests; an aggregate without newer events has an empty list. All are of one log."""

    async def last_sequence(self, stream: AggregateStream) -> int:
        """Sequence of the aggregate's last event as the stream's leader knows it; 0: none."""

    async def append(self, events: Sequence[Append]) -> list[int]:
        """Store all or none, at most 1,000, all of one log; the sequences, in order. Durable when it returns.

        Raises: LostRace, OutcomeUnknown, Invalid (MESSAGE_TOO_LARGE).
        """
