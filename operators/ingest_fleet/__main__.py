"""`python -m operators.ingest_fleet`: gives pools the pods that their cameras need."""
from __future__ import annotations

import asyncio
import logging
import os
import uuid
from contextlib import AsyncExitStack

from lightkube import KubeConfig

from operators.ingest_fleet.cluster import Cluster
from operators.ingest_fleet.declared import Declared
from operators.ingest_fleet.fleet import Fleet
from operators.ingest_fleet.gauges import observe
from operators.ingest_fleet.handlers import watch
from operators.ingest_fleet.ingest import Ingest
from operators.ingest_fleet.lease import Lease
from operators.ingest_fleet.reconcile import Reconciler
from operators.ingest_fleet.settings import FleetSettings
from vonglau.clock import SystemClock
from vonglau.ending import Parts
from vonglau.rpc import Identity, address_of, run_service

SERVICE = "operator"


async def main(settings: FleetSettings, stop: asyncio.Event) -> None:
    for talker in ("httpx2", "kopf.objects", "aiohttp.access"):  # a line for each request and each change
        logging.getLogger(talker).setLevel(logging.WARNING)
    logging.getLogger("kopf._cogs.clients").setLevel(logging.CRITICAL)  # an API server that is away is told by the loop, once
    async with AsyncExitStack() as stack:
        clock = SystemClock()
        config = KubeConfig.from_service_account() if settings.kubeconfig is None else KubeConfig.from_file(settings.kubeconfig)
        cluster = Cluster(config, settings.namespace)
        stack.push_async_callback(cluster.close)
        link = Identity(settings, SERVICE).link("ingest", address_of(settings, "ingest"))
        stack.push_async_callback(link.close)
        reconciler = Reconciler(cluster, Ingest(link), clock, settings.say_every_s)
        lease = Lease(cluster, f"{os.uname().nodename}-{uuid.uuid4().hex[:8]}", settings.lease_s, clock)
        fleet = Fleet(cluster, reconciler, lease, settings.turn_s, Declared(cluster, settings.pools_file, settings.release).apply)
        observe(fleet, reconciler)
        async with Parts() as parts:
            parts.start(fleet.run())
            await watch(fleet.wake, settings, stop)  # last: Kopf ends every task that began after it


if __name__ == "__main__":
    run_service(SERVICE, FleetSettings, main)
