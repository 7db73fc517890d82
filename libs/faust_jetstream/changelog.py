"""Table changes under at-least-once: written at once, in fenced batches, one batch after the other.

Fenced, because a worker that was frozen and wakes up must not put its old values over those of its successor; one after the other, so that no repetition
can overtake a newer value. The newest value of a key replaces one that still waits: hot keys cost one write per round trip.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from faust.types import TP
from faust.types.tuples import FutureMessage, RecordMetadata
from mode import get_logger
from nats.errors import Error as NatsError

from .batch import MAX_BATCH, Outgoing
from .errors import NotStored
from .offsets import Fenced

logger = get_logger(__name__)

BACKLOG = 2000          # keys waiting to be written before streams are held back


class FencedStore(Protocol):
    """What the writer needs of the committed offsets."""

    committed: dict[TP, int]
    generation: int

    async def store(self, offsets: Mapping[TP, int], others: Sequence[Outgoing], generation: int) -> int:
        """One atomic batch; raises Fenced."""


class _Write:
    __slots__ = ("body", "futures", "headers", "sources", "subject", "tp")

    def __init__(self, subject: str, body: bytes, headers: dict[str, str], tp: TP, source: TP | None) -> None:
        self.subject = subject
        self.body = body
        self.headers = headers
        self.tp = tp
        self.sources = {source} - {None}
        self.futures: list[FutureMessage] = []

    def done(self, offset: int | None) -> None:
        for future in self.futures:
            if future.done():
                continue
            if offset is None:
                future.cancel()
            else:
                future.set_result(RecordMetadata(self.tp.topic, self.tp.partition, self.tp, offset))


class ChangelogWriter:
    """``store`` gives the offsets that this worker owns now; ``fenced`` is told when it does not own them any more."""

    def __init__(self, store: Callable[[], FencedStore], fenced: Callable[[set[TP], Fenced], None]) -> None:
        self._store = store
        self._fenced = fenced
        self._waiting: dict[str, _Write] = {}
        self._flying: list[_Write] = []
        self._something = asyncio.Event()
        self._ebb = asyncio.Event()
        self._ebb.set()
        self._task: asyncio.Task[None] | None = None
        self._failure: Exception | None = None

    def start(self) -> None:
        self._task = asyncio.ensure_future(self._write_all())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None
        self.drop()

    @property
    def backlog(self) -> int:
        return len(self._waiting)

    def put(self, subject: str, body: bytes, headers: dict[str, str], tp: TP, source: TP | None, future: FutureMessage) -> None:
        """Hand over one change made by an event of ``source``; ``future`` gets the metadata of the write that stored it or a newer one."""
        write = _Write(subject, body, headers, tp, source)
        older = self._waiting.pop(subject, None)
        if older is not None:
            write.futures = older.futures
            write.sources |= older.sources
        write.futures.append(future)
        self._waiting[subject] = write
        if len(self._waiting) > BACKLOG:
            self._ebb.clear()
        self._something.set()

    async def ebb(self) -> None:
        """Return when the backlog is small again."""
        await self._ebb.wait()

    async def flush(self) -> None:
        """Return when everything handed over so far is stored; raise if some of it is not."""
        waiting = [write.futures[-1] for write in (*self._flying, *self._waiting.values())]
        if waiting:
            await asyncio.wait(waiting)
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure

    def drop(self) -> None:
        """Forget what waits: its partitions are not ours any more, and their events are processed again."""
        waiting, self._waiting = self._waiting, {}
        for write in waiting.values():
            write.done(None)
        self._ebb.set()

    async def _write_all(self) -> None:
        while True:
            await self._something.wait()
            self._something.clear()
            while self._waiting:
                await self._write_some()
                if len(self._waiting) <= BACKLOG // 2:
                    self._ebb.set()

    async def _write_some(self) -> None:
        store = self._store()
        most = MAX_BATCH - max(1, len(store.committed))
        self._flying = [self._waiting.pop(subject) for subject in list(self._waiting)[:most]]
        sources = {tp for write in self._flying for tp in write.sources if tp is not None}
        last: int | None = None
        try:
            own = {tp: store.committed[tp] for tp in sources if tp in store.committed}
            last = await store.store(own, [Outgoing(write.subject, write.body, write.headers) for write in self._flying], store.generation)
        except Fenced as exc:
            self._fenced(sources, exc)
            self.drop()
        except (NatsError, NotStored) as exc:
            self._failure = exc
            logger.warning("%s table changes are not stored: %r", len(self._flying), exc)
        finally:
            done, self._flying = self._flying, []
            for index, write in enumerate(reversed(done)):
                write.done(None if last is None else last - 1 - index)
