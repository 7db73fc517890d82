"""One pool, once: ask, plan, apply, say. What is kept between turns only spares work or slows a fall; losing it does no harm."""
from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Any, Protocol

from operators.ingest_fleet import resources, status
from operators.ingest_fleet.cluster import CLAIMS, EVENTS, JOBS, Kind
from operators.ingest_fleet.conditions import conditions
from operators.ingest_fleet.ingest import Asked
from operators.ingest_fleet.plan import Demand, Past, Plan, plan
from operators.ingest_fleet.pool import FINALIZER, GROUP, KIND, VERSION, IngestPool, digest
from operators.ingest_fleet.present import Present, claim, upload_job
from vonglau.clock import Clock, utc
from vonglau.errors import Refused, VonglauError

PATIENCE_S = 15.0  # without an answer before it is said that there is none; nothing falls meanwhile
UNREACHED_S = 60.0  # a pool whose ingest does not answer so long goes without its leave
logger = logging.getLogger(__name__)
Manifest = dict[str, Any]


class Written(Protocol):
    """What a reconcile needs of the cluster."""

    namespace: str

    async def apply(self, manifest: Manifest, *, manager: str = ...) -> Manifest: ...
    async def say(self, pool: str, status: Manifest) -> None: ...
    async def delete(self, kind: Kind, name: str) -> None: ...
    async def create(self, kind: Kind, body: Manifest) -> Manifest: ...


@dataclass
class Known:
    """Of one pool, between its turns."""

    past: Past = field(default_factory=Past)
    applied: tuple[str, int] = ("", 0)  # digest of the children, generation of the StatefulSet after it
    said_at: float = float("-inf")  # monotonic
    trouble: str = ""  # what Kubernetes refused
    ending_since: float | None = None
    is_forgotten: bool = False  # by ingest
    demand: Demand | None = None  # as it was last told, for PATIENCE_S
    told_at: float = float("-inf")  # monotonic
    plan: Plan | None = None
    ready: int = 0


@dataclass
class Reconciler:
    cluster: Written
    ingest: Asked
    clock: Clock
    say_every_s: float
    known: dict[str, Known] = field(default_factory=dict)

    async def reconcile(self, pool: IngestPool, present: Present) -> None:
        """Raises: VonglauError: Kubernetes does not answer; what ingest does not answer is part of the plan."""
        known = self.known.setdefault(pool.uid, Known())
        demand = await self._demand(pool, known)
        made = plan(pool.bounds, demand, present, known.past, self.clock.monotonic(), is_ending=self._goes(pool, known))
        known.past, known.plan, known.ready = made.past, made, present.ready
        known.trouble = await self._apply(pool, present, made, known)
        await self._spools(pool, made)
        if pool.is_ending and not (present.pods or present.claims or present.uploads):
            await self._finalize(pool, ())
        else:
            await self._say(pool, present, made, known)

    async def _demand(self, pool: IngestPool, known: Known) -> Demand | None:
        """None: not known."""
        now = self.clock.monotonic()
        try:
            if not pool.is_ending:
                known.demand, known.told_at = await self.ingest.demand(pool), now
                return known.demand
            if not known.is_forgotten:
                await self.ingest.forget(pool.name)
                known.is_forgotten = True
        except VonglauError as error:
            if now - known.told_at >= PATIENCE_S and (known.demand is not None or known.plan is None):
                logger.warning("ingest does not answer for the pool %s: %s", pool.name, error.message)
        if now - known.told_at >= PATIENCE_S:
            known.demand = None
        return None

    def _goes(self, pool: IngestPool, known: Known) -> bool:
        """An ending pool is given up by ingest first, so that its cameras move while its pods still record."""
        if not pool.is_ending:
            return False
        now = self.clock.monotonic()
        known.ending_since = now if known.ending_since is None else known.ending_since
        return known.is_forgotten or now - known.ending_since >= UNREACHED_S

    async def _apply(self, pool: IngestPool, present: Present, made: Plan, known: Known) -> str:
        """What was refused, in the server's words."""
        if pool.is_ending and present.replicas is None:
            return ""
        wished = resources.children(pool, made.replicas)
        if known.applied == (digest(wished), present.generation) and not known.trouble:
            return ""
        try:
            if FINALIZER not in pool.finalizers and not pool.is_ending:
                await self._finalize(pool, (FINALIZER,))
            applied = [await self.cluster.apply(each) for each in wished]
        except Refused as error:
            if error.message != known.trouble:
                logger.error("Kubernetes refuses what the pool %s asks for: %s", pool.name, error.message)
            return error.message
        known.applied = digest(wished), applied[-1]["metadata"]["generation"]
        return ""

    async def _spools(self, pool: IngestPool, made: Plan) -> None:
        for ordinal in made.forget:
            await self.cluster.delete(JOBS, upload_job(pool.name, ordinal))
        for ordinal in made.upload:
            await self.cluster.apply(resources.upload(pool, ordinal))
        for ordinal in made.release:
            logger.info("nothing is left on the spool of %s: its volume goes", claim(pool.name, ordinal))
            await self.cluster.delete(CLAIMS, claim(pool.name, ordinal))

    async def _finalize(self, pool: IngestPool, finalizers: tuple[str, ...]) -> None:
        """The operator owns its finalizer alone: applied without it, it goes."""
        await self.cluster.apply({"apiVersion": f"{GROUP}/{VERSION}", "kind": KIND, "metadata": {"name": pool.name, "finalizers": list(finalizers)}})

    async def _say(self, pool: IngestPool, present: Present, made: Plan, known: Known) -> None:
        at, now = self.clock.monotonic(), utc(self.clock.now_ns()).strftime("%Y-%m-%dT%H:%M:%SZ")
        found = conditions(pool.bounds, known.demand, present, made, known.trouble)
        fresh = status.status_of(pool, known.demand, present, made, found, now)
        if not status.is_news(fresh, pool.status) and (fresh == pool.status or at - known.said_at < self.say_every_s):
            return
        await self.cluster.say(pool.name, fresh)
        known.said_at = at
        for kind, reason, message in status.events_of(pool, present, made, found):
            await self.cluster.create(EVENTS, status.event(pool, self.cluster.namespace, kind, reason, message, now))
