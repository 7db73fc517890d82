"""The words in which a bounded context writes its rules: fold, decision, call."""
from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

from google.protobuf.message import Message

from vonglau.eventlog.event import AggregateStream

S = TypeVar("S")
Event = Message  # events are protobuf messages; treat them as values


@dataclass(frozen=True, slots=True)
class Fold(Generic[S]):
    """How an aggregate's state comes out of its events; None is an aggregate that does not exist yet. Pure."""

    evolve: Callable[[S | None, Any], S]


class On(NamedTuple):
    """An event for another aggregate of the same log, written in the same batch under its own expected sequence."""

    stream: AggregateStream
    event: Event


on = On

Decision = Callable[..., Iterable[Event | On]]  # (state, *states alongside) -> events; pure, may raise VonglauError


@dataclass(frozen=True, slots=True)
class Call:
    """Who asks for what. `request` and `body` make a repeated command recognisable inside its aggregate."""

    actor: str  # "person:<id>" or "service:<name>"
    method: str = ""
    request_id: str = ""  # AIP-155; empty: the command is not idempotent by request
    body: str = ""  # hash of the request without its secrets
    correlation: str = ""
    causation: str = ""

    @property
    def request(self) -> str:
        """Hash of caller, method and request id; empty without a request id."""
        if not self.request_id:
            return ""
        return hashlib.sha256(f"{self.actor}\0{self.method}\0{self.request_id}".encode()).hexdigest()[:32]

    def derived_id(self, prefix: str) -> str:
        """An id for what this call creates, the same on every repetition. Without a request id the correlation tells calls apart."""
        seed = self.request or self.correlation
        return f"{prefix}-{hashlib.sha256(f'{prefix}{seed}'.encode()).hexdigest()[:16]}"


@dataclass(frozen=True, slots=True)
class Command(Generic[S]):
    """One decision with what it reads: its own aggregate first, then those alongside."""

    stream: AggregateStream
    fold: Fold[S]
    decision: Decision
    call: Call
    alongside: Sequence[tuple[AggregateStream, Fold[Any]]] = field(default=())

    @property
    def reads(self) -> list[AggregateStream]:
        return [self.stream, *(stream for stream, _ in self.alongside)]
