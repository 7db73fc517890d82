"""Facts that are no segments (interruptions, stream changes) wait here on disk until the log has them, also across a kill.

A fact is one file, `<order>-<kind>-<camera>.fact`, written before it is published and removed after its acknowledgement.
Not fsynced: a killed process loses none, a dead machine the last seconds.
"""
from __future__ import annotations

import asyncio
import hashlib
import itertools
import logging
import time
from collections import deque
from pathlib import Path
from typing import NamedTuple

from google.protobuf.message import DecodeError, Message

from vonglau.errors import Unavailable
from vonglau.eventlog import FactPublisher
from vonglau.ingest.v1.events_pb2 import ClockMeasured, InterruptionObserved, StreamChanged

logger = logging.getLogger(__name__)

KINDS: dict[str, type[Message]] = {"interruption": InterruptionObserved, "stream": StreamChanged, "clock": ClockMeasured}
RETRY_S = 0.5
MOST_WAITING = 100_000  # files; at one interruption a second this is a day without a log


class Waiting(NamedTuple):
    path: Path
    kind: str
    camera: str
    fact: Message
    identity: str


class Outbox:
    """Publishes in the order in which facts were put in."""

    def __init__(self, folder: Path, publisher: FactPublisher) -> None:
        self._folder = folder
        self._publisher = publisher
        self._orders = itertools.count(time.time_ns())
        self.dropped = 0  # facts lost to the bound, a full disk, or a damaged file
        self._queue = deque(self._left_behind())
        self._news = asyncio.Event()
        self._empty = asyncio.Event()

    @property
    def waiting(self) -> int:
        return len(self._queue)

    def put(self, kind: str, camera: str, fact: Message) -> None:
        """Never blocks and never fails: what even this disk can't take waits in memory alone, and what is over the bound is counted."""
        if len(self._queue) >= MOST_WAITING:
            self.dropped += 1
            return
        body = fact.SerializeToString()
        path = self._folder / f"{next(self._orders):020}-{kind}-{camera}.fact"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            temporary = path.with_suffix(".part")
            temporary.write_bytes(body)
            temporary.rename(path)
        except OSError as error:
            logger.warning("a fact about %s waits in memory only: %s", camera, error)
        self._queue.append(Waiting(path, kind, camera, fact, identity(body)))
        self._empty.clear()
        self._news.set()

    async def run(self) -> None:
        """Publish for ever; a log that is away is waited for."""
        while True:
            self._news.clear()
            while self._queue:
                first = self._queue[0]
                try:
                    await self._publisher.publish(first.kind, first.camera, first.fact, first.identity)
                except Unavailable:
                    await asyncio.sleep(RETRY_S)
                    continue
                first.path.unlink(missing_ok=True)
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

    def _left_behind(self) -> list[Waiting]:
        paths = sorted(self._folder.glob("*.fact")) if self._folder.exists() else []
        return [waiting for path in paths if (waiting := self._read(path))]

    def _read(self, path: Path) -> Waiting | None:
        _, kind, camera = path.stem.split("-", 2)
        body = path.read_bytes()
        try:
            fact = KINDS[kind]()
            fact.ParseFromString(body)
        except (KeyError, DecodeError):
            self.dropped += 1
            logger.warning("%s can't be read and stays where it is", path)
            return None
        return Waiting(path, kind, camera, fact, identity(body))


def identity(body: bytes) -> str:
    """The same fact has the same id, so that the log drops a repeated one."""
    return hashlib.sha256(body).hexdigest()[:32]
