"""Cameras that nobody can record, since no pool selects them or their pool has no process: their time is told too, with that cause.

One process of all tells it, the one that holds the lease `unassigned`. Such an interruption stands under epoch 0, which no claim has. It ends
when somebody can have the camera, or when it is not meant to be recorded any more; who takes the camera goes on from there (predecessor.py).
"""
from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator

from services.ingest.beginnings import Facts, read
from services.ingest.facts import interruption_ended
from services.ingest.pools import Assignment
from services.ingest.pools.assignment import UNSELECTED
from services.ingest.roster import Listed
from vonglau.broker import Broker, KeyValue
from vonglau.broker.topology import LEASES
from vonglau.clock import Clock
from vonglau.errors import Unavailable
from vonglau.ingest.v1.events_pb2 import GAP_CAUSE_UNASSIGNED, InterruptionObserved, SegmentRecorded
from vonglau.leases import Lease, LeaseLost

LEASE = "unassigned"
LOOK_S = 5.0
READ_S = 5.0
PATIENCE_S = 60.0  # a pool whose only process is started anew tells that time itself, by a better name


class Unassigned:
    def __init__(self, assignment: Assignment, facts: Facts, tell: Callable[[InterruptionObserved], None], clock: Clock) -> None:
        self._assignment = assignment
        self._facts = facts
        self._tell = tell
        self._clock = clock
        self._since: dict[str, float] = {}  # by camera, since when nobody can have it, by the monotonic clock
        self._told: dict[str, InterruptionObserved] = {}  # by camera, what lasts

    async def run(self, broker: Broker, is_complete: Callable[[], bool]) -> None:
        """For ever. is_complete: whether the roster has all cameras yet."""
        lease, leases = Lease(broker, LEASE), KeyValue(broker, LEASES)
        while True:
            with contextlib.suppress(LeaseLost):
                async with lease.held() as hold:
                    self.forget()
                    while True:
                        if hold.is_safe and is_complete() and self._assignment.knows_pools:
                            await self._look_at(leases)
                        await asyncio.sleep(LOOK_S)

    def forget(self) -> None:
        """Somebody else may have told meanwhile."""
        self._since.clear()
        self._told.clear()

    async def _look_at(self, leases: KeyValue) -> None:
        try:
            await self.look(await live_pools(leases))
        except Unavailable:
            self._since.clear()  # who lives is not known meanwhile

    async def look(self, live: set[str]) -> None:
        """live: pools that have a process. Raises: Unavailable; what was told until then stays."""
        now, nobodys = self._clock.monotonic(), {listed.camera: (listed, why) for listed, why in self._nobodys(live)}
        self._since = {camera: self._since.get(camera, now) for camera in nobodys}
        for camera in self._told.keys() - nobodys.keys():
            self._tell(interruption_ended(self._told.pop(camera), self._clock.now_ns()))
        for camera, (listed, why) in nobodys.items():
            if camera not in self._told and now - self._since[camera] >= PATIENCE_S:
                await self._begin(listed, why, round((now - self._since[camera]) * 1e9))

    def _nobodys(self, live: set[str]) -> Iterator[tuple[Listed, str]]:
        """And why."""
        census = self._assignment.census
        for listed in census.cameras(""):
            yield listed, UNSELECTED.why
        for pool in census.selection.pools:
            if pool not in live:
                for listed in census.cameras(pool):
                    yield listed, f"its pool {pool} has no process"

    async def _begin(self, listed: Listed, why: str, for_ns: int) -> None:
        """From where its time is accounted for. for_ns: since when it is known that nobody can have it. Raises: Unavailable."""
        segment = read(SegmentRecorded, await self._facts.newest("segment", listed.camera)) or SegmentRecorded()
        last = read(InterruptionObserved, await self._facts.newest("interruption", listed.camera)) or InterruptionObserved(ended_ns=1)
        now_ns = self._clock.now_ns()
        if last.cause == GAP_CAUSE_UNASSIGNED and not last.ended_ns and last.begun_ns >= max(segment.end_ns, listed.meant_since_ns):
            self._told[listed.camera] = last  # by whoever held the lease before
            return
        begun_ns = min(now_ns, max(listed.meant_since_ns, segment.end_ns, last.ended_ns or now_ns - for_ns))
        told = InterruptionObserved(camera=listed.camera, owner=listed.owner, cause=GAP_CAUSE_UNASSIGNED, begun_ns=begun_ns, detail=why)
        self._told[listed.camera] = told
        self._tell(told)


async def live_pools(leases: KeyValue) -> set[str]:
    """Those that have a process. Raises: Unavailable."""
    found: set[str] = set()
    try:
        async with asyncio.timeout(READ_S), contextlib.aclosing(leases.watch("member.>")) as entries:
            async for entry in entries:
                if entry is None:
                    break
                if entry.value is not None:
                    found.add(entry.key.split(".")[1])
    except TimeoutError:
        raise Unavailable("LOG_UNAVAILABLE", "which pools have a process can't be read just now") from None
    return found
