"""When each timer last ran, known to every replica. Losing it costs one run more, since every job may be repeated."""
from __future__ import annotations

import logging
from typing import Protocol

import orjson

from vonglau.broker import Broker, KeyValue
from vonglau.errors import LostRace, Unavailable
from vonglau.leases import BUCKET

logger = logging.getLogger(__name__)


class Runs(Protocol):
    """Both raise `Unavailable` while the store is away."""

    async def last(self, name: str) -> int | None:
        """When the last run that succeeded began, ns UTC; None: never, as far as is known."""

    async def save(self, name: str, began_ns: int) -> None:
        """A time before the saved one changes nothing: an overtaken replica cannot bring a run back."""


class KeptRuns:
    """In the bucket of the leases, beside the lease that the job runs under."""

    def __init__(self, broker: Broker) -> None:
        self._bucket = KeyValue(broker, BUCKET)

    async def last(self, name: str) -> int | None:
        return (await self._read(name))[0]

    async def save(self, name: str, began_ns: int) -> None:
        last, revision = await self._read(name)
        if last is not None and last >= began_ns:
            return
        try:
            await self._bucket.update(f"ran.{name}", orjson.dumps({"began_ns": began_ns}), revision)
        except LostRace as error:
            raise Unavailable("LEASE_LOST", f"another replica has just run {name}") from error

    async def _read(self, name: str) -> tuple[int | None, int]:
        entry = await self._bucket.get(f"ran.{name}")
        if entry is None or entry.value is None:
            return None, entry.revision if entry else 0
        try:
            return int(orjson.loads(entry.value)["began_ns"]), entry.revision
        except (ValueError, KeyError, TypeError):
            logger.warning("when %s last ran cannot be read; it runs once more", name)
            return None, entry.revision
