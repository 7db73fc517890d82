"""This process among those that share the cameras: what it follows of the others, and what it tells them."""
from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Coroutine, Iterable
from typing import Any

from services.ingest.pools import Declared, Member, Members
from services.ingest.pools.author import Author
from services.ingest.pools.demand import demand
from services.ingest.pools.selection import Selection
from services.ingest.pools.table import SlotTable
from services.ingest.pools.tables import Tables
from services.ingest.settings import IngestSettings
from services.ingest.spool import Spool
from services.ingest.standing import standing
from services.ingest.station import Station
from vonglau.broker import Broker, KeyValue
from vonglau.broker.topology import LEASES, POOLS, SLOTS
from vonglau.errors import NotFound, Unavailable
from vonglau.ingest.v1.service_pb2 import Demand

logger = logging.getLogger(__name__)

LOOK_S = 0.1
GOODBYE_S = 1.0


class Sharing:
    def __init__(self, broker: Broker, settings: IngestSettings, station: Station, spool: Spool) -> None:
        self.declared = Declared(KeyValue(broker, POOLS))
        self.assignment = station.assignment
        self._station = station
        self._tables = Tables(KeyValue(broker, SLOTS))
        own = Member(settings.pool, settings.node, "", settings.max_cameras)
        self.members = Members(KeyValue(broker, LEASES), own, lambda: standing(station, spool))
        self._author = Author(broker, station.assignment, self.members, self._tables, station.rivals.started, settings.moves_at_once, settings.node)

    def camera_changed(self, camera: str) -> None:
        self.assignment.camera_changed(camera)
        self._author.changed()

    def parts(self, address: str) -> Iterable[Coroutine[Any, Any, None]]:
        """What has to run, until cancelled. address: host:port by which others reach this process."""
        self.members.listens_at(address)
        yield self.declared.follow(self._pools_changed)
        yield self._tables.follow(self.assignment.pool, self._table_changed)
        yield self.members.follow(self._author.changed)
        yield self.members.keep()
        yield self._author.run()

    async def demand(self, pool: str) -> Demand:
        """What any pool has to record. Raises: NotFound, Unavailable."""
        census = self.assignment.census
        if pool not in census.selection.pools:
            raise NotFound("pool", pool)
        table = self.assignment.table if pool == self.assignment.pool else await self._tables.of(pool)
        return demand(pool, census, table, (await self.members.of(pool)).values(), self._station.rivals.started)

    async def hand_over(self, within: float) -> None:
        """Others take over until nothing is recorded here any more, or for so long (s). Where nobody else is there, at once."""
        if all(peer.is_leaving for peer in self.members.peers):
            return
        with contextlib.suppress(Unavailable, TimeoutError):
            async with asyncio.timeout(within):
                await self.members.leave()
                logger.info("%d cameras are handed over", len(self._station.on_air))
                while self._station.on_air:  # noqa: ASYNC110 - a stop looks; nobody tells
                    await asyncio.sleep(LOOK_S)

    async def goodbye(self) -> None:
        """Nothing is recorded here any more: others need not wait for the end of the lease."""
        with contextlib.suppress(Unavailable, TimeoutError):
            async with asyncio.timeout(GOODBYE_S):
                await self.members.gone()

    def _pools_changed(self, selection: Selection) -> None:
        self.assignment.pools_changed(selection)
        self._author.changed()

    def _table_changed(self, table: SlotTable) -> None:
        self.assignment.table_changed(table)
        self._author.changed()
