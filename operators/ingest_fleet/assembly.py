"""The parts of the operator put together: for the operator itself, and for the end of an installation."""
from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from operators.ingest_fleet.cluster import Cluster
from operators.ingest_fleet.declared import Declared
from operators.ingest_fleet.fleet import Fleet
from operators.ingest_fleet.ingest import Ingest
from operators.ingest_fleet.lease import Lease
from operators.ingest_fleet.reconcile import Reconciler
from operators.ingest_fleet.settings import FleetSettings
from vonglau.clock import SystemClock
from vonglau.rpc import Identity, address_of

SERVICE = "operator"


@dataclass(frozen=True, slots=True)
class Assembled:
    cluster: Cluster
    reconciler: Reconciler
    fleet: Fleet


@asynccontextmanager
async def assembled(settings: FleetSettings) -> AsyncIterator[Assembled]:
    """The loop of the fleet does not run yet."""
    async with AsyncExitStack() as stack:
        clock = SystemClock()
        cluster = Cluster.at(settings.kubeconfig, settings.namespace)
        stack.push_async_callback(cluster.close)
        link = Identity(settings, SERVICE).link("ingest", address_of(settings, "ingest"))
        stack.push_async_callback(link.close)
        reconciler = Reconciler(cluster, Ingest(link), clock, settings.say_every_s)
        lease = Lease(cluster, f"{os.uname().nodename}-{uuid.uuid4().hex[:8]}", settings.lease_s, clock)
        fleet = Fleet(cluster, reconciler, lease, settings.turn_s, Declared(cluster, settings.pools_file, settings.release).apply)
        yield Assembled(cluster, reconciler, fleet)
