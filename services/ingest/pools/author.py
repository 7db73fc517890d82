"""Writes the slot table of its pool: of all members the one that holds the lease `slots.<pool>`."""
from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from services.ingest.claims import Started
from services.ingest.pools.assignment import Assignment
from services.ingest.pools.members import TTL_S, Members
from services.ingest.pools.placement import NONE, Slots, placed
from services.ingest.pools.table import Holders, SlotTable
from services.ingest.pools.tables import Tables
from services.ingest.pools.weighing import candidate, loads, recorded
from services.ingest.roster import Listed
from services.ingest.slots import slot_of
from vonglau.broker import Broker
from vonglau.errors import LostRace, Unavailable
from vonglau.leases import Hold, Lease, LeaseLost
from vonglau.telemetry import count, names

logger = logging.getLogger(__name__)

GATHER_S = 0.1  # changes that come together are placed together
STEADY_S = 5.0  # on one connection before anybody counts as dead: within it whoever lives has said so
FIRST_S = 0.1  # before there is a table: until nobody else comes; then it is written, and later ones only move slots
TURN_S = 1.0  # while slots move
READ_BACK_S = 5.0
MOVE_S = 20.0  # a camera that has not started at its new place by then doesn't hold up others


@dataclass
class Author:
    broker: Broker
    assignment: Assignment
    members: Members
    tables: Tables
    started: Mapping[str, Started]  # by camera
    moves_at_once: int  # cameras
    node: str
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _moving: dict[int, float] = field(default_factory=dict)  # slot -> until when it is waited for, by the loop's time

    def changed(self) -> None:
        """Something that the table depends on may be another."""
        self._changed.set()

    async def run(self) -> None:
        """For ever."""
        lease = Lease(self.broker, f"slots.{self.assignment.pool}", ttl_s=TTL_S)
        while True:
            with contextlib.suppress(LeaseLost):
                async with lease.held() as hold:
                    await self._keep(hold)

    async def _keep(self, hold: Hold) -> None:
        """While the lease is held."""
        await self._steady()
        self._moving = {}
        while True:
            self._changed.clear()
            await asyncio.sleep(GATHER_S)
            if hold.is_safe:
                try:
                    await self._place()
                except (Unavailable, LostRace):  # read again: the log was away, or another author wrote
                    await self._steady()
                    self._changed.set()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TURN_S if self._moving else TTL_S):  # an expiry may have been missed while the connection was away
                    await self._changed.wait()

    async def _steady(self) -> None:
        """Whoever lives has had the time to say so."""
        while True:
            seen = self._seen()
            await asyncio.sleep(STEADY_S if self.assignment.table.revision else FIRST_S)
            if self.broker.is_connected and seen == self._seen():
                return

    def _seen(self) -> tuple[int, frozenset[str]]:
        """What has to stay the same meanwhile: the connection, and, before there is a table, who is there."""
        return self.broker.connections, frozenset(() if self.assignment.table.revision else self.members.live())

    async def _place(self) -> None:
        """Raises: Unavailable, LostRace."""
        pool = self.assignment.census.selection.pools.get(self.assignment.pool)
        members = self.members.live()
        if pool is None or self.node not in members:
            return
        before = self.assignment.table
        cameras = list(self.assignment.census.cameras(self.assignment.pool))
        under_way = self._under_way(cameras, before.holders)
        slots = Slots(loads(cameras), recorded(cameras, self.started, before.holders), dict(pool.pins))
        movable = max(0, self.moves_at_once - under_way)
        holders = await asyncio.to_thread(placed, slots, [candidate(each, pool) for each in members.values()], before.holders, movable)
        if holders == before.holders:
            return
        after = SlotTable(before.revision, holders)
        revision = await self.tables.write(self.assignment.pool, after)
        self._note(before, after, slots)
        await self._read_back(revision)

    async def _read_back(self, revision: int) -> None:
        """The next table is made of the one that everybody has."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(READ_BACK_S):
                while self.assignment.table.revision < revision:
                    await self._changed.wait()
                    self._changed.clear()
        self._changed.set()

    def _under_way(self, cameras: list[Listed], holders: Holders) -> int:
        """Cameras in slots that have been given to another member and are not yet recorded there."""
        now = asyncio.get_running_loop().time()
        waiting: Counter[int] = Counter()
        for listed in cameras:
            slot, start = slot_of(listed.camera), self.started.get(listed.camera)
            if slot in self._moving and start is not None and start.node != holders[slot]:
                waiting[slot] += 1
        self._moving = {slot: until for slot, until in self._moving.items() if waiting[slot] and until > now}
        return sum(waiting[slot] for slot in self._moving)

    def _note(self, before: SlotTable, after: SlotTable, slots: Slots) -> None:
        until = asyncio.get_running_loop().time() + MOVE_S
        moved = [slot for slot in after.moved(before) if before.holders[slot]]
        self._moving |= {slot: until for slot in moved if slots.recorded.get(slot)}
        count(names.SLOT_MOVES, len(moved))
        if moved:
            logger.info("%d slots with %d cameras go to another process", len(moved), sum(slots.loads.get(slot, NONE).cameras for slot in moved))
