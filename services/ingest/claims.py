"""Who records a slot: a claim by compare-and-set whose sequence is the epoch, and what was started under it.

    slot.<pool>.<n>      {"node", "address"}                 the newest write is the holder; its revision is the epoch
    started.<camera>     {"epoch", "pool", "node", "first_ns", "before", "before_epoch", "before_ns"}    the camera's first stored key frame under
                         that epoch, who had it before, and the same of that one
    refused.<camera>     {"epoch", "pool", "node"}           the camera turns down a second connection: whoever has the first gives way

Losing a lease never stops a recording; seeing this camera started, or turned down, under a higher epoch does.
"""
from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any, NamedTuple

import orjson

from services.ingest.slots import slot_of
from vonglau.broker import Entry, KeyValue
from vonglau.errors import LostRace, Unavailable

READ_S = 10.0  # for the notes on all cameras


class Claim(NamedTuple):
    epoch: int
    is_inherited: bool  # nobody but this node is known to have held the slot before: what its epochs left behind is here


class Started(NamedTuple):
    camera: str
    epoch: int
    pool: str
    node: str
    before: tuple[str, str] = ("", "")  # pool and node that had started it last; empty: nobody known
    first_ns: int = 0  # its first key frame under the epoch (UTC); 0: not known
    before_epoch: int = 0  # under which that one had it; 0: not known
    before_ns: int = 0  # that one's first key frame


class Claims:
    """The claims bucket, as one node of one pool uses it."""

    def __init__(self, bucket: KeyValue, pool: str, node: str, address: str) -> None:
        """address: of this process's gRPC server."""
        self.address = address
        self._pool = pool
        self._node = node
        self._bucket = bucket
        self._value = orjson.dumps({"node": node, "address": address})
        self._held: dict[int, Claim] = {}
        self._locks: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def claim(self, camera: str) -> Claim:
        """Under which epoch this process records the camera; its slot is claimed once in the life of the process.

        Raises: Unavailable.
        """
        slot = slot_of(camera)
        async with self._locks[slot]:
            if slot not in self._held:
                self._held[slot] = await self._take(f"slot.{self._pool}.{slot}")
            return self._held[slot]

    async def renew(self, camera: str) -> Claim:
        """A new epoch for the camera's slot, above all that were: somebody else has started the camera meanwhile. Raises: Unavailable."""
        slot = slot_of(camera)
        async with self._locks[slot]:
            self._held[slot] = await self._take(f"slot.{self._pool}.{slot}")
            return self._held[slot]

    async def started(self, camera: str, epoch: int, first_ns: int) -> None:
        """Tell others that the camera is recorded here. A higher epoch that stands there already stays. Raises: Unavailable."""
        await self._tell(f"started.{camera}", epoch, {"first_ns": first_ns})

    async def refused(self, camera: str, epoch: int) -> None:
        """Tell whoever records the camera that it has to give way, since there is no second connection. Raises: Unavailable."""
        await self._tell(f"refused.{camera}", epoch, {})

    async def starts(self) -> AsyncGenerator[Started, None]:
        """Every start by whomever, those that were there first, for ever; the reader compares epochs."""
        async for entry in self._bucket.watch("started.>"):
            if entry and (started := read_started(entry)):
                yield started

    async def starts_of_this_node(self) -> list[Started]:
        """Cameras that this node has started last, or had until another one did. Raises: Unavailable."""
        found: list[Started] = []
        try:
            async with asyncio.timeout(READ_S), aclosing(self._bucket.watch("started.>")) as entries:
                async for entry in entries:
                    if entry is None:
                        break
                    started = read_started(entry)
                    if started is not None and (self.is_own(started) or started.before == (self._pool, self._node)):
                        found.append(started)
        except TimeoutError:
            raise Unavailable("LOG_UNAVAILABLE", "who has started which cameras can't be read just now") from None
        return found

    async def refusals(self) -> AsyncGenerator[Started, None]:
        """Likewise: who wants a camera to be given way to."""
        async for entry in self._bucket.watch("refused.>"):
            if entry and (refused := read_started(entry)):
                yield refused

    async def last(self, camera: str) -> Started | None:
        """Who started the camera last. Raises: Unavailable."""
        entry = await self._bucket.get(f"started.{camera}")
        return read_started(entry) if entry else None

    def is_own(self, note: Started) -> bool:
        return (note.pool, note.node) == (self._pool, self._node)

    async def _tell(self, key: str, epoch: int, more: Mapping[str, int]) -> None:
        while True:
            entry = await self._bucket.get(key)
            present = read_started(entry) if entry else None
            if present is not None and present.epoch >= epoch:
                return
            before = before_this(present, self._pool, self._node)
            value = orjson.dumps({"epoch": epoch, "pool": self._pool, "node": self._node, **before, **more})
            try:
                await self._bucket.update(key, value, entry.revision if entry else 0)
            except LostRace:
                continue
            return

    async def _take(self, key: str) -> Claim:
        entry: Entry | None = None  # most slots that are claimed are claimed for the first time, so nothing is read before
        while True:
            try:
                epoch = await self._bucket.update(key, self._value, entry.revision if entry else 0)
            except LostRace:
                entry = await self._bucket.get(key)
                continue
            return Claim(epoch, is_inherited=holder(entry) in ("", self._node))


def holder(entry: Entry | None) -> str:
    """The node that claimed the slot; empty: none is known."""
    try:
        return str(orjson.loads(entry.value)["node"]) if entry and entry.value else ""
    except (ValueError, TypeError, KeyError):
        return ""


def read_started(entry: Entry) -> Started | None:
    """None: it was removed, or can't be read; then it says nothing."""
    try:
        value = orjson.loads(entry.value or b"")
        pool, node = value["before"]
        numbers = (int(value.get(name, 0)) for name in ("first_ns", "before_epoch", "before_ns"))
        return Started(entry.key.rpartition(".")[2], int(value["epoch"]), str(value["pool"]), str(value["node"]), (str(pool), str(node)), *numbers)
    except (ValueError, TypeError, KeyError):
        return None


def before_this(present: Started | None, pool: str, node: str) -> dict[str, Any]:
    """Who had the camera before, as it is noted; a process that starts it again hides nobody."""
    if present is None:
        return {"before": ("", "")}
    if (present.pool, present.node) == (pool, node):
        return {"before": present.before, "before_epoch": present.before_epoch, "before_ns": present.before_ns}
    return {"before": (present.pool, present.node), "before_epoch": present.epoch, "before_ns": present.first_ns}
