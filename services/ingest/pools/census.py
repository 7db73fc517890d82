"""Which pool has which camera, kept as cameras and pools change."""
from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from services.ingest.pools.selection import Chosen, Selection
from services.ingest.roster import Listed, Roster
from services.ingest.slots import slot_of

NOWHERE = Chosen("", ())
BySlot = defaultdict[str, defaultdict[int, set[str]]]  # pool -> slot -> cameras; "": of no pool


class Census:
    """Of all cameras that are meant to be recorded."""

    def __init__(self, roster: Roster, selection: Selection) -> None:
        self.selection = selection
        self._roster = roster
        self._chosen: dict[str, Chosen] = {}
        self._cameras: BySlot = by_slot()
        self._overlapping: defaultdict[str, set[str]] = defaultdict(set)  # pool -> cameras that it selects and another one has

    @property
    def meant(self) -> int:
        """Cameras, of all pools and of none. Like `unselected`, to be read from any thread."""
        return len(self._chosen)

    @property
    def unselected(self) -> int:
        """Cameras that no pool selects."""
        return sum(len(cameras) for cameras in tuple(self._cameras.get("", {}).values()))

    def pool_of(self, camera: str) -> str:
        """Empty: no pool selects it, or it is not meant to be recorded."""
        return self._chosen.get(camera, NOWHERE).pool

    def cameras(self, pool: str) -> Iterable[Listed]:
        """Of the pool; of no pool, for an empty name."""
        return (self._roster.cameras[camera] for camera in self._of(pool))

    def cameras_in(self, pool: str, slots: Iterable[int]) -> set[str]:
        """Of the pool, those in the slots."""
        present: Mapping[int, set[str]] = self._cameras.get(pool, {})
        return {camera for slot in slots for camera in present.get(slot, ())}

    def overlapping(self, pool: str) -> int:
        """Cameras that the pool selects and another one has."""
        return len(self._overlapping.get(pool, ()))

    def overlapped_by(self, pool: str) -> set[str]:
        """Pools that select cameras of this one."""
        return {other for camera in self._of(pool) for other in self._chosen[camera].others}

    def camera_changed(self, camera: str) -> None:
        listed = self._roster.cameras.get(camera)
        before = self._chosen.pop(camera, None)
        if before is not None:
            self._cameras[before.pool][slot_of(camera)].discard(camera)
            for other in before.others:
                self._overlapping[other].discard(camera)
        if listed is not None and listed.is_meant:
            self._add(listed)

    def pools_changed(self, selection: Selection) -> set[str]:
        """Cameras that are in another pool now."""
        if selection.pools == self.selection.pools:  # as they are told again after each reconnect
            return set()
        before, self.selection = self._chosen, selection
        self._chosen, self._cameras, self._overlapping = {}, by_slot(), defaultdict(set)
        for camera in before:
            self._add(self._roster.cameras[camera])
        return {camera for camera, chosen in before.items() if chosen.pool != self._chosen[camera].pool}

    def _add(self, listed: Listed) -> None:
        chosen = self._chosen[listed.camera] = self.selection.of(listed)
        self._cameras[chosen.pool][slot_of(listed.camera)].add(listed.camera)
        for other in chosen.others:
            self._overlapping[other].add(listed.camera)

    def _of(self, pool: str) -> Iterator[str]:
        return (camera for cameras in self._cameras.get(pool, {}).values() for camera in cameras)


def by_slot() -> BySlot:
    return defaultdict(lambda: defaultdict(set))
