"""The words in which a service says what it reads from the logs and what becomes of it."""
from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from vonglau.documents import Document, Index
from vonglau.eventlog.event import Recorded

Key = Callable[[Recorded], str]


def last_token(event: Recorded) -> str:
    """The aggregate's or the camera's id: the last token of the subject."""
    return event.subject.rpartition(".")[2]


class Source(NamedTuple):
    """What is read of one log: one durable consumer with these filter subjects, which must not overlap."""

    log: str  # JetStream stream
    subjects: tuple[str, ...]

    def pattern_of(self, subject: str) -> str:
        """The filter subject that lets it through; empty: none does."""
        return next((pattern for pattern in self.subjects if matches(pattern, subject)), "")


def matches(pattern: str, subject: str) -> bool:
    """NATS wildcards: `*` is one token, a last `>` one or more."""
    wanted, given = pattern.split("."), subject.split(".")
    if wanted[-1] == ">":
        wanted, given = wanted[:-1], given[: len(wanted) - 1] if len(given) >= len(wanted) else []
    return len(wanted) == len(given) and all(token in ("*", there) for token, there in zip(wanted, given, strict=True))


class View(Protocol):
    """How events change the documents of one collection. Pure: no I/O, clock or randomness.

    All events that change a document must have the same order key: a parked key holds back exactly its own documents.
    """

    @property
    def collection(self) -> str: ...

    @property
    def indexes(self) -> tuple[Index, ...]: ...

    def touches(self, event: Recorded) -> Iterable[str]:
        """Ids of the documents that the event changes. May raise Poison, RetryLater."""

    def evolve(self, document: Document | None, event: Recorded, id: str) -> Document | None:  # noqa: A002 - the word of the domain
        """The document after the event, None: deleted (a tombstone stays). It may change the one given and return it; may raise Poison, RetryLater."""


class Plant(Protocol):
    """Where a seed puts what it restores."""

    async def put(self, collection: str, documents: Iterable[tuple[str, str, Document]]) -> None:
        """(id, order key, document) each, at most 1,000 at once; the events that follow evolve it further."""

    def progress(self, done: int, total: int) -> None: ...

    def note(self, text: str) -> None:
        """Something that could not be known, for the person who rebuilds."""


class Seed(Protocol):
    """Restores documents from what outlives the log (archives), before the log is read. Repeatable."""

    async def __call__(self, plant: Plant, *, buckets_only: bool) -> None: ...


@dataclass(frozen=True)
class Projection:
    """Views that are fed together, under one checkpoint per log. A change of subjects, key or views asks for a rebuild."""

    name: str  # of its consumers too: unique in a deployment, letters, digits, - and _
    sources: Sequence[Source]  # one per log
    views: Sequence[View]
    key: Key = last_token
    seed: Seed | None = None

    def __post_init__(self) -> None:
        if len({source.log for source in self.sources}) != len(self.sources):
            raise ValueError(f"{self.name} reads a log twice: one source with all its subjects keeps their order")


@dataclass(frozen=True)
class Subscription:
    """A reaction to events, at least once each, in order per key; keys go side by side."""

    name: str
    source: Source
    handler: Callable[[Recorded], Awaitable[None]]  # RetryLater, Unavailable: its key waits and is tried again; Poison: it is parked
    key: Key = last_token
    concurrency: int = 16  # keys handled at the same time
