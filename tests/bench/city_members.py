"""Some members of one pool as a process: real roster, membership, table author and claims; cameras are held, not recorded.

Says the slots that carry cameras once it is ready, begins at a line on stdin, then says each claim, all as lines of JSON.

    python -m tests.bench.city_members NATS_URL POOL FIRST COUNT
"""
from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import orjson
import uvloop

from services.ingest.claims import Claims, Started
from services.ingest.pools import Assignment, Declared, Member, Members, Report, SlotTable
from services.ingest.pools.author import Author
from services.ingest.pools.selection import Selection
from services.ingest.pools.tables import Tables
from services.ingest.roster import Roster
from services.ingest.roster_reader import RosterReader
from services.ingest.slots import slot_of
from vonglau.broker import KeyValue, connect
from vonglau.broker.topology import CLAIMS, LEASES, POOLS, SLOTS
from vonglau.ending import Parts
from vonglau.errors import Unavailable
from vonglau.subscription import JetStreamEvents

LANES = 8  # as a station has


@dataclass
class Holding:
    """Stands where the station does: takes the slots of the cameras that are here, and lets go of the others."""

    node: str
    roster: Roster
    assignment: Assignment
    claims: Claims
    in_slot: dict[int, str]  # any of its cameras
    started: dict[str, Started] = field(default_factory=dict)
    held: set[int] = field(default_factory=set)
    lanes: list[asyncio.Queue[int]] = field(default_factory=lambda: [asyncio.Queue() for _ in range(LANES)])
    _queued: set[int] = field(default_factory=set)

    def changed(self, camera: str) -> None:
        slot = slot_of(camera)
        if slot not in self._queued:
            self._queued.add(slot)
            self.lanes[slot % LANES].put_nowait(slot)

    async def settle(self, lane: asyncio.Queue[int]) -> None:
        while True:
            slot = await lane.get()
            self._queued.discard(slot)
            if self.assignment.table.holders[slot] != self.node:
                self.held.discard(slot)
            elif slot not in self.held:
                await self._take(slot)

    async def _take(self, slot: int) -> None:
        camera = self.in_slot[slot]
        try:
            claim = await self.claims.renew(camera)
        except Unavailable:
            asyncio.get_running_loop().call_later(1, self.changed, camera)
            return
        self.held.add(slot)
        told = orjson.dumps({"at": time.time(), "node": self.node, "slot": slot, "epoch": claim.epoch})
        sys.stdout.buffer.write(told + b"\n")
        sys.stdout.buffer.flush()


async def run(url: str, pool: str, first: int, count: int) -> None:
    roster, in_slot = Roster(), dict[int, str]()
    async with AsyncExitStack() as stack, Parts() as parts:
        shared = await stack.enter_async_context(connect(url, name="roster"))
        members = [await member(stack, url, pool, f"member-{number}", roster, in_slot) for number in range(first, first + count)]
        census = members[0][0].census

        def camera_changed(camera: str) -> None:
            census.camera_changed(camera)
            in_slot[slot_of(camera)] = camera
            for assignment, holding, author in members:
                if assignment.table.holders[slot_of(camera)] == holding.node:
                    holding.changed(camera)
                author.changed()

        reader = RosterReader(JetStreamEvents(shared.nc), f"city-{first}", roster, camera_changed)
        for assignment, _, _ in members:
            assignment.census = census  # one for the process: it is the same for all
        parts.start(reader.run())
        while not reader.is_caught_up:  # noqa: ASYNC110 - a benchmark waits
            await asyncio.sleep(0.05)
        sys.stdout.write(orjson.dumps(sorted(in_slot)).decode() + "\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.readline)
        for assignment, holding, author in members:
            for part in started(assignment, holding, author):
                parts.start(part)
        await asyncio.Event().wait()


async def member(stack: AsyncExitStack, url: str, pool: str, node: str, roster: Roster, in_slot: dict[int, str]) -> tuple[Assignment, Holding, Author]:
    """With a connection of its own, as a pod has."""
    broker = await stack.enter_async_context(connect(url, name=node))
    assignment = Assignment(pool, node, roster)
    holding = Holding(node, roster, assignment, Claims(KeyValue(broker, CLAIMS), pool, node, "127.0.0.1:1"), in_slot)
    assignment.serve(holding.changed)
    own = Members(KeyValue(broker, LEASES), Member(pool, node, "127.0.0.1:1", 10_000), lambda: Report(cameras=len(holding.held)))
    author = Author(broker, assignment, own, Tables(KeyValue(broker, SLOTS)), holding.started, 50, node)
    return assignment, holding, author


def started(assignment: Assignment, holding: Holding, author: Author) -> list[Coroutine[Any, Any, None]]:
    def pools_changed(selection: Selection) -> None:
        assignment.pools_changed(selection)
        author.changed()

    def table_changed(table: SlotTable) -> None:
        assignment.table_changed(table)
        author.changed()

    return [
        Declared(KeyValue(author.broker, POOLS)).follow(pools_changed),
        author.tables.follow(assignment.pool, table_changed),
        author.members.follow(author.changed),
        author.members.keep(),
        author.run(),
        *(holding.settle(lane) for lane in holding.lanes),
    ]


if __name__ == "__main__":
    uvloop.run(run(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
