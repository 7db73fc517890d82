"""Which segment is the last of its camera's epoch. Only its writer, or whoever finds its spool, can say so."""
from __future__ import annotations

from collections.abc import Iterable

from services.ingest.segment import ClosedSegment


class Epochs:
    """Knows the ends of epochs that are over."""

    def __init__(self, left_behind: Iterable[ClosedSegment]) -> None:
        """left_behind: what a former process of this node left in the spool; nothing more will come of its epochs."""
        self._last: dict[tuple[str, int], int] = {}
        for segment in left_behind:
            self.end(segment.head.camera, segment.head.epoch, segment.head.number)

    def end(self, camera: str, epoch: int, number: int) -> None:
        """Nothing after this number will be recorded of the camera under the epoch."""
        key = (camera, epoch)
        self._last[key] = max(number, self._last.get(key, -1))

    def is_last(self, segment: ClosedSegment) -> bool:
        return self._last.get((segment.head.camera, segment.head.epoch)) == segment.head.number
