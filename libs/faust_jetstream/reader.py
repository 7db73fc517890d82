"""One partition as the consumer reads it: a position, a bounded buffer, and a feed that fills it on demand."""

import asyncio
from collections import deque
from collections.abc import Callable

from faust.types import TP

from .connection import Connection
from .feed import Feed, Record


class Reader:
    """Hands out records in order; ``position`` is the offset of the next one."""

    def __init__(self, connection: Connection, tp: TP, source: tuple[str, str | None], position: int, fetch: int, arrived: Callable[[], None]) -> None:
        self.tp = tp
        self.position = position
        self.end: int | None = None         # offset after the last message of the partition, as last told by the server
        self._connection = connection
        self._source = source
        self._fetch = fetch
        self._arrived = arrived
        self._buffer: deque[Record] = deque()
        self._feed: Feed | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self.restarts = 0

    def __len__(self) -> int:
        return len(self._buffer)

    def start(self) -> None:
        """Read from the position on, unless it does so already."""
        if self._feed is None:
            self._feed = Feed(self._connection, self._source, start=self.position + 1, deliver=self._on_record, room=self._room)
            self._feed.start()

    def rest(self) -> None:
        """Stop reading and drop what is buffered; the position stays."""
        feed, self._feed = self._feed, None
        self._buffer.clear()
        if feed is None:
            return
        self.restarts += feed.restarts
        task = feed.cancel()
        if task is not None:
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    async def close(self) -> None:
        """Rest, and wait until the server has been told."""
        self.rest()
        if self._ending:
            await asyncio.wait(set(self._ending))

    def seek(self, position: int) -> None:
        if position != self.position or self._buffer:
            self.rest()
            self.position = position

    def take(self, most: int) -> list[Record]:
        """Up to ``most`` records; the position moves behind them."""
        buffer = self._buffer
        if len(buffer) <= most:
            taken = list(buffer)
            buffer.clear()
        else:
            taken = [buffer.popleft() for _ in range(most)]
        if taken:
            self.position = taken[-1].sequence
            if self._feed is not None and len(buffer) < self._fetch:
                self._feed.more()
        return taken

    def _room(self) -> int:
        return self._fetch if len(self._buffer) < self._fetch else 0

    def _on_record(self, record: Record) -> None:
        self.end = record.sequence + record.pending
        if not self._buffer:
            self._arrived()
        self._buffer.append(record)
