"""A cluster in memory that does what Kubernetes would with a pool's children, and a pool as Kubernetes returns it."""
from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from itertools import count
from typing import Any

import pytest

from operators.ingest_fleet.cluster import CLAIMS, EVENTS, JOBS, LEASES, POOL
from operators.ingest_fleet.ingest import Put
from operators.ingest_fleet.plan import Demand
from operators.ingest_fleet.pool import POOL_LABEL, IngestPool, pool_of
from operators.ingest_fleet.present import NOTHING, Listed, presents
from operators.ingest_fleet.reconcile import Reconciler
from vonglau.errors import Conflict, NotFound, Refused, VonglauError
from vonglau.testing.clock import SettableClock

Manifest = dict[str, Any]


def body(name: str = "default", **spec: Any) -> Manifest:
    """An IngestPool with the defaults of its schema."""
    return {
        "apiVersion": "vonglau.vn/v1alpha1", "kind": "IngestPool", "metadata": {"name": name, "uid": f"uid-{name}", "generation": 1},
        "spec": {
            "selector": {}, "camerasPerPod": 20, "bitrateMbpsPerPod": 800, "minPods": 1, "maxPods": 10, "headroomPercent": 0, "scaleDownAfterSeconds": 60,
            "storage": {"size": "10Gi"}, "template": {"spec": {"containers": [{"name": "ingest", "image": "vonglau:1"}]}}, **spec,
        },
    }  # fmt: skip


class FakeCluster:
    """Pods come and go at once, but for those that a test holds."""

    namespace = "city"

    def __init__(self, *pools: Manifest) -> None:
        self._versions = count(1)
        self.bodies = {each["metadata"]["name"]: each for each in pools}
        self.applied: dict[tuple[str, str], Manifest] = {}
        self.claims: set[str] = set()
        self.holding: set[str] = set()  # pods that take their time to end
        self.finished: set[str] = set()  # jobs
        self.leases: dict[str, Manifest] = {}
        self.events: list[tuple[str, str]] = []
        self.statuses = 0
        self.refuse = ""
        self.failure: Exception | None = None

    async def pools(self, labels: Mapping[str, str] | None = None) -> list[Manifest]:
        self._check()
        return deepcopy(list(self.bodies.values()))

    async def children(self) -> Listed:
        self._check()
        found = {kind: [deepcopy(each) for (of, _), each in self.applied.items() if of == kind] for kind in ("StatefulSet", "Job")}
        for each in found["StatefulSet"]:
            each["status"] = {"readyReplicas": each["spec"]["replicas"], "observedGeneration": each["metadata"]["generation"]}
        for each in found["Job"]:
            done = each["metadata"]["name"] in self.finished
            each["status"] = {"conditions": [{"type": "Complete", "status": "True"}]} if done else {}
        return Listed(found["StatefulSet"], self._pods(), [labelled(each) for each in sorted(self.claims)], found["Job"])

    async def apply(self, manifest: Manifest, *, manager: str = "") -> Manifest:
        self._check()
        if self.refuse:
            raise Refused("KUBERNETES_REFUSED", self.refuse)
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        if kind == "IngestPool":
            return self._apply_pool(manifest)
        before = self.applied.get((kind, name))
        stored = deepcopy(manifest)
        changed = before is None or before["spec"] != stored["spec"]
        stored["metadata"]["generation"] = (before["metadata"]["generation"] if before else 0) + changed
        self.applied[kind, name] = stored
        if kind == "StatefulSet":
            self.claims |= {f"spool-{name}-{ordinal}" for ordinal in range(stored["spec"]["replicas"])}
        return deepcopy(stored)

    async def say(self, pool: str, status: Manifest) -> None:
        self._check()
        self.statuses += 1
        self.bodies[pool]["status"] = deepcopy(status)

    async def delete(self, kind: Any, name: str) -> None:
        self._check()
        if kind is CLAIMS:
            self.claims.discard(name)
        elif kind is JOBS:
            self.applied.pop(("Job", name), None)
        elif kind is POOL:
            self.bodies[name]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"

    async def get(self, kind: Any, name: str) -> Manifest:
        self._check()
        assert kind is LEASES
        if name not in self.leases:
            raise NotFound("lease", name)
        return deepcopy(self.leases[name])

    async def create(self, kind: Any, body: Manifest) -> Manifest:
        self._check()
        if kind is EVENTS:
            self.events.append((body["reason"], body["message"]))
            return body
        if body["metadata"]["name"] in self.leases:
            raise Conflict("KUBERNETES_CONFLICT", "there is one")
        return await self.replace(kind, body)

    async def replace(self, kind: Any, body: Manifest) -> Manifest:
        self._check()
        assert kind is LEASES
        name = body["metadata"]["name"]
        present = self.leases.get(name, {"metadata": {}})
        if present["metadata"].get("resourceVersion") != body["metadata"].get("resourceVersion"):
            raise Conflict("KUBERNETES_CONFLICT", "it has changed")
        self.leases[name] = deepcopy(body)
        self.leases[name]["metadata"]["resourceVersion"] = str(next(self._versions))
        return deepcopy(self.leases[name])

    def replicas(self, pool: str = "default") -> int:
        found: int = self.applied["StatefulSet", f"ingest-{pool}"]["spec"]["replicas"]
        return found

    def condition(self, kind: str, pool: str = "default") -> tuple[str, str, str]:
        """Status, reason, message."""
        (found,) = [each for each in self.bodies[pool]["status"]["conditions"] if each["type"] == kind]
        return found["status"], found["reason"], found["message"]

    def jobs(self) -> list[str]:
        return sorted(name for kind, name in self.applied if kind == "Job")

    def _pods(self) -> list[Manifest]:
        sets = {name: each["spec"]["replicas"] for (kind, name), each in self.applied.items() if kind == "StatefulSet"}
        return [labelled(each) for each in sorted({f"{name}-{ordinal}" for name, number in sets.items() for ordinal in range(number)} | self.holding)]

    def _apply_pool(self, manifest: Manifest) -> Manifest:
        name, metadata = manifest["metadata"]["name"], manifest["metadata"]
        found = self.bodies.setdefault(name, {**deepcopy(manifest), "metadata": {"name": name, "uid": f"uid-{name}", "generation": 1}})
        found["metadata"] |= {each: metadata[each] for each in ("finalizers", "labels", "annotations") if each in metadata}
        if "spec" in manifest:
            found["spec"] = deepcopy(manifest["spec"])
        if "deletionTimestamp" in found["metadata"] and not found["metadata"].get("finalizers"):
            del self.bodies[name]
        return deepcopy(found)

    def _check(self) -> None:
        if self.failure is not None:
            raise self.failure


