"""Facts that the uploader does not tell wait here until the log has them, on disk too, also across a kill.

A fact is one file, `<order>-<kind>-<camera>.fact`, removed after its acknowledgement. A thread of its own writes and removes them, in order,
so that a disk that hangs holds up nobody. Not fsynced: a killed process loses the last milliseconds, a dead machine the last seconds.
"""
from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import logging
import time
from collections import deque
from functools import partial
from pathlib import Path
from typing import NamedTuple, Protocol

from google.protobuf.message import DecodeError, Message

from services.ingest.spool.lanes import WriterLanes
from vonglau.errors import Invalid, Unavailable
from vonglau.ingest.v1.events_pb2 import ClockMeasured, InterruptionObserved, SegmentRecorded, StreamChanged

logger = logging.getLogger(__name__)

KINDS: dict[str, type[Message]] = {
    "interruption": InterruptionObserved,
    "segment": SegmentRecorded,
    "stream": StreamChanged,
    "clock": ClockMeasured,
}
RETRY_S = 0.5
MOST_WAITING = 100_000  # facts; at one interruption a second this is a day without a log


class Publisher(Protocol):
    async def publish(self, kind: str, key: str, fact: Message, identity: str) -> int: ...


class Waiting(NamedTuple):
    path: Path
    kind: str
    camera: str
    fact: Message
    identity: str


class Outbox:
    """Publishes in the order in which facts were put in. Belongs to one event loop."""

    def __init__(self, folder: Path, publisher: Publisher) -> None:
        self._folder = folder
        self._publisher = publisher
        self._orders = itertools.count(time.time_ns())
        self.dropped = 0  # facts lost to the bound, in a damaged file, or too large for the log
        self.log_away = ""  # why the log takes nothing just now
        self._queue = deque(self._left_behind())
        self._news = asyncio.Event()
        self._empty = asyncio.Event()
        self._disk = WriterLanes(1)

    @property
    def waiting(self) -> int:
        return len(self._queue)

    def put(self, kind: str, camera: str, fact: Message) -> None:
        """Never blocks and never fails: what the disk can't take waits in memory alone, and what is over the bound is counted."""
        if len(self._queue) >= MOST_WAITING:
            self.dropped += 1
            return
        body = fact.SerializeToString()
        path = self._folder / f"{next(self._orders):020}-{kind}-{camera}.fact"
        self._disk.put("", partial(write, path, body))
        self._queue.append(Waiting(path, kind, camera, fact, identity(body)))
        self._empty.clear()
        self._news.set()

    async def run(self) -> None:
        """Publish for ever; a log that is away is waited for, and what no message of it would hold is left out."""
        while True:
            self._news.clear()
            while self._queue:
                first = self._queue[0]
                try:
                    await self._publisher.publish(first.kind, first.camera, first.fact, first.identity)
                except Unavailable as away:
                    self.log_away = away.message
                    await asyncio.sleep(RETRY_S)
                    continue
                except Invalid as refused:
                    self.dropped += 1
                    logger.error("%s can't be told and stays where it is: %s", first.path.name, refused)
                else:
                    self._disk.put("", partial(remove, first.path))
                self.log_away = ""
                self._queue.popleft()
            self._empty.set()
            await self._news.wait()

    async def drain(self, within: float) -> bool:
        """Whether everything was published in time (s). `run` must be running."""
        try:
            await asyncio.wait_for(self._empty.wait(), within)
        except TimeoutError:
            return False
        return True

    def close(self, within: float) -> bool:
        """What waits for the disk is written; False if the disk hangs (s). Nothing is put in afterwards."""
        return self._disk.close(within)

    def _left_behind(self) -> list[Waiting]:
        found: list[Waiting] = []
        for path in sorted(self._folder.glob("*.fact")):
            try:
                found.append(read(path))
            except (OSError, ValueError, KeyError, DecodeError) as error:
                self.dropped += 1
                logger.warning("%s can't be read and stays where it is: %s", path.name, type(error).__name__)
        return found


def identity(body: bytes) -> str:
    """The same fact has the same id, so that the log drops a repeated one."""
    return hashlib.sha256(body).hexdigest()[:32]


def write(path: Path, body: bytes) -> None:
    temporary = path.with_suffix(".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(body)
        temporary.rename(path)
    except OSError as error:
        logger.warning("a fact waits in memory only: %s", error.strerror)


def remove(path: Path) -> None:
    """One that can't be removed is told again at the next start, which changes nothing."""
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def read(path: Path) -> Waiting:
    """Raises: OSError; ValueError, KeyError or DecodeError where it is no fact."""
    _, kind, camera = path.stem.split("-", 2)
    body = path.read_bytes()
    fact = KINDS[kind]()
    fact.ParseFromString(body)
    return Waiting(path, kind, camera, fact, identity(body))
