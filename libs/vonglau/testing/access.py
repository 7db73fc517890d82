"""Rights that a test states itself, in place of the copy that follows the bucket."""
from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from vonglau.access import CameraEntry


class StatedRights:
    """What `Access` reads. owners: owner -> administrators. cameras: camera -> owner. Both may be changed at any time; `tell` wakes who waits."""

    def __init__(self, owners: Mapping[str, Iterable[str]] | None = None, cameras: Mapping[str, str] | None = None, *, age: float = 0.0) -> None:
        self.owners = {owner: set(administrators) for owner, administrators in (owners or {}).items()}
        self.cameras = dict(cameras or {})
        self.age = age  # s
        self._changed = asyncio.Event()

    def camera(self, camera: str) -> CameraEntry | None:
        return CameraEntry(self.cameras[camera]) if camera in self.cameras else None

    def administered_by(self, person: str) -> frozenset[str]:
        return frozenset(owner for owner, administrators in self.owners.items() if person in administrators)

    def tell(self) -> None:
        self._changed.set()

    async def changed(self, within: float) -> None:
        self._changed.clear()
        try:
            await asyncio.wait_for(self._changed.wait(), within)
        except TimeoutError:
            return