def labelled(name: str) -> Manifest:
    """An object of the pool that its name says."""
    pool = name.removeprefix("spool-").removeprefix("ingest-").rpartition("-")[0]
    return {"metadata": {"name": name, "labels": {POOL_LABEL: pool}}}


class FakeIngest:
    """Says what a test has set; None: it does not answer."""

    def __init__(self) -> None:
        self.needs: dict[str, Demand | None] = {}
        self.told: dict[str, Put] = {}
        self.forgotten: list[str] = []

    async def demand(self, pool: IngestPool) -> Demand:
        found = self.needs.get(pool.name)
        if found is None:
            raise VonglauError("UNREACHABLE", "nobody is there")
        return found

    async def forget(self, pool: str) -> None:
        if pool in self.needs and self.needs[pool] is None:
            raise VonglauError("UNREACHABLE", "nobody is there")
        self.forgotten.append(pool)


class World:
    """One pool, a cluster and ingest; each turn begins with what the cluster says."""

    def __init__(self, pool: Manifest) -> None:
        self.cluster, self.ingest, self.clock = FakeCluster(pool), FakeIngest(), SettableClock()
        self.name = pool["metadata"]["name"]
        self.restart()

    def restart(self) -> None:
        """The operator dies and another one begins."""
        self.reconciler = Reconciler(self.cluster, self.ingest, self.clock, say_every_s=30)

    def needs(self, cameras: int | None, **more: Any) -> None:
        members = more.pop("members", 1000)
        self.ingest.needs[self.name] = None if cameras is None else Demand(cameras, cameras * 1_000_000, members=members, **more)

    async def turn(self, seconds: float = 2.0) -> int | None:
        """Replicas after it; None: the pool is gone."""
        for each in await self.cluster.pools():
            pool = pool_of(each)
            await self.reconciler.reconcile(pool, presents(await self.cluster.children()).get(pool.name, NOTHING))
        self.clock.advance(seconds)
        return self.cluster.replicas(self.name) if self.name in self.cluster.bodies else None


@pytest.fixture
def world() -> World:
    return World(body())
