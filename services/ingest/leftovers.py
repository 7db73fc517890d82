"""`python -m services.ingest.leftovers`: stores and tells what is left on the spool of a process that will not come back, and ends when nothing is.

On an empty folder it gives the node up: what is not stored is told as lost. A store or a log that is away is waited for. What no store takes stays where it
is, and then the exit code is 1: the volume must not go. Nor may it where the process was told to stop: then the exit code is 130.
"""
from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from pathlib import Path

from services.ingest.claims import Claims
from services.ingest.epochs import Epochs
from services.ingest.facts import given_up
from services.ingest.outbox import Outbox, Publisher
from services.ingest.segment import ClosedSegment
from services.ingest.settings import IngestSettings
from services.ingest.spool.bounds import SpoolBounds
from services.ingest.spool.recovery import recover
from services.ingest.spool_folder import held
from services.ingest.spool_loss import SEGMENTS, SpoolLoss
from services.ingest.uploader import Uploader
from vonglau.broker import KeyValue, attached
from vonglau.broker.topology import CLAIMS, FACT_INGEST
from vonglau.clock import Clock, SystemClock
from vonglau.ending import Parts
from vonglau.errors import Refused
from vonglau.eventlog import FactPublisher, FactReader, HeaderWriter, checked_id
from vonglau.footage import Footage, open_footage
from vonglau.footage.roles import INGEST
from vonglau.ingest.v1.events_pb2 import GAP_CAUSE_SPOOL_LOST
from vonglau.rpc import run_job
from vonglau.telemetry import inject

SERVICE = "ingest"
SAY_EVERY_S = 60.0
DISK_S = 30.0  # for the last removals
logger = logging.getLogger(__name__)


async def main(settings: IngestSettings, stop: asyncio.Event) -> None:
    async with AsyncExitStack() as stack:
        node, pool = checked_id("node", settings.node), checked_id("pool", settings.pool)
        stack.enter_context(held(settings.spool_dir))
        broker = await stack.enter_async_context(attached(settings, SERVICE, f"{SERVICE} {node} leftovers"))
        clock = SystemClock()
        publisher = FactPublisher(broker.nc, HeaderWriter(f"/vonglau/{settings.tenant}/{SERVICE}", clock, inject), f"service:{SERVICE}")
        footage = await open_footage(settings, INGEST)
        stack.push_async_callback(footage.close)
        claims, facts = Claims(KeyValue(broker, CLAIMS), pool, node, ""), FactReader(broker.nc, FACT_INGEST)
        async with Parts() as parts:
            stopping = parts.start(stop.wait())
            emptying = parts.start(settle(SpoolLoss(settings.spool_dir, claims, facts, publisher, clock), settings, footage, publisher, clock))
            await asyncio.wait((emptying, stopping), return_when=asyncio.FIRST_COMPLETED)


async def settle(loss: SpoolLoss, settings: IngestSettings, footage: Footage, publisher: Publisher, clock: Clock) -> None:
    await loss.account()
    await empty(settings.spool_dir, footage, publisher, clock, settings.upload_workers)


async def empty(spool: Path, footage: Footage, publisher: Publisher, clock: Clock, workers: int) -> None:
    """Raises: Refused (SPOOL_NOT_EMPTY): something is left that a person has to look at."""
    recovered = await asyncio.to_thread(recover, spool / SEGMENTS)
    outbox = Outbox(spool / "outbox", publisher)
    lost: set[ClosedSegment] = set()

    def tell_lost(segment: ClosedSegment, why: str) -> None:
        lost.add(segment)
        outbox.put("interruption", segment.head.camera, given_up(segment, GAP_CAUSE_SPOOL_LOST, why))

    uploader = Uploader(footage, publisher, clock, Epochs(recovered.segments), linger_s=0.0)
    bounds = SpoolBounds(sum(each.size for each in recovered.segments), lambda _: None)  # nothing new comes, so nothing is given up
    uploader.serve(bounds, advanced=lambda _: None, lost=tell_lost)
    for segment in recovered.segments:
        bounds.add(segment, segment.size)
        uploader.add(segment)
    logger.info("%d segments and %d facts are left on the spool", len(recovered.segments), outbox.waiting)
    async with Parts() as parts:
        for part in (outbox.run(), *(uploader.work() for _ in range(workers))):
            parts.start(part)
        while not await uploader.drain(SAY_EVERY_S):
            logger.info("the spool waits for: %s", "; ".join([*uploader.stores_away.values(), uploader.log_away]))
        while not await outbox.drain(SAY_EVERY_S):
            logger.info("%d facts wait for the log", outbox.waiting)
    uploader.close()
    await asyncio.to_thread(outbox.close, DISK_S)
    left = len(recovered.unreadable) + outbox.dropped + uploader.rejected - len(lost)
    if left:
        raise Refused("SPOOL_NOT_EMPTY", f"{left} files in {spool} can be neither stored nor read; they stay until somebody has looked at them")


if __name__ == "__main__":
    run_job(SERVICE, IngestSettings, main)
