"""A small projection to try things on, and the faults that any projection must survive."""
from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from vonglau.documents import Changes, Document, Documents, Index
from vonglau.errors import Poison, Unavailable
from vonglau.eventlog.event import Recorded
from vonglau.subscription import Delivered, Interrupted, MemoryEvents, Projection, Source
from vonglau.subscription.memory import MemoryReading

LOG = "es_test"
SUBJECTS = "es.test.camera.*"


def number_event(sequence: int, camera: str, number: int, *, log: str = LOG, kind: str = "counted") -> Recorded:
    """An event of the camera whose body is a number; the kind `removed` takes the camera's document away."""
    return Recorded(log, sequence, f"es.test.camera.{camera}", {"ce-type": kind, "ce-id": f"{log}-{sequence}"}, str(number).encode())


@dataclass
class Numbers:
    """The numbers of each camera in their order: one document for the camera, and one for each ten."""

    collection: str = "numbers"
    indexes: tuple[Index, ...] = (Index(("last",)),)
    poison: set[int] = field(default_factory=set)  # numbers that cannot be applied just now
    errors: dict[int, Exception] = field(default_factory=dict)  # what others raise

    def touches(self, event: Recorded) -> Iterable[str]:
        camera = event.subject.rpartition(".")[2]
        return [camera, f"{camera}/{int(event.body) // 10}"]

    def evolve(self, document: Document | None, event: Recorded, id: str) -> Document | None:  # noqa: A002 - the port's
        number = int(event.body)
        if event.type == "removed" and "/" not in id:
            return None
        state = document or {"numbers": []}
        state["numbers"].append(number)
        state["last"] = number
        if "/" in id and number in self.errors:  # late on purpose: what is half done must not stay
            raise self.errors[number]
        if "/" in id and number in self.poison:
            raise Poison("NUMBER_UNLUCKY", f"{number} cannot be applied")
        return state


def projection_of(view: Numbers | None = None, *, log: str = LOG, **more: Any) -> Projection:
    return Projection("numbers", [Source(log, (SUBJECTS,))], [view or Numbers()], **more)


async def contents(documents: Documents, collection: str = "numbers") -> dict[str, Document]:
    """All documents with their guards, by id."""
    return {document["_id"]: document for document in await documents.find(collection, limit=100_000)}


class TornDocuments:
    """A store without transactions that fails at the given steps of its life, before or after having done the step."""

    def __init__(self, documents: Documents, fail_at: Iterable[int] = ()) -> None:
        self._documents = documents
        self._fail_at = set(fail_at)
        self.steps = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._documents, name)

    async def apply(self, changes: Changes) -> None:
        for write in changes.writes:
            await self._step(Changes([write]))
        for forgotten in changes.forgotten:
            await self._step(Changes(forgotten=[forgotten]))
        if changes.checkpoint:
            await self._step(Changes(checkpoint=changes.checkpoint, follows=changes.follows))

    async def _step(self, change: Changes) -> None:
        self.steps += 1
        if self.steps in self._fail_at:
            if self.steps % 2:
                await self._documents.apply(change)
            raise Unavailable("DOCUMENTS_UNAVAILABLE", "torn by a test", retry_after=0.0)
        await self._documents.apply(change)


class UnrulyEvents(MemoryEvents):
    """A log whose deliveries break off, come in odd sizes, and come again."""

    def __init__(self, events: list[Recorded], rng: random.Random) -> None:
        super().__init__(events)
        self.rng = rng

    async def open(self, name: str, source: Source, after: int) -> MemoryReading:  # noqa: ARG002 - the port's signature
        return UnrulyReading(self, source, max(0, after - self.rng.randint(0, 3)), self.rng)


class UnrulyReading(MemoryReading):
    def __init__(self, log: MemoryEvents, source: Source, after: int, rng: random.Random) -> None:
        super().__init__(log, source, after)
        self._rng = rng

    async def fetch(self, limit: int, wait: float) -> Delivered:
        if self._rng.random() < 0.2:
            raise Interrupted("by a test")
        return await super().fetch(self._rng.randint(1, limit), wait)
