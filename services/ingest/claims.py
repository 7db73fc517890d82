"""Who records a slot: a claim by compare-and-set whose sequence is the epoch, and what was started under it.

    slot.<pool>.<n>           {"node", "address"}                 the newest write is the holder; its revision is the epoch
    started.<pool>.<camera>   {"epoch", "node", "first_ns"}       this camera's first stored key frame under that epoch

Losing a lease never stops a recording; seeing this camera started under a higher epoch does.
"""
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import NamedTuple

import orjson

from services.ingest.slots import slot_of
from vonglau.broker import KeyValue
from vonglau.errors import LostRace


class Holder(NamedTuple):
    """Who holds a camera's slot."""

    node: str
    address: str  # of its gRPC server
    epoch: int


class Started(NamedTuple):
    camera: str
    epoch: int
    node: str


class Claims:
    """The claims bucket, as one node of one pool uses it."""

    def __init__(self, bucket: KeyValue, pool: str, node: str, address: str) -> None:
        self._bucket = bucket
        self._pool = pool
        self._node = node
        self._address = address
        self._epochs: dict[int, asyncio.Task[int]] = {}

    async def epoch(self, camera: str) -> int:
        """The epoch under which this process records the camera; its slot is claimed once in the life of the process.

        Raises: Unavailable.
        """
        slot = slot_of(camera)
        if slot not in self._epochs or (self._epochs[slot].done() and self._epochs[slot].exception()):
            self._epochs[slot] = asyncio.create_task(self._claim(slot))
        return await asyncio.shield(self._epochs[slot])

    async def started(self, camera: str, epoch: int, first_ns: int) -> None:
        """Tell others that the camera is recorded here. A higher epoch that stands there already stays. Raises: Unavailable."""
        key = f"started.{self._pool}.{camera}"
        value = orjson.dumps({"epoch": epoch, "node": self._node, "first_ns": first_ns})
        while True:
            entry = await self._bucket.get(key)
            if entry and entry.value and orjson.loads(entry.value)["epoch"] >= epoch:
                return
            try:
                await self._bucket.update(key, value, entry.revision if entry else 0)
            except LostRace:
                continue
            return

    async def superseded(self) -> AsyncIterator[Started]:
        """Every start by whomever, as it comes; the caller compares epochs."""
        async for entry in self._bucket.watch(f"started.{self._pool}.>"):
            if entry and entry.value:
                value = orjson.loads(entry.value)
                yield Started(entry.key.rpartition(".")[2], value["epoch"], value["node"])

    async def holder(self, camera: str) -> Holder | None:
        """Who claimed the camera's slot last; None: nobody ever did. Raises: Unavailable."""
        return await holder_of(self._bucket, self._pool, camera)

    async def _claim(self, slot: int) -> int:
        key = f"slot.{self._pool}.{slot}"
        value = orjson.dumps({"node": self._node, "address": self._address})
        while True:
            entry = await self._bucket.get(key)
            try:
                return await self._bucket.update(key, value, entry.revision if entry else 0)
            except LostRace:
                continue


async def holder_of(bucket: KeyValue, pool: str, camera: str) -> Holder | None:
    entry = await bucket.get(f"slot.{pool}.{slot_of(camera)}")
    if entry is None or entry.value is None:
        return None
    value = orjson.loads(entry.value)
    return Holder(value["node"], value["address"], entry.revision)
