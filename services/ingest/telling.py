"""What is told of interruptions, and with it the end of the epochs before: an epoch is closed once nothing of it waits in a spool any more."""
from __future__ import annotations

from collections.abc import Callable

from services.ingest.outbox import Outbox
from vonglau.ingest.v1.events_pb2 import InterruptionObserved


class Telling:
    """Every interruption under this process's own epochs goes through here. One of each camera's facts closes all epochs before."""

    def __init__(self, outbox: Outbox, waits_before: Callable[[str, int], bool]) -> None:
        """waits_before: whether segments of the camera from epochs before this one still wait for the store."""
        self._outbox = outbox
        self._waits_before = waits_before
        self._last: dict[str, InterruptionObserved] = {}
        self._inherited: set[str] = set()  # cameras whose epochs before are this process's to close, and not closed yet

    def inherit(self, camera: str) -> None:
        """What was recorded of the camera before was recorded here, so this process knows when nothing of it is left."""
        self._inherited.add(camera)

    def tell(self, fact: InterruptionObserved) -> None:
        if fact.camera in self._inherited and not self._waits_before(fact.camera, fact.epoch):
            self._inherited.discard(fact.camera)
            fact.closes_epoch = fact.epoch - 1
        self._last[fact.camera] = fact
        self._outbox.put("interruption", fact.camera, fact)

    def tell_of_another(self, fact: InterruptionObserved) -> None:
        """Under the epoch of a process that died, or under none."""
        self._outbox.put("interruption", fact.camera, fact)

    def advanced(self, camera: str) -> None:
        """Less of the camera waits for the store: where that was the obstacle, what was told last is told again and closes."""
        last = self._last.get(camera)
        if last is not None and camera in self._inherited and not self._waits_before(camera, last.epoch):
            again = InterruptionObserved()
            again.CopyFrom(last)
            self.tell(again)

    def told_as(self, camera: str) -> tuple[str, int] | None:
        """Owner and epoch under which the camera is recorded now; None: it is not."""
        last = self._last.get(camera)
        return (last.owner, last.epoch) if last is not None else None

    def forget(self, camera: str) -> None:
        self._last.pop(camera, None)
        self._inherited.discard(camera)
