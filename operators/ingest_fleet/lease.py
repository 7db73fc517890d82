"""One operator at a time: a Lease of Kubernetes. It only spares work and events: two at once would apply the same children."""
from __future__ import annotations

import logging
from typing import Any

from operators.ingest_fleet.cluster import LEASES, Cluster
from vonglau.clock import Clock, utc
from vonglau.errors import Conflict, NotFound

NAME = "vonglau-ingest-fleet"
logger = logging.getLogger(__name__)


class Lease:
    """Of this process. Somebody else's ends when this process has seen it unchanged for its duration: no two clocks are compared."""

    def __init__(self, cluster: Cluster, holder: str, duration_s: float, clock: Clock) -> None:
        self._cluster = cluster
        self._holder = holder
        self._duration_s = duration_s
        self._clock = clock
        self._seen: tuple[str, float] = ("", float("-inf"))  # resource version, when it was first seen (monotonic)
        self.is_held = False

    async def hold(self) -> bool:
        """Take or renew it. Raises: Unavailable."""
        try:
            was, self.is_held = self.is_held, await self._take()
        except (Conflict, NotFound):  # somebody was quicker
            was, self.is_held = self.is_held, False
        if was != self.is_held:
            logger.info("this operator %s", "acts" if self.is_held else "waits: another one acts")
        return self.is_held

    async def give_back(self) -> None:
        if self.is_held:
            self.is_held = False
            found = await self._cluster.get(LEASES, NAME)
            if found["spec"].get("holderIdentity") == self._holder:
                found["spec"]["holderIdentity"] = ""
                await self._cluster.replace(LEASES, found)

    async def _take(self) -> bool:
        try:
            found = await self._cluster.get(LEASES, NAME)
        except NotFound:
            await self._cluster.create(LEASES, self._body({}))
            return True
        if not self._may_take(found):
            return False
        await self._cluster.replace(LEASES, self._body(found))
        return True

    def _may_take(self, found: dict[str, Any]) -> bool:
        version, now = found["metadata"]["resourceVersion"], self._clock.monotonic()
        if self._seen[0] != version:
            self._seen = (version, now)
        lasts = found["spec"].get("leaseDurationSeconds", self._duration_s)
        return found["spec"].get("holderIdentity") in ("", None, self._holder) or now - self._seen[1] > lasts

    def _body(self, found: dict[str, Any]) -> dict[str, Any]:
        now = stamp(self._clock)
        before = found.get("spec", {})
        changes = before.get("leaseTransitions", 0) + (before.get("holderIdentity") not in (None, self._holder))
        spec = {"holderIdentity": self._holder, "leaseDurationSeconds": int(self._duration_s), "renewTime": now, "leaseTransitions": changes,
                "acquireTime": before.get("acquireTime", now) if before.get("holderIdentity") == self._holder else now}
        metadata = found.get("metadata", {"name": NAME})
        return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}


def stamp(clock: Clock) -> str:
    """RFC 3339 with microseconds, as Leases have it."""
    return utc(clock.now_ns()).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
