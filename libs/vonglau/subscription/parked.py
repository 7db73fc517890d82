"""Events that could not be applied, and those of the same key that wait behind them, kept as documents beside what they could not change.

Every parked event is a copy, of streams of record too: facts age out, and one way to replay is enough.
"""
from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import NamedTuple

from vonglau.documents import Changes, Condition, Document, Documents, Index, Write, building, cursor
from vonglau.eventlog.event import Recorded

PAGE = 200
Forgotten = tuple[str, str]


@dataclass(frozen=True, slots=True)
class ParkedKey:
    key: str
    reason: str
    message: str
    events: int  # that wait, the one that could not be applied first
    since_ns: int
    retry_at_ns: int = 0  # it is replayed by itself then; 0: when somebody asks for it


class Failure(NamedTuple):
    """Why the events of a key could not be applied from `at` on."""

    at: int  # index into the events that were given
    reason: str
    message: str
    retry_after: float | None = None  # s


class ParkedEvents:
    """The parked keys of one projection. Whoever runs it keeps them in memory; what is saved is the truth."""

    def __init__(self, documents: Documents, name: str, *, in_rebuild: bool = False) -> None:
        self.live = (f"parked.{name}.keys", f"parked.{name}.events")
        self._keys, self._events = (building(collection) for collection in self.live) if in_rebuild else self.live
        self._documents = documents
        self.present: dict[str, ParkedKey] = {}
        self._guards: dict[str, Mapping[str, int]] = {}

    async def load(self) -> None:
        """Forget what is in memory and read what is saved."""
        await self._documents.prepare(self._keys)
        await self._documents.prepare(self._events, [Index(("key",))])
        self.present, self._guards, after = {}, {}, ""
        while page := await self._documents.find(self._keys, after=after, limit=PAGE):
            for document in page:
                waiting = await self._documents.count(self._events, Condition("key", "=", document["_id"]))
                self._keep(replace(parked_key(document), events=waiting), document["_seq"])
            after = cursor(page[-1])
        emptied = [forgotten for key in [key for key, parked in self.present.items() if not parked.events] for forgotten in self.release(key)]
        if emptied:  # the process was killed between the last event of a replay and the end of it
            await self._documents.apply(Changes(forgotten=emptied))

    def _keep(self, parked: ParkedKey, guard: Mapping[str, int]) -> None:
        self.present[parked.key] = parked
        self._guards[parked.key] = guard

    def park(self, key: str, events: Sequence[Recorded], failure: Failure | None, at_ns: int) -> list[Write]:
        """Writes that put these events of one log behind what already waits. `failure` opens the key; None: it is parked already."""
        parked = self.present.get(key) or ParkedKey(key, "", "", 0, at_ns)
        if failure is not None:
            parked = replace(parked, reason=failure.reason, message=failure.message[:500], retry_at_ns=due(failure, at_ns))
        parked = replace(parked, events=parked.events + len(events))
        base, last = self._guards.get(key, {}), events[-1]
        copies = [Write(self._events, event_id(key, event), copied(key, event), event.log, event.sequence, {}, key) for event in events]
        self._keep(parked, {**base, last.log: last.sequence})
        return [*copies, Write(self._keys, key, fields(parked), last.log, last.sequence, base, key)]

    def keep_waiting(self, key: str, failure: Failure, applied: int, at_ns: int) -> list[Write]:
        """Writes after a replay that got stuck again, `applied` events further."""
        left = self.present[key].events - applied
        parked = replace(self.present[key], reason=failure.reason, message=failure.message[:500], events=left, retry_at_ns=due(failure, at_ns))
        self._keep(parked, self._guards[key])
        return [Write(self._keys, key, fields(parked), "", 0, self._guards[key], key)]

    def release(self, key: str) -> list[Forgotten]:
        """What is removed when nothing of the key waits any more."""
        self.present.pop(key, None)
        self._guards.pop(key, None)
        return [(self._keys, key)]

    def applied(self, key: str, events: Iterable[Recorded]) -> list[Forgotten]:
        return [(self._events, event_id(key, event)) for event in events]

    async def waiting(self, key: str, limit: int = PAGE) -> list[Recorded]:
        """The first events of the key in the order in which they are to be applied, log by log."""
        found = await self._documents.find(self._events, Condition("key", "=", key), limit=limit)
        return [original(document) for document in found]

    async def listed(self, after: str, limit: int) -> list[ParkedKey]:
        """Saved parked keys behind the key `after`, on any replica."""
        where = [Condition("_id", ">", after)] if after else []
        found = await self._documents.find(self._keys, *where, limit=limit)
        return [parked_key(document) for document in found]

    async def counted(self) -> int:
        return await self._documents.count(self._keys)

    async def saved(self, key: str) -> ParkedKey | None:
        document = await self._documents.get(self._keys, key)
        return parked_key(document) if document else None


def event_id(key: str, event: Recorded) -> str:
    return f"{key}/{event.log}/{event.sequence:020d}"


def copied(key: str, event: Recorded) -> Document:
    body = base64.b64encode(event.body).decode()
    return {"key": key, "log": event.log, "sequence": event.sequence, "subject": event.subject, "headers": dict(event.headers), "body": body}


def original(document: Document) -> Recorded:
    return Recorded(document["log"], document["sequence"], document["subject"], document["headers"], base64.b64decode(document["body"]))


def fields(parked: ParkedKey) -> Document:
    return {name: value for name, value in asdict(parked).items() if name != "key"}


def parked_key(document: Document) -> ParkedKey:
    return ParkedKey(key=document["_id"], **{name: document[name] for name in ("reason", "message", "events", "since_ns", "retry_at_ns")})


def due(failure: Failure, at_ns: int) -> int:
    return 0 if failure.retry_after is None else at_ns + round(failure.retry_after * 1e9)
