"""Reads all playing sockets on a timer. The cost of a camera doesn't depend on how the network slices its stream."""

import asyncio
import logging
import socket
from typing import Protocol

from services.ingest.media.errors import DamagedStream
from services.ingest.rtsp.errors import Damaged, StreamUnavailable, TransportLost

_LOG = logging.getLogger(__name__)

_SCRATCH = 1 << 20                                           # bytes; shared, since one camera is read at a time
_ROUNDS = 8                                                  # reads per visit: a camera that floods must not starve the others


class Drained(Protocol):
    """A playing connection as the loop sees it."""

    socket: socket.socket
    tail: bytes                                              # what the last visit left over: less than one frame

    def received(self, buffer: bytearray, view: memoryview, n: int) -> int:
        """Takes whole frames out of `buffer[:n]`, returns how many bytes. Raises `DamagedStream` or `StreamUnavailable`."""

    def visited(self) -> None:
        """After each visit, whether or not something was there to read. Raises `StreamUnavailable` where too little was."""

    def failed(self, error: StreamUnavailable) -> None:
        """The connection is over and has left the loop."""


class DrainLoop:
    """A ring of slots; each connection is visited once in an interval, a watched one more often. Belongs to one event loop."""

    def __init__(self, *, interval_ms: int, watched_interval_ms: int, slots: int) -> None:
        self.lateness = 0.0                                  # s: how far the last turn was behind
        self.worst_lateness = 0.0
        self.failures = 0                                    # connections that ended by an error that was not foreseen
        self._step = interval_ms / 1000 / slots
        self._stride = max(1, slots * watched_interval_ms // interval_ms)
        self._ring: list[list[Drained]] = [[] for _ in range(slots)]
        self._slots: dict[Drained, list[int]] = {}
        self._turn = 0
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._buffer = bytearray(_SCRATCH)
        self._view = memoryview(self._buffer)

    def attach(self, connection: Drained) -> None:
        slot = min(range(len(self._ring)), key=lambda index: len(self._ring[index]))
        self._slots[connection] = [slot]
        self._ring[slot].append(connection)
        if self._timer is None:
            self._due = asyncio.get_running_loop().time()
            self._schedule()

    def detach(self, connection: Drained) -> None:
        for slot in self._slots.pop(connection, ()):
            self._ring[slot].remove(connection)

    def watch(self, connection: Drained, *, watched: bool) -> None:
        """Visits it at the watched interval, or no longer."""
        slots = self._slots.get(connection)
        if slots is None:
            return
        first, count = slots[0], len(self._ring)
        wanted = [(first + offset) % count for offset in range(0, count, self._stride)] if watched else [first]
        for slot in slots:
            self._ring[slot].remove(connection)
        for slot in wanted:
            self._ring[slot].append(connection)
        self._slots[connection] = wanted

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _schedule(self) -> None:
        """The next turn that has a connection; none while there are no connections."""
        count = len(self._ring)
        ahead = next((ahead for ahead in range(1, count + 1) if self._ring[(self._turn + ahead) % count]), None)
        if ahead is None:
            self._timer = None
            return
        self._turn = (self._turn + ahead) % count
        self._due += ahead * self._step
        self._timer = asyncio.get_running_loop().call_at(self._due, self._visit_slot)

    def _visit_slot(self) -> None:
        now = asyncio.get_running_loop().time()
        self.lateness = max(0.0, now - self._due)
        self.worst_lateness = max(self.worst_lateness, self.lateness)
        if self.lateness > 1:                                # behind by more than sockets hold: go on from here, not from there
            self._due = now
        try:
            for connection in tuple(self._ring[self._turn]):
                if connection in self._slots:                # not taken out by one visited before
                    self._visit(connection)
        finally:
            self._schedule()

    def _visit(self, connection: Drained) -> None:
        try:
            self._drain(connection)
            connection.visited()
        except StreamUnavailable as error:
            self._fail(connection, error)
        except DamagedStream as error:
            self._fail(connection, Damaged(str(error)))
        except OSError as error:
            self._fail(connection, TransportLost(f"the connection broke: {error.strerror}"))
        except Exception:  # noqa: BLE001 - the outer edge: one camera's surprise must not end the others
            self.failures += 1
            _LOG.exception("a connection ended by an error that was not foreseen")
            self._fail(connection, Damaged("the stream could not be processed"))

    def _fail(self, connection: Drained, error: StreamUnavailable) -> None:
        self.detach(connection)
        connection.failed(error)

    def _drain(self, connection: Drained) -> None:
        buffer, view, kept = self._buffer, self._view, len(connection.tail)
        buffer[:kept] = connection.tail
        for _ in range(_ROUNDS):
            try:
                size = connection.socket.recv_into(view[kept:])
            except BlockingIOError:
                return
            if not size:
                raise TransportLost("the camera closed the connection")
            size += kept
            used = connection.received(buffer, view, size)
            connection.tail = bytes(view[used:size])
            kept = size - used
            if size < len(buffer):
                return
            buffer[:kept] = connection.tail
