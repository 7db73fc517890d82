"""Follows registry's camera events into the roster, from the first on, at each start of the process."""
from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from services.ingest.roster import Roster
from vonglau.broker.topology import ES_REGISTRY
from vonglau.errors import Poison, Unavailable
from vonglau.subscription import EventSource, Interrupted, Source

logger = logging.getLogger(__name__)

CAMERAS = Source(ES_REGISTRY, ("es.registry.camera.>",))
EVENTS_AT_ONCE = 1000
WAIT_S = 5.0
RETRY_S = 0.5


async def follow(source: EventSource, node: str, roster: Roster, changed: Callable[[str], None], caught_up: asyncio.Event) -> None:
    """For ever. caught_up is set once everything that was there at the start is in the roster; until then nothing is told as changed."""
    after = 0
    early: set[str] = set()
    while True:
        try:
            reading = await source.open(f"ingest-roster-{node}", CAMERAS, after)
            try:
                while True:
                    delivered = await reading.fetch(EVENTS_AT_ONCE, WAIT_S if caught_up.is_set() else 0.5)
                    for event in delivered.events:
                        try:
                            camera = roster.apply(event)
                        except Poison as poison:  # this camera stays as it was known; the others are recorded
                            logger.warning("an event about %s can't be read: %s", event.subject, poison)
                            camera = ""
                        after = event.sequence
                        if not camera:
                            continue
                        if caught_up.is_set():
                            changed(camera)
                        else:
                            early.add(camera)
                    await reading.done()
                    if not caught_up.is_set() and not delivered.pending:
                        caught_up.set()
                        for camera in sorted(early):
                            changed(camera)
            finally:
                await reading.close()
        except (Unavailable, Interrupted) as away:
            logger.debug("the roster waits: %s", away)
            await asyncio.sleep(RETRY_S)
