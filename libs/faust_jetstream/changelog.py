"""Table changes under at-least-once: written at once, one write in flight per key, so that no repetition can overtake a newer value."""

import asyncio

from faust.types import TP
from faust.types.tuples import FutureMessage, RecordMetadata
from mode import get_logger

from .publisher import Publisher

logger = get_logger(__name__)

BACKLOG = 2000          # keys waiting to be written before streams are held back


class _Write:
    __slots__ = ("body", "futures", "headers", "subject", "tp")

    def __init__(self, subject: str, body: bytes, headers: dict[str, str], tp: TP) -> None:
        self.subject = subject
        self.body = body
        self.headers = headers
        self.tp = tp
        self.futures: list[FutureMessage] = []


class ChangelogWriter:
    """The newest value of a key replaces one that still waits: hot keys cost one write per round trip."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._waiting: dict[str, _Write] = {}
        self._flying: dict[str, _Write] = {}
        self._something = asyncio.Event()
        self._ebb = asyncio.Event()
        self._ebb.set()
        self._task: asyncio.Task[None] | None = None
        self._failure: BaseException | None = None

    def start(self) -> None:
        self._task = asyncio.ensure_future(self._write_all())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None

    @property
    def backlog(self) -> int:
        return len(self._waiting)

    def put(self, subject: str, body: bytes, headers: dict[str, str], tp: TP, future: FutureMessage) -> None:
        """Hand over one change; ``future`` gets the metadata of the write that stored it or a newer one. Raises MessageTooLarge."""
        self._publisher.check_size(subject, body)
        write = _Write(subject, body, headers, tp)
        older = self._waiting.pop(subject, None)
        if older is not None:
            write.futures = older.futures
        write.futures.append(future)
        self._waiting[subject] = write
        if len(self._waiting) > BACKLOG:
            self._ebb.clear()
        if subject not in self._flying:
            self._something.set()

    async def ebb(self) -> None:
        """Return when the backlog is small again."""
        await self._ebb.wait()

    async def flush(self) -> None:
        """Return when everything handed over so far is stored; raise if some of it is not."""
        waiting = [write.futures[-1] for write in (*self._flying.values(), *self._waiting.values())]
        if waiting:
            await asyncio.wait(waiting)
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure

    async def _write_all(self) -> None:
        while True:
            await self._something.wait()
            self._something.clear()
            for subject in [one for one in self._waiting if one not in self._flying]:
                write = self._waiting.pop(subject)
                self._flying[subject] = write
                stored = await self._publisher.publish(subject, write.body, write.headers)
                stored.add_done_callback(lambda future, write=write: self._done(future, write))  # type: ignore[misc]  # mypy: lambda default
            if len(self._waiting) <= BACKLOG // 2:
                self._ebb.set()

    def _done(self, stored: "asyncio.Future[int]", write: _Write) -> None:
        del self._flying[write.subject]
        if write.subject in self._waiting:
            self._something.set()
        failure = asyncio.CancelledError() if stored.cancelled() else stored.exception()
        if failure is not None:
            self._failure = failure
        for future in write.futures:
            if future.done():
                continue
            if failure is None:
                future.set_result(RecordMetadata(write.tp.topic, write.tp.partition, write.tp, stored.result() - 1))
            else:
                future.cancel()
