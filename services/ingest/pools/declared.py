"""The pools as somebody has declared them: the bucket `pools`, one key a pool, its value the pool as JSON (vonglau.ingest.v1.Pool)."""
from __future__ import annotations

import logging
from collections.abc import Callable

from google.protobuf.json_format import MessageToJson, Parse, ParseError

from services.ingest.pools.selection import Selection
from services.ingest.slots import SLOTS
from vonglau.broker import Entry, KeyValue
from vonglau.errors import Invalid, LostRace
from vonglau.eventlog import checked_id
from vonglau.ingest.v1.service_pb2 import MemberCapacity, Pool

logger = logging.getLogger(__name__)

DEFAULT = "default"
SELECTED_MOST = 1000  # of each list: a pool has to fit into one message of the log
# Stands while nobody has declared any: on one machine a member takes as many cameras as its own setting allows.
EVERY_CAMERA = Pool(name=DEFAULT, capacity=MemberCapacity(cameras=1_000_000, bitrate_bps=10**15))


class Declared:
    """Follows the bucket, and writes it."""

    def __init__(self, bucket: KeyValue) -> None:
        self.selection = Selection({DEFAULT: EVERY_CAMERA})
        self._bucket = bucket
        self._pools: dict[str, Pool] = {}

    async def follow(self, changed: Callable[[Selection], None]) -> None:
        """For ever. changed: takes what is declared from then on, once all that was there is known."""
        is_complete = False
        async for entry in self._bucket.watch():
            is_complete = is_complete or entry is None
            if entry is not None:
                self._take(entry)
            if is_complete:
                self.selection = Selection(self._pools or {DEFAULT: EVERY_CAMERA})
                changed(self.selection)

    async def put(self, pool: Pool) -> Pool:
        """As it stands from then on; the same again changes nothing. Raises: Invalid, Unavailable."""
        check(pool)
        while True:
            entry = await self._bucket.get(pool.name)
            present = read(entry) if entry else None
            wanted = Pool()
            wanted.CopyFrom(pool)
            wanted.generation = present.generation if present else 0
            if wanted == present:
                return wanted
            wanted.generation += 1
            try:
                await self._bucket.update(pool.name, MessageToJson(wanted, indent=None).encode(), entry.revision if entry else 0)
            except LostRace:
                continue
            return wanted

    async def delete(self, name: str) -> None:
        """Whether it was there or not. Raises: Invalid, Unavailable."""
        await self._bucket.delete(checked_id("pool", name))

    def _take(self, entry: Entry) -> None:
        pool = read(entry)
        if pool is not None:
            self._pools[entry.key] = pool
        elif entry.value is None:
            self._pools.pop(entry.key, None)


def check(pool: Pool) -> None:
    """Raises: Invalid (ID_MALFORMED, SELECTOR_TOO_LONG, CAPACITY_NEGATIVE, PIN_IMPOSSIBLE)."""
    checked_id("pool", pool.name)
    for kind, named in (("owner", pool.selector.owners), ("site", pool.selector.sites), ("zone", pool.selector.zones)):
        if len(named) > SELECTED_MOST:
            raise Invalid("SELECTOR_TOO_LONG", f"a pool names at most {SELECTED_MOST} {kind}s, not {len(named)}", field=f"pool.selector.{kind}s")
        for each in named:
            checked_id(kind, each)
    if pool.capacity.cameras < 0 or pool.capacity.bitrate_bps < 0:
        raise Invalid("CAPACITY_NEGATIVE", "a member's capacity is at least 1, or 0 for what is usual", field="pool.capacity")
    for slot, node in pool.pins.items():
        if slot >= SLOTS:
            raise Invalid("PIN_IMPOSSIBLE", f"slots are 0 to {SLOTS - 1}, not {slot}", field="pool.pins")
        checked_id("node", node)


def read(entry: Entry) -> Pool | None:
    """None: it is deleted, or can't be read; then it stays as it was known."""
    if entry.value is None:
        return None
    try:
        return Parse(entry.value, Pool(), ignore_unknown_fields=True)
    except ParseError:
        logger.error("the pool %s can't be read and stays as it was known", entry.key)
        return None

