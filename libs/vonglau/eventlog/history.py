"""An aggregate as loaded: its state, its last sequence, and which requests it has already answered."""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Generic, NamedTuple, TypeVar

from vonglau.errors import Invalid
from vonglau.eventlog.decision import Call, Fold
from vonglau.eventlog.event import BODY, REQUEST, AggregateStream, Recorded, Version

S = TypeVar("S")


class Answered(NamedTuple):
    """The last event that a request brought about, and the hash of the request's body."""

    sequence: int
    body: str


@dataclass(frozen=True, slots=True)
class History(Generic[S]):
    """Immutable; extending it makes another one."""

    stream: AggregateStream
    fold: Fold[S]
    state: S | None = None
    sequence: int = 0  # of the last event; 0: the aggregate does not exist yet
    position: int = 0  # number of events so far
    answered: Mapping[str, Answered] = field(default_factory=dict)

    @property
    def version(self) -> Version:
        return Version(self.stream.log, self.sequence)

    def extended(self, events: Iterable[Recorded]) -> History[S]:
        """With these events, which follow it in order.

        Raises: Poison where an event can't be decoded.
        """
        state, sequence, position, answered = self.state, self.sequence, self.position, dict(self.answered)
        for event in events:
            state = self.fold.evolve(state, event.message())
            sequence, position = event.sequence, position + 1
            if request := event.headers.get(REQUEST):
                answered[request] = Answered(sequence, event.headers.get(BODY, ""))
        return replace(self, state=state, sequence=sequence, position=position, answered=answered)

    def answer(self, call: Call) -> Version | None:
        """The version that this very request brought about before, if it did.

        Raises: Invalid (REQUEST_ID_REUSED) where its body was another one.
        """
        before = self.answered.get(call.request) if call.request else None
        if before is None:
            return None
        must_be_the_same(before.body, call)
        return Version(self.stream.log, before.sequence)


def must_be_the_same(body: str, call: Call) -> None:
    """body: of the request that had the call's id before. Raises: Invalid (REQUEST_ID_REUSED)."""
    if body != call.body:
        raise Invalid("REQUEST_ID_REUSED", "this request id was used for another request", field="request_id")
