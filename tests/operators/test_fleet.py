"""The loop: one operator acts, every pool has its turn, and what fails is tried again."""
from __future__ import annotations

import asyncio
from typing import Any

import pytest

from operators.ingest_fleet.fleet import Fleet
from operators.ingest_fleet.gauges import observe
from operators.ingest_fleet.lease import NAME, Lease
from operators.ingest_fleet.plan import Demand
from operators.ingest_fleet.pool import IngestPool
from operators.ingest_fleet.present import Present
from operators.ingest_fleet.reconcile import Reconciler
from tests.conftest import Exported
from tests.operators.conftest import FakeCluster, FakeIngest, Manifest, body
from vonglau.errors import Refused, Unavailable
from vonglau.telemetry import names
from vonglau.testing.clock import SettableClock
from vonglau.testing.waiting import eventually


class Operator:
    """One of perhaps several on the same cluster."""

    def __init__(self, cluster: FakeCluster, clock: SettableClock, name: str = "a") -> None:
        self.ingest, self.prepared = FakeIngest(), 0
        self.reconciler = Reconciler(cluster, self.ingest, clock, say_every_s=30)
        self.lease = Lease(cluster, name, 10, clock)  # type: ignore[arg-type]
        self.fleet = Fleet(cluster, self.reconciler, self.lease, 0.02, self.prepare)  # type: ignore[arg-type]

    async def prepare(self) -> None:
        self.prepared += 1


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


async def test_each_pool_has_its_turn_whatever_becomes_of_the_others(clock: SettableClock) -> None:
    cluster = FakeCluster(body("aaa"), body("bbb"))
    operator = Operator(cluster, clock)
    operator.ingest.needs = {"aaa": Demand(40, 0), "bbb": Demand(60, 0)}
    broken = operator.reconciler.reconcile

    async def reconcile(pool: IngestPool, present: Present) -> None:
        if pool.name == "aaa":
            raise Unavailable("KUBERNETES_UNREACHABLE", "away")
        await broken(pool, present)

    operator.reconciler.reconcile = reconcile  # type: ignore[method-assign]
    await operator.fleet.turn()
    assert cluster.replicas("bbb") == 3


async def test_a_turn_that_fails_is_counted_told_once_and_tried_again(clock: SettableClock, exported: Exported, caplog: pytest.LogCaptureFixture) -> None:
    cluster = FakeCluster(body())
    operator = Operator(cluster, clock)
    cluster.failure = Unavailable("KUBERNETES_UNREACHABLE", "the API server does not answer")
    for _ in range(3):
        await operator.fleet.turn()
    assert caplog.text.count("the API server does not answer") == 1
    assert exported.value(names.LOOP_ERRORS.name, **{names.LOOP: "ingest fleet", names.ERROR_TYPE: "KUBERNETES_UNREACHABLE"}) == 3
    cluster.failure = None
    await operator.fleet.turn()
    assert cluster.replicas() == 1


