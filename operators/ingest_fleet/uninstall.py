"""`python -m operators.ingest_fleet.uninstall`: ends every pool, and itself when nothing is left on their volumes.

Helm runs it before it takes anything away. The operator does the work; where it is dead this does, under the same lease. What is not done in
time is said, pool by pool, and the exit code is 1: Helm then stops, and nothing is lost.
"""
from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from operators.ingest_fleet.assembly import SERVICE, assembled
from operators.ingest_fleet.cluster import POOL, Kind
from operators.ingest_fleet.settings import FleetSettings
from vonglau.clock import Clock, SystemClock
from vonglau.ending import Parts
from vonglau.errors import Refused, Unavailable
from vonglau.rpc import run_job

LOOK_S = 1.0
logger = logging.getLogger(__name__)


class Listed(Protocol):
    """What it needs of the cluster."""

    async def pools(self) -> list[dict[str, Any]]: ...
    async def delete(self, kind: Kind, name: str) -> None: ...


async def main(settings: FleetSettings, stop: asyncio.Event) -> None:
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    async with assembled(replace(settings, pools_file=None)) as operator, Parts() as parts:  # no file: it declares none anew
        parts.start(operator.fleet.run())
        ending = parts.start(end_pools(operator.cluster, SystemClock(), settings.uninstall_within_s))
        stopping = parts.start(stop.wait())
        await asyncio.wait((ending, stopping), return_when=asyncio.FIRST_COMPLETED)


async def end_pools(cluster: Listed, clock: Clock, within_s: float, look_s: float = LOOK_S) -> None:
    """Those too that somebody declares meanwhile. Raises: Refused (POOLS_LEFT)."""
    until = clock.monotonic() + within_s
    left = "the API server does not answer"
    while True:
        try:
            pools = await cluster.pools()
            for each in pools:
                if "deletionTimestamp" not in each["metadata"]:
                    logger.info("the pool %s ends: its cameras are handed over and its spools uploaded", each["metadata"]["name"])
                    await cluster.delete(POOL, each["metadata"]["name"])
            if not pools:
                logger.info("nothing is left on any volume of a pool")
                return
            left = "; ".join(f"{each['metadata']['name']}: {unfinished(each)}" for each in pools)
        except Unavailable as error:
            left = error.message
        if clock.monotonic() >= until:
            raise Refused("POOLS_LEFT", (
                f"after {within_s:g} s pools are not gone ({left}). Nothing was taken away, and they go on ending; "
                "uninstall again when they are gone, or with --no-hooks, and then what is on their volumes stays there"
            ))  # fmt: skip
        await asyncio.sleep(look_s)


def unfinished(pool: Mapping[str, Any]) -> str:
    """As the operator said last."""
    said = {each["type"]: each for each in pool.get("status", {}).get("conditions", ())}
    told = [each["message"] for kind in ("Stalled", "Reconciling") if (each := said.get(kind)) and each["status"] == "True" and each["message"]]
    return "; ".join(told) or "not looked at yet"


if __name__ == "__main__":
    run_job(SERVICE, FleetSettings, main)
