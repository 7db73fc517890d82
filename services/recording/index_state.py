"""How far recording's documents are, as any program sees that reads them: no job judges by a half-filled index."""
from __future__ import annotations

import asyncio
from collections.abc import Mapping

from vonglau.broker.topology import ES_RECORDING, ES_REGISTRY, FACT_INGEST
from vonglau.documents import Checkpoint, Documents
from vonglau.errors import Unavailable
from vonglau.subscription import EventSource, LogState, ParkedEvents, Source

PROJECTION = "recording"
SOURCES = (Source(FACT_INGEST, ("fact.>",)), Source(ES_REGISTRY, ("es.registry.camera.*",)), Source(ES_RECORDING, ("es.recording.custody.*",)))
LOOKS, PAUSE_S = 60, 1.0


class IndexState:
    def __init__(self, documents: Documents, events: EventSource) -> None:
        self._documents = documents
        self._events = events
        self._parked = ParkedEvents(documents, PROJECTION)
        self._held: Mapping[str, Checkpoint] = {}  # when it was last caught up

    async def caught_up(self) -> None:
        """Return once the documents hold what the logs hold now. Raises: Unavailable, VIEW_BEHIND after a minute."""
        ends = {source.log: await self._events.state(source.log) for source in SOURCES}
        for _ in range(LOOKS):
            if await self._reaches(ends):
                return
            await asyncio.sleep(PAUSE_S)
        raise Unavailable("VIEW_BEHIND", f"the documents of {PROJECTION} do not hold yet what the logs held a minute ago", retry_after=PAUSE_S)

    async def must_still_hold(self) -> None:
        """Raises: Unavailable (VIEW_BEHIND) where the documents hold less than when they were caught up: lost or older ones are being filled anew.

        What was read of them before the answer is whole: a store that lost something loses its checkpoints first.
        """
        saved = await self._documents.checkpoints(PROJECTION)
        for log, held in self._held.items():
            now = saved.get(log)
            if now is None or now.created_ns != held.created_ns or now.sequence < held.sequence:
                raise Unavailable("VIEW_BEHIND", f"the documents of {PROJECTION} are filled anew from {log}", retry_after=PAUSE_S)

    async def is_parked(self, camera: str) -> bool:
        """Whether something that the logs tell of it could not be applied."""
        return await self._parked.saved(camera) is not None

    async def _reaches(self, ends: Mapping[str, LogState]) -> bool:
        saved = await self._documents.checkpoints(PROJECTION)
        for source in SOURCES:
            end, checkpoint = ends[source.log], saved.get(source.log)
            if checkpoint is None or checkpoint.created_ns != end.created_ns:
                return False
            if checkpoint.sequence < end.last_sequence:
                following = await self._events.next_after(source, checkpoint.sequence)
                if following is not None and following <= end.last_sequence:
                    return False
        self._held = saved
        return True
