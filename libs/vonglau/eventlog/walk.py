"""Is the log whole? Nothing is ever deleted from a stream of record, so a sequence that is missing was lost, whatever the server says.

A server that finds a damaged message (its checksum does not fit) drops it without a word: the stream's totals stay as they were. Readers that
filter by subject cannot see it; a walk over all sequences does.
"""
from __future__ import annotations

import logging

import orjson
from nats.aio.client import Client
from nats.errors import Error

from vonglau.errors import Unavailable
from vonglau.eventlog.direct_get import DirectGet
from vonglau.telemetry import gauge
from vonglau.telemetry.names import LOG_MISSING, STREAM

logger = logging.getLogger(__name__)

MOST_NAMED = 20


class LogWalk:
    """Over one stream of record, from its first message to the last that it had when the walk began."""

    def __init__(self, nc: Client, log: str, timeout: float = 5.0) -> None:
        self._nc = nc
        self._log = log
        self._timeout = timeout
        self._get = DirectGet(nc, timeout)
        self.missing: list[int] = []  # of the last walk
        gauge(LOG_MISSING, lambda: [(float(len(self.missing)), {STREAM: log})])

    async def run(self) -> list[int]:
        """The sequences that are missing, which are said and counted too. Raises: Unavailable."""
        last = await self._last_sequence()
        missing: list[int] = []
        expected = 1
        while expected <= last:
            found = await self._get.following(self._log, expected)
            for sequence in found:
                missing += range(expected, min(sequence, last + 1))
                expected = sequence + 1
            if not found:
                missing += range(expected, last + 1)
                break
        self.missing = missing
        if missing:
            named = ", ".join(map(str, missing[:MOST_NAMED])) + (" …" if len(missing) > MOST_NAMED else "")
            logger.error("%s: %d accepted events are missing; restore them from a replica or a backup: sequences %s", self._log, len(missing), named)
        return missing

    async def _last_sequence(self) -> int:
        try:
            reply = await self._nc.request(f"$JS.API.STREAM.INFO.{self._log}", b"", timeout=self._timeout)
            return int(orjson.loads(reply.data)["state"]["last_seq"])
        except (TimeoutError, Error, KeyError) as error:
            raise Unavailable("LOG_UNAVAILABLE", f"the event log does not say how long it is: {type(error).__name__}", log=self._log) from error
