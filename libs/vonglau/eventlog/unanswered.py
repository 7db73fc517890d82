"""Batches that nobody answered: whether they are stored, and what is missing of one that is stored in part."""
from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence, Set
from dataclasses import replace

from vonglau.errors import Unavailable
from vonglau.eventlog.event import EVENT_ID, AggregateStream, Recorded
from vonglau.eventlog.port import Append, EventStore, LostRace, OutcomeUnknown

log = logging.getLogger(__name__)

PAUSE_S = 0.01  # a follower may be behind


class Unanswered:
    """nats-server 2.15 that reaches its own limit, not a stream's, stores a part of an atomic batch and does not answer.

    Whoever loads such an aggregate finds the request and takes its command for accepted. This process alone has the rest and stores it as soon as
    there is room; until then commands on these aggregates are refused here. Bounds of all streams below the server's limit keep it from ever happening.
    """

    def __init__(self, store: EventStore, attempts: int) -> None:
        """attempts: how often a look that may come from a follower is repeated."""
        self._store = store
        self._attempts = attempts
        self._batches: list[Sequence[Append]] = []
        self._settling = asyncio.Lock()

    async def add(self, appends: Sequence[Append]) -> None:
        """Raises: as `settle`."""
        if len(appends) > 1:  # one event is stored or not
            self._batches.append(appends)
            await self.settle({append.stream for append in appends})

    async def settle(self, wanted: Set[AggregateStream]) -> None:
        """Raises: Unavailable (LOG_TORN, or as the store says) while it is not settled for an aggregate that is wanted."""
        if not self._batches:
            return
        async with self._settling:
            for appends in list(self._batches):
                try:
                    await self._complete(appends)
                except Unavailable:
                    if wanted & {append.stream for append in appends}:
                        raise
                else:
                    self._batches.remove(appends)

    async def _complete(self, appends: Sequence[Append]) -> None:
        before = {append.stream: append.expected for append in appends}
        for _ in range(self._attempts):
            news = await self._store.read_many(before)
            missing = rest(appends, news)
            if len(missing) in (0, len(appends)):
                return
            if is_followed(missing, news, appends):
                stored = len(appends) - len(missing)
                log.error("%d of %d events that belong together are stored, and others follow them: %s", stored, len(appends), appends[0].stream)
                return
            try:
                await self._store.append(missing)
            except LostRace:
                await asyncio.sleep(PAUSE_S)
            except OutcomeUnknown:
                break
            else:
                return
        raise Unavailable("LOG_TORN", f"of {len(appends)} events that belong together the log holds a part; it has to have room for all", retry_after=5.0)


def rest(appends: Sequence[Append], news: dict[AggregateStream, list[Recorded]]) -> list[Append]:
    """What is missing, under the expectation that nothing follows what is there."""
    stored = {event.headers.get(EVENT_ID) for events in news.values() for event in events}
    missing = [append for append in appends if append.headers[EVENT_ID] not in stored]
    return [replace(append, expected=news[append.stream][-1].sequence) if news[append.stream] else append for append in missing]


def is_followed(missing: Sequence[Append], news: dict[AggregateStream, list[Recorded]], appends: Sequence[Append]) -> bool:
    """Whether somebody wrote to an aggregate whose rest is missing: then it cannot stand where it belongs."""
    own = {append.headers[EVENT_ID] for append in appends}
    return any(event.headers.get(EVENT_ID) not in own for append in missing for event in news[append.stream])
