"""Which cameras this process records: those that its pool has and whose slot the table gives to it."""
from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from services.ingest.pools.census import Census
from services.ingest.pools.selection import Selection
from services.ingest.pools.table import EMPTY, SlotTable
from services.ingest.roster import Listed, Roster
from services.ingest.slots import slot_of


class Place(NamedTuple):
    is_here: bool
    is_known: bool  # False: pools or table are still being read
    is_selected: bool  # by any pool
    why: str = ""  # it is not recorded here, for people


STARTING = Place(False, False, True, "it is about to be recorded")
UNSELECTED = Place(False, True, False, "no pool selects it: which pool is meant to have its owner, site and zone?")
HERE = Place(True, True, True)


class Assignment:
    """Obeys the last table, even when its author is gone."""

    def __init__(self, pool: str, node: str, roster: Roster) -> None:
        self.pool = pool
        self.census = Census(roster, Selection({}))
        self.table: SlotTable = EMPTY
        self._node = node
        self._changed: Callable[[str], None] = ignore
        self._knows_pools = self._knows_table = False

    def serve(self, changed: Callable[[str], None]) -> None:
        """changed: takes each camera that has come here or goes from here, or may have."""
        self._changed = changed

    @property
    def knows_pools(self) -> bool:
        """Whether it has been read which there are."""
        return self._knows_pools

    def place(self, listed: Listed) -> Place:
        if not (self._knows_pools and self._knows_table):
            return STARTING
        pool = self.census.pool_of(listed.camera)
        if not pool:
            return UNSELECTED
        if pool != self.pool:
            return Place(False, True, True, f"the pool {pool} records it")
        holder = self.table.holders[slot_of(listed.camera)]
        return HERE if holder == self._node else Place(False, True, True, f"{holder} records it" if holder else "no process of its pool has taken it yet")

    def camera_changed(self, camera: str) -> None:
        self.census.camera_changed(camera)
        self._changed(camera)

    def pools_changed(self, selection: Selection) -> None:
        first, self._knows_pools = not self._knows_pools, True
        moved = self.census.pools_changed(selection)
        self._tell(self._here() if first else moved)

    def table_changed(self, table: SlotTable) -> None:
        first, self._knows_table = not self._knows_table, True
        before, self.table = self.table, table
        slots = (slot for slot in table.moved(before) if self._node in (table.holders[slot], before.holders[slot]))
        self._tell(self._here() if first else self.census.cameras_in(self.pool, slots))

    def _here(self) -> set[str]:
        return self.census.cameras_in(self.pool, (slot for slot, holder in enumerate(self.table.holders) if holder == self._node))

    def _tell(self, cameras: set[str]) -> None:
        for camera in sorted(cameras):
            self._changed(camera)


def ignore(_camera: str) -> None:
    """Nobody is served yet."""
