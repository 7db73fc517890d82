"""`python -m operators.ingest_fleet`: gives pools the pods that their cameras need."""
from __future__ import annotations

import asyncio
import logging

from operators.ingest_fleet.assembly import SERVICE, assembled
from operators.ingest_fleet.gauges import observe
from operators.ingest_fleet.handlers import watch
from operators.ingest_fleet.settings import FleetSettings
from vonglau.ending import Parts
from vonglau.rpc import Expiry, run_service, tls_of


async def main(settings: FleetSettings, stop: asyncio.Event) -> None:
    for talker in ("httpx2", "kopf.objects", "aiohttp.access"):  # a line for each request and each change
        logging.getLogger(talker).setLevel(logging.WARNING)
    logging.getLogger("kopf._cogs.clients").setLevel(logging.CRITICAL)  # an API server that is away is told by the loop, once
    async with assembled(settings) as operator:
        observe(operator.fleet, operator.reconciler)
        async with Parts() as parts:
            parts.start(operator.fleet.run())
            if (tls := tls_of(settings)) is not None:
                parts.start(Expiry(tls).run())
            await watch(operator.fleet.wake, settings, stop)  # last: Kopf ends every task that began after it


if __name__ == "__main__":
    run_service(SERVICE, FleetSettings, main)