async def test_what_nobody_foresaw_is_told_once_with_its_place_and_hidden_by_nothing_that_passes(
    clock: SettableClock, exported: Exported, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator = Operator(FakeCluster(body("aaa"), body("bbb")), clock)

    async def reconcile(pool: IngestPool, present: Present) -> None:
        raise Unavailable("KUBERNETES_UNREACHABLE", "away") if pool.name == "aaa" else ZeroDivisionError("nobody thought of it")

    monkeypatch.setattr(operator.reconciler, "reconcile", reconcile)
    for _ in range(3):
        await operator.fleet.turn()
    assert caplog.text.count("until this is over: nobody thought of it") == caplog.text.count("Traceback") == 1
    assert exported.value(names.LOOP_ERRORS.name, **{names.LOOP: "ingest fleet", names.ERROR_TYPE: "ZeroDivisionError"}) == 3


async def test_a_change_begins_a_turn_at_once(clock: SettableClock) -> None:
    cluster = FakeCluster(body())
    operator = Operator(cluster, clock)
    operator.fleet._turn_s = 3600.0
    running = asyncio.create_task(operator.fleet.run())
    await eventually(lambda: ("StatefulSet", "ingest-default") in cluster.applied)
    operator.ingest.needs["default"] = Demand(40, 0)
    operator.fleet.wake()
    await eventually(lambda: cluster.replicas() == 2)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert cluster.leases[NAME]["spec"]["holderIdentity"] == ""


async def test_of_two_operators_one_acts(clock: SettableClock) -> None:
    cluster = FakeCluster(body())
    first, second = Operator(cluster, clock, "a"), Operator(cluster, clock, "b")
    for _ in range(3):
        await first.fleet.turn()
        await second.fleet.turn()
        clock.advance(2)
    assert (first.lease.is_held, second.lease.is_held) == (True, False)
    assert (first.prepared, second.prepared) == (1, 0)
    assert cluster.leases[NAME]["spec"]["holderIdentity"] == "a"


async def test_the_next_operator_acts_when_a_dead_ones_lease_has_run_out(clock: SettableClock) -> None:
    cluster = FakeCluster(body())
    dead, next_one = Operator(cluster, clock, "a"), Operator(cluster, clock, "b")
    await dead.fleet.turn()
    held = []
    for _ in range(8):
        held.append(await next_one.lease.hold())
        clock.advance(2)
    assert held == [False] * 6 + [True] * 2
    assert not await dead.lease.hold()


async def test_the_next_operator_acts_at_once_after_one_that_ended(clock: SettableClock) -> None:
    cluster = FakeCluster(body())
    ended, next_one = Operator(cluster, clock, "a"), Operator(cluster, clock, "b")
    await ended.fleet.turn()
    await ended.lease.give_back()
    assert await next_one.lease.hold()
    assert cluster.leases[NAME]["spec"]["leaseTransitions"] == 1


async def test_a_lost_race_for_the_lease_is_no_error(clock: SettableClock) -> None:
    cluster = FakeCluster(body())
    await Operator(cluster, clock, "a").lease.hold()
    clock.advance(100)
    late = Operator(cluster, clock, "b")
    replace = cluster.replace

    async def beaten(kind: Any, body: Manifest) -> Manifest:
        cluster.leases[NAME]["metadata"]["resourceVersion"] = "someone else's"
        return await replace(kind, body)

    cluster.replace = beaten  # type: ignore[method-assign]
    late.lease._seen = (cluster.leases[NAME]["metadata"]["resourceVersion"], 0.0)
    assert not await late.lease.hold()


async def test_what_is_forgotten_of_a_pool_goes_with_it(clock: SettableClock) -> None:
    cluster = FakeCluster(body())
    operator = Operator(cluster, clock)
    await operator.fleet.turn()
    cluster.bodies.clear()
    await operator.fleet.turn()
    assert operator.reconciler.known == {}


async def test_the_figures_of_a_pool_are_exported(clock: SettableClock, exported: Exported) -> None:
    cluster = FakeCluster(body())
    operator = Operator(cluster, clock)
    operator.ingest.needs["default"] = Demand(40, 0, unassigned=3)
    observe(operator.fleet, operator.reconciler)
    for _ in range(2):
        await operator.fleet.turn()
    assert exported.value(names.FLEET_PODS.name, **{names.POOL: "default", names.STATE: "wanted"}) == 2
    assert exported.value(names.FLEET_PODS.name, **{names.POOL: "default", names.STATE: "ready"}) == 2
    assert exported.value(names.FLEET_UNASSIGNED.name, **{names.POOL: "default"}) == 3
    assert exported.value(names.FLEET_UNREACHED.name, **{names.POOL: "default"}) == 0


async def test_a_refused_event_or_status_is_no_end_of_the_loop(clock: SettableClock) -> None:
    cluster = FakeCluster(body())
    operator = Operator(cluster, clock)

    async def refused(pool: str, status: Manifest) -> None:
        raise Refused("KUBERNETES_REFUSED", "status: Invalid value")

    say, cluster.say = cluster.say, refused  # type: ignore[method-assign]
    await operator.fleet.turn()
    assert cluster.replicas() == 1
    cluster.say = say  # type: ignore[method-assign]
    await operator.fleet.turn()
    assert cluster.condition("Ready")[0] == "False"
