"""A city's control plane on one machine: 40,210 cameras imported, spread over 100 members, one of them lost; then their facts each minute.

CITY_FACTS_S sets for how long facts flow (600 s). Where VONGLAU_TEST_MONGODB names a server, the same on it beside SQLite.
"""
from __future__ import annotations

import asyncio
import contextlib
import csv
import os
import sys
import time
from asyncio.subprocess import PIPE
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import psutil

from services.ingest.pools import Declared, SlotTable
from services.ingest.pools.tables import Tables
from tests.bench.city_facts import CAMERAS, flowing, name_of, owner_of
from tests.bench.figures import Figure
from tests.bench.progress import operations, projected
from tests.bench.registry_import import Running, importing, registry
from tests.bench.stand_in import indexed, unused
from tests.bench.usage import used
from vonglau.broker import Broker, KeyValue, connect
from vonglau.broker.topology import LEASES, POOLS, SLOTS, ensure
from vonglau.ingest.v1.service_pb2 import MemberCapacity, Pool
from vonglau.rpc import find
from vonglau.testing.waiting import eventually

MEMBERS, PROCESSES = 100, 3
POOL = "city"
VIEWS = 3  # of the registry
IMPORT_S, ASSIGNED_S, REASSIGNED_S, MOVES = 60, 10, 15, 1.1


def inventory(path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "owner", "name", "url", "serial", "purposes"])
        for number in range(CAMERAS):
            url = f"rtsp://10.{number >> 16}.{number >> 8 & 255}.{number & 255}/main"
            writer.writerow([name_of(number), owner_of(number), f"Ngã tư số {number}", url, f"SN-{number:06d}", "security_order"])


