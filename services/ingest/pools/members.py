"""Who is there: each process of a pool keeps its key alive in the bucket `leases`."""
from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import replace

from services.ingest.pools.member import Member, Report, decode
from vonglau.broker import Entry, KeyValue
from vonglau.errors import Unavailable

TTL_S = 10
RENEW_S = 2.5  # three may be lost
READ_S = 2.0


class Members:
    """Of one pool, this process among them."""

    def __init__(self, bucket: KeyValue, own: Member, report: Callable[[], Report]) -> None:
        self._bucket = bucket
        self._own = own
        self._report = report
        self._members: dict[str, tuple[Member, float]] = {}  # node -> and when it was last heard of, by the loop's time
        self._others: dict[str, tuple[dict[str, Member], float]] = {}  # pool -> its members, and when they were read

    def listens_at(self, address: str) -> None:
        """host:port by which others reach this process."""
        self._own = replace(self._own, address=address)

    def live(self) -> dict[str, Member]:
        """By node. A key whose expiry was missed counts no longer than twice its time."""
        now = asyncio.get_running_loop().time()
        return {node: member for node, (member, heard) in self._members.items() if now - heard < 2 * TTL_S}

    @property
    def peers(self) -> list[Member]:
        """The others."""
        return [member for node, member in self.live().items() if node != self._own.node]

    async def follow(self, changed: Callable[[], None]) -> None:
        """For ever. changed: somebody came, left, or stands otherwise."""
        async for entry in self._bucket.watch(f"member.{self._own.pool}.*"):
            if entry is not None and self._take(entry):
                changed()

    async def keep(self) -> None:
        """Say for ever that this process lives; a log that is away is waited for."""
        while True:
            with contextlib.suppress(Unavailable):
                await self.say()
            await asyncio.sleep(RENEW_S)

    async def say(self) -> None:
        """How this process stands now. Raises: Unavailable."""
        self._own = replace(self._own, report=self._report())
        await self._bucket.put(self._own.key, self._own.encode(), ttl_s=TTL_S)

    async def leave(self) -> None:
        """From now on others take over what is recorded here. Raises: Unavailable."""
        self._own = replace(self._own, is_leaving=True)
        await self.say()

    async def gone(self) -> None:
        """Nothing is recorded here any more. Raises: Unavailable."""
        await self._bucket.delete(self._own.key)

    async def of(self, pool: str) -> dict[str, Member]:
        """Of any pool, by node; of another one as it was at most a few seconds ago. Raises: Unavailable."""
        if pool == self._own.pool:
            return self.live()
        now = asyncio.get_running_loop().time()
        found, read_at = self._others.get(pool, ({}, float("-inf")))
        if now - read_at > RENEW_S:
            found = await self._read(pool)
            self._others[pool] = (found, now)
        return found

    async def _read(self, pool: str) -> dict[str, Member]:
        found: dict[str, Member] = {}
        try:
            async with asyncio.timeout(READ_S), contextlib.aclosing(self._bucket.watch(f"member.{pool}.*")) as entries:
                async for entry in entries:
                    if entry is None:
                        break
                    if (member := decode(entry)) is not None:
                        found[member.node] = member
        except TimeoutError:
            raise Unavailable("LOG_UNAVAILABLE", f"who is in the pool {pool} can't be read just now") from None
        return found

    def _take(self, entry: Entry) -> bool:
        node = entry.key.rpartition(".")[2]
        before = self._members.pop(node, (None, 0.0))[0]
        member = decode(entry)
        if member is None:
            return before is not None
        self._members[node] = (member, asyncio.get_running_loop().time())
        return not member.stands_like(before)
