"""Committed offsets: a document per source partition in the app's state stream.

Each write expects the revision that this worker wrote last. A new owner rewrites the document when it takes a partition over, so whatever the old
owner still commits is refused: fenced off, without clocks.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from faust.types import TP
from mode import get_logger
from nats.js.errors import NotFoundError

from .batch import MAX_BATCH, Outgoing, send_batch
from .codec import EXPECTED
from .connection import API_TIMEOUT, TRY_AGAIN, Connection, insist
from .errors import NotStored, Refused
from .places import Names

logger = get_logger(__name__)

PAUSE = 0.3     # seconds between attempts while the stream has no leader
ANSWER = 2.0    # seconds for the first answer, which dies with its connection; twice as long for each further one


@dataclass(frozen=True, slots=True)
class Document:
    """``offset`` is the next one to read; ``serial`` makes every write of an owner distinct."""

    offset: int | None
    generation: int
    owner: str
    serial: int

    def encode(self) -> bytes:
        return json.dumps({"offset": self.offset, "gen": self.generation, "owner": self.owner, "n": self.serial}).encode()


def decode(body: bytes) -> Document:
    doc = json.loads(body)
    return Document(doc["offset"], int(doc.get("gen", 0)), str(doc.get("owner", "")), int(doc.get("n", 0)))


class Fenced(Exception):
    """Another worker owns at least one of the partitions now; nothing was stored."""


class Superseded(Fenced):
    """We own the partitions, by another assignment than the one that this was made for; nothing was stored, and nothing need be done."""


class Offsets:
    """The documents that this worker owns; ``committed`` is what they say."""

    def __init__(self, connection: Connection, names: Names, owner: str, patience: float) -> None:
        self._connection = connection
        self._names = names
        self._owner = owner
        self._patience = patience
        self._revision: dict[TP, int] = {}
        self.generation = 0                 # of the assignment that was claimed last
        self._serial = 0
        self._storing = asyncio.Lock()      # each write builds on the revision of the one before
        self.committed: dict[TP, int] = {}

    async def read(self, tp: TP) -> tuple[Document | None, int]:
        """The stored document and its revision (0 when there is none)."""

        async def get() -> tuple[Document | None, int]:
            try:
                found = await self._connection.js.get_last_msg(self._names.state_stream, self._names.offset(tp.topic, tp.partition))
            except NotFoundError:
                return None, 0
            return decode(found.data or b""), int(found.seq or 0)

        return await insist(get, self._patience)

    async def claim(self, tps: Iterable[TP], generation: int, fresh: Callable[[TP, int | None], Awaitable[int]]) -> dict[TP, int]:
        """Take the partitions over and return where to read on; ``fresh`` turns a stored offset, or None, into one to begin at.

        Older owners are fenced off from here on.
        """
        wanted = list(tps)
        self.generation = generation
        self._revision.clear()
        self.committed.clear()
        for begin in range(0, len(wanted), MAX_BATCH):
            await self._claim(wanted[begin : begin + MAX_BATCH], fresh)
        return dict(self.committed)

    async def _claim(self, tps: Sequence[TP], fresh: Callable[[TP, int | None], Awaitable[int]]) -> None:
        give_up = time.monotonic() + self._patience
        while True:
            try:
                async with self._storing:       # a write under way would move what is read here
                    await self._claim_once(tps, fresh)
            except Fenced:                      # another worker claims at the same time: look again
                if time.monotonic() > give_up:
                    raise
            else:
                return

    async def _claim_once(self, tps: Sequence[TP], fresh: Callable[[TP, int | None], Awaitable[int]]) -> None:
        found = await asyncio.gather(*(self.read(tp) for tp in tps))
        self._revision.update({tp: revision for tp, (_, revision) in zip(tps, found, strict=True)})
        begin = await asyncio.gather(*(fresh(tp, doc.offset if doc else None) for tp, (doc, _) in zip(tps, found, strict=True)))
        await self._store(dict(zip(tps, begin, strict=True)), ())

    async def store(self, offsets: Mapping[TP, int], others: Sequence[Outgoing], generation: int) -> int:
        """One atomic batch of offset documents and ``others``, both made under ``generation``; returns the stream sequence of the last message.

        Raises Fenced when another worker owns a partition, Superseded when the partitions were claimed anew meanwhile, and the last error when the
        outcome stays unknown for the patience.
        """
        async with self._storing:
            if generation != self.generation:
                raise Superseded(f"made under generation {generation}, now it is {self.generation}")
            return await self._store(offsets, others)

    async def _store(self, offsets: Mapping[TP, int], others: Sequence[Outgoing]) -> int:
        if not offsets and self.committed:
            tp = next(iter(self.committed))     # changes without an event are fenced by any partition that is ours
            offsets = {tp: self.committed[tp]}
        self._serial += 1
        docs = {tp: Document(offset, self.generation, self._owner, self._serial) for tp, offset in offsets.items()}
        sequence = await self._settle(docs, others)
        self.committed.update(offsets)
        return sequence

    async def _settle(self, docs: Mapping[TP, Document], others: Sequence[Outgoing]) -> int:
        """Send until it is known to be stored or refused.

        After a lost answer the next attempt meets its own revisions: it is refused, and what is stored is ours, or will be, or is a part of it
        (nats-server 2.15 tears the batch that crosses its storage limit). Changes are whole values, so all of it can be sent again.
        """
        give_up = time.monotonic() + self._patience
        unsure, answer = False, ANSWER
        while True:
            messages = [*self._expecting(docs), *others]
            try:
                sequence = await send_batch(self._connection, messages, answer)
            except Refused as refused:
                found = await self._ours(docs) if unsure else None
                if found is None:
                    raise Fenced(str(refused)) from refused
                last = await self._whole(messages) if found == docs else None
                if last is not None:
                    return last
                if time.monotonic() > give_up:
                    raise NotStored(f"commit not stored as a whole: {refused}") from refused
            except TRY_AGAIN as exc:
                unsure = True
                logger.info("commit not known to be stored: %r", exc)
                if time.monotonic() > give_up:
                    raise
                answer = min(2 * answer, API_TIMEOUT)
            else:
                first = sequence - len(messages) + 1
                self._revision.update({tp: first + index for index, tp in enumerate(docs)})
                return sequence
            await asyncio.sleep(PAUSE)

    def _expecting(self, docs: Mapping[TP, Document]) -> list[Outgoing]:
        return [
            Outgoing(self._names.offset(tp.topic, tp.partition), doc.encode(), {EXPECTED: str(self._revision.get(tp, 0))}) for tp, doc in docs.items()
        ]

    async def _ours(self, docs: Mapping[TP, Document]) -> dict[TP, Document] | None:
        """What is stored if nobody took over, so that our own earlier attempt refuses us; the next attempt expects it. None if somebody did."""
        ours: dict[TP, Document] = {}
        for tp in docs:
            doc, revision = await self.read(tp)
            if doc is None or (doc.owner, doc.generation) != (self._owner, self.generation):
                return None
            ours[tp] = doc
            self._revision[tp] = revision
        return ours

    async def _whole(self, messages: Sequence[Outgoing]) -> int | None:
        """The sequence of the last message, if it lies where it must after the first one, which is stored."""
        subjects = messages[0].subject, messages[-1].subject
        try:
            first, last = [(await insist(partial(self._connection.js.get_last_msg, self._names.state_stream, one), self._patience)).seq for one in subjects]
        except NotFoundError:
            first = last = None
        if first is not None and last is not None and last - first == len(messages) - 1:
            return int(last)
        logger.error("the server stored a part of a commit (is its storage full?): all of it is sent again")
        return None
