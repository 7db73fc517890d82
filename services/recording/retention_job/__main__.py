"""`python -m services.recording.retention_job`: archives what was recorded, and deletes what falls due.

Of several such processes one works. It reads the documents that recording fills, and each run waits until they hold what the logs hold.
"""
from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from services.recording.archive_key import signing_key
from services.recording.archiving import Archive, Archiving
from services.recording.footage_index import FootageIndex
from services.recording.index_state import PROJECTION, IndexState
from services.recording.retaining import Retaining
from services.recording.retention import read_rules
from services.recording.retention_job.settings import RetentionSettings
from vonglau.broker import attached
from vonglau.clock import SystemClock
from vonglau.documents import open_documents
from vonglau.eventlog import EventLog, HeaderWriter, JetStreamStore
from vonglau.footage import open_footage
from vonglau.footage.roles import RETENTION
from vonglau.leases import Lease
from vonglau.rpc import Probed, run_service
from vonglau.subscription import JetStreamEvents
from vonglau.telemetry import inject
from vonglau.timers import Every, KeptRuns, Timers

SERVICE = "retention"


async def main(settings: RetentionSettings, stop: asyncio.Event) -> None:
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(attached(settings, SERVICE))
        log = EventLog(JetStreamStore(broker.nc), HeaderWriter(f"/vonglau/{settings.tenant}/{PROJECTION}", clock, inject))
        key, rules = signing_key(settings), read_rules(settings.rules_file)
        footage = await open_footage(settings, RETENTION)
        stack.push_async_callback(footage.close)
        documents = open_documents(settings, PROJECTION, user=SERVICE)
        stack.push_async_callback(documents.close)

        index, state = FootageIndex(documents), IndexState(documents, JetStreamEvents(broker.nc))
        archive = Archive(footage, key, clock)
        archiving = Archiving(index, state, archive, clock, grace_s=settings.archive_grace_s, window_days=settings.archive_window_days)
        retaining = Retaining(index, state, archiving, footage, log, rules, clock)
        timers = Timers(Lease(broker, SERVICE, ttl_s=settings.lease_ttl_s), KeptRuns(broker), clock)
        timers.every(f"{SERVICE}-archive", Every(settings.archive_every_s), archiving.run)
        timers.every(f"{SERVICE}-delete", Every(settings.retention_every_s), lambda _: retaining.run())
        await timers.start()
        stack.push_async_callback(timers.stop)

        await stack.enter_async_context(Probed(settings.health_listen, {"log": lambda: broker.is_connected}))
        await stop.wait()


if __name__ == "__main__":
    run_service(SERVICE, RetentionSettings, main)
