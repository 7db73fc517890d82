"""What recording's documents are filled from, and waiting until they hold it: no job judges by a half-filled index."""
from __future__ import annotations

import asyncio
import logging

from vonglau.broker.topology import ES_RECORDING, ES_REGISTRY, FACT_INGEST
from vonglau.errors import Unavailable
from vonglau.eventlog import Version
from vonglau.subscription import EventSource, ProjectionRunner, Source

log = logging.getLogger(__name__)

PROJECTION = "recording"
SOURCES = (Source(FACT_INGEST, ("fact.>",)), Source(ES_REGISTRY, ("es.registry.camera.*",)), Source(ES_RECORDING, ("es.recording.custody.*",)))
PATIENCE_S, PAUSE_S = 60.0, 1.0


async def caught_up(runner: ProjectionRunner, events: EventSource) -> None:
    """Return when the documents hold what the logs held now. runner: of the projection, started or not: documents tell how far they are."""
    for source in SOURCES:
        while True:
            try:
                last = (await events.state(source.log)).last_sequence
                await runner.passed(Version(source.log, last), PATIENCE_S)
                break
            except Unavailable as error:
                log.info("jobs wait: %s", error)
                await asyncio.sleep(PAUSE_S)
