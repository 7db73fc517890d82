"""The loop: every turn begins with what the cluster says now, so that nothing depends on having seen every change."""
from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable

from operators.ingest_fleet.cluster import Cluster
from operators.ingest_fleet.lease import Lease
from operators.ingest_fleet.pool import IngestPool, pool_of
from operators.ingest_fleet.present import NOTHING, Present, presents
from operators.ingest_fleet.reconcile import Reconciler
from vonglau.errors import VonglauError
from vonglau.telemetry import count, measure, names

GATHER_S = 0.2  # changes come in bursts
AT_ONCE = 16  # pools that are reconciled side by side
LOOP = "ingest fleet"
logger = logging.getLogger(__name__)
Prepare = Callable[[], Awaitable[None]]


class Fleet:
    """prepare: done once each time that this operator begins to act."""

    def __init__(self, cluster: Cluster, reconciler: Reconciler, lease: Lease, turn_s: float, prepare: Prepare) -> None:
        self._cluster = cluster
        self._reconciler = reconciler
        self._lease = lease
        self._turn_s = turn_s
        self._prepare = prepare
        self._is_prepared = False
        self._woken = asyncio.Event()
        self._failing = ""
        self.pools: tuple[IngestPool, ...] = ()

    def wake(self) -> None:
        """Something has changed: the next turn is due."""
        self._woken.set()

    async def run(self) -> None:
        """Until it is cancelled; then the lease is given back."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                begun = loop.time()
                self._woken.clear()
                await self.turn()
                measure(names.FLEET_TURN, loop.time() - begun)
                await asyncio.sleep(min(GATHER_S, self._turn_s))
                await self._pause(begun + self._turn_s - loop.time())
        finally:
            await self._give_back()

    async def turn(self) -> None:
        """Errors are told once and tried again in the next turn."""
        try:
            if not await self._lease.hold():
                self.pools, self._is_prepared = (), False
                return
            if not self._is_prepared:
                await self._prepare()
                self._is_prepared = True
            self.pools, standing = await self._look()
            await self._reconcile(self.pools, standing)
            self._failing = ""
        except Exception as error:  # noqa: BLE001 - the outer edge: the next turn begins with what there is then
            self._failed(error)

    async def _look(self) -> tuple[tuple[IngestPool, ...], dict[str, Present]]:
        bodies, children = await asyncio.gather(self._cluster.pools(), self._cluster.children())
        return tuple(pool_of(each) for each in bodies), presents(children)

    async def _reconcile(self, pools: Iterable[IngestPool], standing: dict[str, Present]) -> None:
        """Every pool has its turn, whatever becomes of the others."""
        room = asyncio.Semaphore(AT_ONCE)

        async def one(pool: IngestPool) -> None:
            async with room:
                await self._reconciler.reconcile(pool, standing.get(pool.name, NOTHING))

        found = list(pools)
        for gone in self._reconciler.known.keys() - {each.uid for each in found}:
            del self._reconciler.known[gone]
        outcomes = await asyncio.gather(*(one(each) for each in found), return_exceptions=True)
        failures = sorted((each for each in outcomes if isinstance(each, BaseException)), key=is_foreseen)
        if failures:
            raise failures[0]  # what nobody foresaw, if there is such: the rest is over some time

    def _failed(self, error: Exception) -> None:
        reason = error.reason if isinstance(error, VonglauError) else type(error).__name__
        count(names.LOOP_ERRORS, 1, {names.LOOP: LOOP, names.ERROR_TYPE: reason})
        if self._failing != reason:
            logger.warning("the fleet stays as it is until this is over: %s", error, exc_info=None if is_foreseen(error) else error)
        self._failing = reason

    async def _pause(self, seconds: float) -> None:
        if seconds > 0:
            try:
                await asyncio.wait_for(self._woken.wait(), seconds)
            except TimeoutError:
                return

    async def _give_back(self) -> None:
        try:
            await self._lease.give_back()
        except VonglauError as error:
            logger.warning("the lease could not be given back, so it runs out: %s", error)


def is_foreseen(error: BaseException) -> bool:
    return isinstance(error, VonglauError)
