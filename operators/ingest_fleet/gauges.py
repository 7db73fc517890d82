"""What is read of the fleet whenever metrics are exported."""
from __future__ import annotations

from collections.abc import Iterable

from operators.ingest_fleet.fleet import Fleet
from operators.ingest_fleet.reconcile import Known, Reconciler
from vonglau.telemetry import gauge, names
from vonglau.telemetry.instruments import Reading


def observe(fleet: Fleet, reconciler: Reconciler) -> None:
    def known() -> list[tuple[str, Known]]:
        return [(each.name, reconciler.known[each.uid]) for each in fleet.pools if each.uid in reconciler.known]

    def pods() -> Iterable[Reading]:
        for name, each in known():
            if each.plan is not None:
                yield each.plan.replicas, {names.POOL: name, names.STATE: "wanted"}
                yield each.ready, {names.POOL: name, names.STATE: "ready"}

    gauge(names.FLEET_PODS, pods)
    gauge(names.FLEET_UNASSIGNED, lambda: [(each.demand.unassigned, {names.POOL: name}) for name, each in known() if each.demand])
    gauge(names.FLEET_SPOOLS, lambda: [(len(each.plan.left), {names.POOL: name}) for name, each in known() if each.plan])
    gauge(names.FLEET_UNREACHED, lambda: [(each.demand is None, {names.POOL: name}) for name, each in known()])
