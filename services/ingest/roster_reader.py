"""Follows registry's camera events into the roster, from the first on, at each start of the process."""
from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from services.ingest.roster import Roster
from vonglau.broker.topology import ES_REGISTRY
from vonglau.errors import Poison, Unavailable
from vonglau.eventlog import Recorded
from vonglau.subscription import EventSource, Interrupted, Source
from vonglau.telemetry import processing

logger = logging.getLogger(__name__)

CAMERAS = Source(ES_REGISTRY, ("es.registry.camera.>",))
EVENTS_AT_ONCE = 1000
WAIT_S = 5.0
RETRY_S = 0.5
READER = "ingest-roster"


class RosterReader:
    """Nothing is told as changed before the roster has all that was there at the start: a camera's past must not set it going."""

    def __init__(self, source: EventSource, node: str, roster: Roster, changed: Callable[[str], None]) -> None:
        """node: names the durable consumer. changed: takes the id of each camera whose entry may have changed."""
        self._source = source
        self._consumer = f"{READER}-{node}"
        self._roster = roster
        self._changed = changed
        self._after = 0
        self._early: set[str] = set()
        self.is_caught_up = False  # the roster has all that was there at the start

    async def run(self) -> None:
        """For ever; a log that is away is waited for."""
        while True:
            try:
                await self._follow()
            except (Unavailable, Interrupted) as away:
                logger.debug("the roster waits: %s", away)
                await asyncio.sleep(RETRY_S)

    async def _follow(self) -> None:
        """Raises: Unavailable, Interrupted."""
        reading = await self._source.open(self._consumer, CAMERAS, self._after)
        try:
            if await self._source.next_after(CAMERAS, self._after) is None:
                self._catch_up()
            while True:
                delivered = await reading.fetch(EVENTS_AT_ONCE, WAIT_S)
                for event in delivered.events:
                    self._take(event)
                await reading.done()
                if not delivered.pending:
                    self._catch_up()
        finally:
            await reading.close()

    def _take(self, event: Recorded) -> None:
        self._after = event.sequence
        try:
            camera = self._roster.apply(event)
        except (Poison, ValueError) as error:  # this camera stays as it was known; the others are recorded
            logger.warning("an event about %s can't be read: %s", event.subject, error)
            return
        if self.is_caught_up:
            with processing("es.registry.camera.{id}", event.headers, projection=READER):
                self._changed(camera)
        else:
            self._early.add(camera)

    def _catch_up(self) -> None:
        self.is_caught_up = True
        for camera in sorted(self._early):
            self._changed(camera)
        self._early.clear()