@dataclass
class City:
    """The member processes, and what they have told."""

    url: str
    carrying: list[int] = field(default_factory=list)  # slots with cameras
    processes: list[asyncio.subprocess.Process] = field(default_factory=list)
    claims: dict[int, tuple[float, str]] = field(default_factory=dict)  # slot -> when and by whom it was claimed last
    writers: defaultdict[tuple[int, int], set[str]] = field(default_factory=lambda: defaultdict(set))  # slot, epoch -> members

    async def start(self, first: int, count: int) -> asyncio.subprocess.Process:
        """Ready to go, with the roster read."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.bench.city_members", self.url, POOL, str(first), str(count), stdin=PIPE, stdout=PIPE,
        )
        assert process.stdout is not None
        self.carrying = orjson.loads(await process.stdout.readline())
        self.processes.append(process)
        return process

    async def listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            told = orjson.loads(line)
            self.claims[told["slot"]] = (told["at"], told["node"])
            self.writers[told["slot"], told["epoch"]].add(told["node"])

    def go(self) -> None:
        for process in self.processes:
            assert process.stdin is not None
            process.stdin.write(b"go\n")

    def is_held_as(self, table: SlotTable) -> bool:
        return all(table.holders) and all(self.claims.get(slot, (0.0, ""))[1] == table.holders[slot] for slot in self.carrying)

    async def end(self) -> None:
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def main() -> list[Figure]:
    figures = await on_store("")
    if server := os.environ.get("VONGLAU_TEST_MONGODB"):
        with unused(server) as documents:
            figures += await on_store(documents)
    return figures


async def on_store(documents: str) -> list[Figure]:
    """documents: of a server; empty: SQLite. What is spread rests on none, and is measured once."""
    async with registry(documents) as there, connect(there.url, name="bench", within=10) as broker:
        if documents:
            await indexed(documents, "registry", VIEWS)
        figures = shown(await imported(there, broker, "MongoDB, indexed" if documents else "SQLite"))
        await ensure(broker)
        if not documents:
            figures += shown(await spread(broker, there.url))
        return figures + shown(await flowing(there, broker, documents))


def shown(figures: list[Figure]) -> list[Figure]:
    """At once: what comes later takes its time, and may fail."""
    for figure in figures:
        print(f"  {figure}", flush=True)
    return figures


async def imported(there: Running, broker: Broker, documents: str) -> list[Figure]:
    inventory(there.folder / "inventory.csv")
    began = time.monotonic()
    process = await importing(there.folder)
    async with used(psutil.Process(process.pid), there.service, there.nats) as (command, service, nats):
        said, _ = await process.communicate()
        seconds = time.monotonic() - began
        async with operations(there.folder, find(there.folder / "run", "registry")) as stub:
            await projected(stub, "registry", broker, within=600)
        shown_after = time.monotonic() - began
    if orjson.loads(said)["counts"] != {"registered": CAMERAS}:
        raise RuntimeError(f"the import went wrong: {said[:300]!r}")
    what = f"import of {CAMERAS:,} cameras, {documents}"
    return [
        Figure(what, seconds, "s", bar=f"≤ {IMPORT_S}", reached=seconds <= IMPORT_S),
        Figure(f"  all of them in the documents; command {command}; registry {service}; NATS {nats}", shown_after, "s"),
    ]


async def spread(broker: Broker, url: str) -> list[Figure]:
    await Declared(KeyValue(broker, POOLS)).put(Pool(name=POOL, capacity=MemberCapacity(cameras=CAMERAS // MEMBERS * 2, bitrate_bps=10**15)))
    async with members(url) as city:
        lost = city.processes[-1]
        async with used(*(psutil.Process(process.pid) for process in city.processes)) as usages:
            began = time.time()
            city.go()
            first = await settled(broker, city, None)
        assigned = max(at for at, _ in city.claims.values()) - began
        dead = f"member-{MEMBERS - 1}"
        theirs = sum(holder == dead for holder in first.holders)
        await asyncio.sleep(6)  # all have renewed since
        lost.kill()
        await lost.wait()
        ended = await lease_end(broker, dead)
        after = await settled(broker, city, dead)
        again = max(city.claims[slot][0] for slot in city.carrying if first.holders[slot] == dead) - ended
        moved = len(list(after.moved(first)))
        doubled = [key for key, nodes in city.writers.items() if len(nodes) > 1]
    shares, ratio = Counter(first.holders).values(), moved / theirs
    cpu, memory = sum(each.cpu_s for each in usages), sum(each.most_mb for each in usages)
    used_up = f"({min(shares)} to {max(shares)}); CPU {cpu:.1f} s, PSS {memory:.0f} MB, {PROCESSES + 1} processes"
    every = f"{CAMERAS:,} cameras over {MEMBERS} members: every slot claimed by whom the table names"
    return [
        Figure(every, assigned, "s", bar=f"≤ {ASSIGNED_S}", reached=assigned <= ASSIGNED_S),
        Figure(f"  slots a member {used_up}", 4096 / MEMBERS, "slots"),
        Figure("one member lost: all its slots claimed, after its lease has ended", again, "s", bar=f"≤ {REASSIGNED_S}", reached=again <= REASSIGNED_S),
        Figure(f"  slots moved, to those of the lost one ({theirs})", ratio, "x", bar=f"≤ {MOVES}", reached=ratio <= MOVES),
        Figure("  slots with two writers of one epoch", len(doubled), "", bar="0", reached=not doubled),
    ]


@asynccontextmanager
async def members(url: str) -> AsyncIterator[City]:
    """All but one in a few processes; that one by itself."""
    city = City(url)
    share, listening = (MEMBERS - 1) // PROCESSES, list[asyncio.Task[None]]()
    try:
        groups = [(number * share, share) for number in range(PROCESSES)]
        for first, count in (*groups, (MEMBERS - 1, 1)):
            process = await city.start(first, count)
            listening.append(asyncio.create_task(city.listen(process)))
        yield city
    finally:
        for task in listening:
            task.cancel()
        await city.end()


async def settled(broker: Broker, city: City, dead: str | None) -> SlotTable:
    """The table once everybody holds what it gives to him and all members have a share."""
    tables = Tables(KeyValue(broker, SLOTS))
    found: list[SlotTable] = []

    async def is_so() -> bool:
        found.append(await tables.of(POOL))
        holders = set(found[-1].holders)
        return len(holders) == MEMBERS - (dead is not None) and dead not in holders and city.is_held_as(found[-1])

    await eventually(is_so, within=120)
    return found[-1]


async def lease_end(broker: Broker, node: str) -> float:
    """When the server let the member's key expire."""
    async with AsyncExitStack() as stack:
        entries = await stack.enter_async_context(contextlib.aclosing(KeyValue(broker, LEASES).watch(f"member.{POOL}.{node}")))
        async for entry in entries:
            if entry is not None and entry.value is None:
                return time.time()
    raise RuntimeError("the lease does not end")
