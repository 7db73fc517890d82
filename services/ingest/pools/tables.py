"""The bucket `slots`: one key a pool, its value the slot table."""
from __future__ import annotations

import logging
from collections.abc import Callable

from services.ingest.pools.table import EMPTY, SlotTable, decode
from vonglau.broker import Entry, KeyValue

logger = logging.getLogger(__name__)


class Tables:
    def __init__(self, bucket: KeyValue) -> None:
        self._bucket = bucket

    async def of(self, pool: str) -> SlotTable:
        """As the bucket has it now. Raises: Unavailable."""
        entry = await self._bucket.get(pool)
        return (read(entry) if entry else None) or EMPTY

    async def follow(self, pool: str, changed: Callable[[SlotTable], None]) -> None:
        """For ever; the first is told even where there is none. One that can't be read is passed over, and where the bucket is lost the last one stands."""
        last: SlotTable | None = None
        came = False
        async for entry in self._bucket.watch(pool):
            table = read(entry) if entry else None
            if entry is None and not came:  # nothing is there
                table = SlotTable(0, last.holders if last else EMPTY.holders)
            came = entry is not None
            if table is not None:
                last = table
                changed(table)

    async def write(self, pool: str, table: SlotTable) -> int:
        """In place of the one with its revision; the new revision. Raises: LostRace, Unavailable."""
        return await self._bucket.update(pool, table.encode(), table.revision)


def read(entry: Entry) -> SlotTable | None:
    """None: it can't be read. A deleted table is an empty one."""
    try:
        return SlotTable(entry.revision, EMPTY.holders) if entry.value is None else decode(entry.revision, entry.value)
    except ValueError as error:
        logger.error("the table of %s can't be read, the one before stands: %s", entry.key, error)
        return None
