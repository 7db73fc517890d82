import contextlib
from collections.abc import Callable, Iterable
from threading import Lock

from services.ingest.segment import ClosedSegment


class SpoolFull(OSError):
    """There is no room for this camera's footage."""


class SpoolBounds:
    """Bytes in the spool over all cameras, and what is given up when they reach the limit: the least important class first (highest number), its oldest first.

    Only closed segments that nobody uploads are given up, and never one more important than the footage that needs the room. Thread-safe.
    """

    def __init__(self, limit: int, on_shed: Callable[[ClosedSegment], None]) -> None:
        self.limit = limit
        self.used = 0
        self.shed_segments = 0
        self._on_shed = on_shed
        self._closed: dict[tuple[str, str], ClosedSegment] = {}
        self._busy: set[tuple[str, str]] = set()
        self._lock = Lock()

    def grow(self, size: int, priority: int) -> None:
        """Takes room for bytes to be written. Raises `SpoolFull`."""
        with self._lock:
            while self.used + size > self.limit:
                self._shed(priority)
            self.used += size

    def make_room(self, priority: int) -> None:
        """The disk is full before the limit is: gives up one segment. Raises `SpoolFull`."""
        with self._lock:
            self._shed(priority)

    def give_back(self, size: int) -> None:
        with self._lock:
            self.used -= size

    def add(self, segment: ClosedSegment, extra: int = 0) -> None:
        """A segment is closed; `extra` bytes of it were not taken by `grow`."""
        with self._lock:
            self._closed[_key(segment)] = segment
            self.used += extra

    def hold(self, segment: ClosedSegment) -> bool:
        """It is being uploaded and is not to be given up. False if it is gone."""
        with self._lock:
            if _key(segment) in self._closed:
                self._busy.add(_key(segment))
            return _key(segment) in self._closed

    def release(self, segment: ClosedSegment) -> None:
        with self._lock:
            self._busy.discard(_key(segment))

    def remove(self, segment: ClosedSegment) -> None:
        with self._lock:
            self._busy.discard(_key(segment))
            if self._closed.pop(_key(segment), None) is not None:
                self.used -= segment.size
        _unlink(segment)

    def closed(self, camera: str | None = None) -> list[ClosedSegment]:
        """In order of their start."""
        with self._lock:
            found: Iterable[ClosedSegment] = [one for one in self._closed.values() if camera in (None, one.head.camera)]
        return sorted(found, key=lambda one: one.head.start_ns)

    def _shed(self, priority: int) -> None:
        candidates = [one for key, one in self._closed.items() if key not in self._busy and one.head.priority >= priority]
        if not candidates:
            raise SpoolFull("the spool is full and holds nothing less important")
        victim = min(candidates, key=lambda one: (-one.head.priority, one.head.start_ns))
        del self._closed[_key(victim)]
        self.used -= victim.size
        self.shed_segments += 1
        _unlink(victim)
        self._on_shed(victim)


def _key(segment: ClosedSegment) -> tuple[str, str]:
    return segment.head.camera, segment.path.name


def _unlink(segment: ClosedSegment) -> None:
    with contextlib.suppress(OSError):                       # on a read-only disk it stays, and the next recovery finds it again
        segment.path.unlink(missing_ok=True)
        segment.path.with_suffix(".json").unlink(missing_ok=True)
