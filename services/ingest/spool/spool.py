import errno
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Protocol

from services.ingest.causes import Cause, Interruption, InterruptionBegun, InterruptionEnded
from services.ingest.segment import ClosedSegment, SegmentEnd, SegmentHead
from services.ingest.spool.bounds import SpoolBounds, SpoolFull
from services.ingest.spool.growing import GrowingSegment, SpoolFragment
from services.ingest.spool.lanes import WriterLanes
from services.ingest.spool.reading import SpooledSegment, in_range

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class SpoolListener(Protocol):
    def segment_closed(self, segment: ClosedSegment) -> None: ...

    def segment_shed(self, segment: ClosedSegment) -> None:
        """It was given up before it reached the store, because the spool was full: its time is a gap `spool_full`."""

    def footage_lost(self, interruption: Interruption) -> None:
        """Footage that the camera sent can't be written, and later: can be again."""


@dataclass(slots=True)
class _CameraLane:
    """What the writer thread of a camera knows of it."""

    chain: tuple[int, str] = (-1, "")                        # epoch and hash of the segment closed last
    lost: InterruptionBegun | None = None
    broken: bool = False                                     # the segment before misses its end

    def previous(self, head: SegmentHead) -> str:
        epoch, sha256 = self.chain
        return sha256 if epoch == head.epoch else head.previous_sha256


class Spool:
    """`<root>/<camera>/<start>-<epoch>-<n>.part`, `.mp4` once closed, each with a `.json`. Calls return at once: only the writer threads touch the disk.

    The listener is called through `post`, in the order of each camera: give the event loop's `call_soon_threadsafe`.
    """

    def __init__(
        self, root: Path, *, limit_bytes: int, pending_bytes: int, threads: int, listener: SpoolListener, post: Callable[..., object] | None = None,
    ) -> None:
        self.root = root
        self._listener = listener
        self._post = post or (lambda call, *arguments: call(*arguments))
        self.bounds = SpoolBounds(limit_bytes, self._shed)
        self.pending = 0                                     # bytes that wait for the disk
        self._pending_limit = pending_bytes
        self._pending_lock = Lock()
        self._lanes = WriterLanes(threads)
        self._cameras: dict[str, _CameraLane] = {}
        self._growing: dict[str, GrowingSegment] = {}
        self._unclosed: dict[str, list[tuple[GrowingSegment, SegmentEnd]]] = {}

    def begin(self, head: SegmentHead, init: bytes) -> GrowingSegment:
        segment = GrowingSegment(self.root / head.camera, head, init)
        self._lanes.put(head.camera, partial(self._begin, segment))
        return segment

    def append(self, segment: GrowingSegment, fragment: SpoolFragment) -> None:
        """The parts belong to the spool from now on. When too much waits for the disk the fragment is dropped and counted."""
        with self._pending_lock:
            accepted = self.pending + fragment.size <= self._pending_limit
            self.pending += fragment.size if accepted else 0
        job = partial(self._append, segment, fragment) if accepted else partial(self._lose, segment, replace(fragment, parts=()), Cause.WRITER_FAILED)
        self._lanes.put(segment.head.camera, job)

    def finish(self, segment: GrowingSegment, end: SegmentEnd) -> None:
        self._lanes.put(segment.head.camera, partial(self._finish, segment, end))

    def adopt(self, segments: list[ClosedSegment]) -> None:
        """Segments that recovery found."""
        for segment in segments:
            self.bounds.add(segment, segment.size)

    def read(self, camera: str, from_ns: int, to_ns: int) -> Iterator[SpooledSegment]:
        """What is in the spool of that time, in order; blocks on the disk. Files that are freed meanwhile are left out: they are in the store then."""
        return in_range(self.bounds.closed(camera), self._growing.get(camera), from_ns, to_ns)

    def growing_bytes(self, camera: str) -> int:
        """Of the file that is being written."""
        growing = self._growing.get(camera)
        return growing.size if growing is not None else 0

    def close(self, timeout_s: float = 5.0) -> bool:
        """Writes what waits; False if the disk hangs. Growing segments are the recorders' to finish before."""
        return self._lanes.close(timeout_s)

    def _shed(self, segment: ClosedSegment) -> None:
        self._post(self._listener.segment_shed, segment)

    def _begin(self, segment: GrowingSegment) -> None:
        camera = self._cameras.setdefault(segment.head.camera, _CameraLane())
        head = segment.head
        segment.head = replace(head, contiguous=head.contiguous and not camera.broken, previous_sha256=camera.previous(head))
        try:
            segment.open()
        except OSError as error:                             # the fragments that follow say how much is lost
            segment.failure = Cause.SPOOL_FULL if error.errno in _FULL else Cause.WRITER_FAILED
            return
        self._growing[head.camera] = segment

    def _append(self, segment: GrowingSegment, fragment: SpoolFragment) -> None:
        size = fragment.size + (0 if segment.fragments else len(segment.init))
        try:
            cause = segment.failure or self._write(segment, fragment, size)
        finally:
            with self._pending_lock:
                self.pending -= fragment.size
        if cause is not None:
            self._lose(segment, fragment, cause)
            return
        camera = self._cameras[segment.head.camera]
        camera.broken = False
        if camera.lost is not None:
            lost, camera.lost = camera.lost, None
            self._post(self._listener.footage_lost, InterruptionEnded(lost.camera, lost.cause, lost.at_ns, fragment.start_ns))

    def _write(self, segment: GrowingSegment, fragment: SpoolFragment, size: int) -> Cause | None:
        """Why it could not be written, None if it was. A full disk is tried again once something was given up."""
        taken = 0
        for last in (False, True):
            try:
                if not taken:
                    self.bounds.grow(size, segment.head.priority)
                    taken = size
                segment.write(fragment)
            except OSError as error:
                full = isinstance(error, SpoolFull) or error.errno in _FULL
                if last or not full or isinstance(error, SpoolFull) or not self._made_room(segment.head.priority):
                    self.bounds.give_back(taken)
                    return Cause.SPOOL_FULL if full else Cause.WRITER_FAILED
            else:
                return None
        return None

    def _made_room(self, priority: int) -> bool:
        try:
            self.bounds.make_room(priority)
        except SpoolFull:
            return False
        return True

    def _lose(self, segment: GrowingSegment, fragment: SpoolFragment, cause: Cause) -> None:
        """The segment ends before this fragment; the recorder sees that and begins another."""
        segment.failure = segment.failure or cause
        camera = self._cameras.setdefault(segment.head.camera, _CameraLane())
        camera.broken = True
        if camera.lost is None:
            camera.lost = InterruptionBegun(segment.head.camera, cause, fragment.start_ns, "the spool can't be written")
            self._post(self._listener.footage_lost, camera.lost)

    def _finish(self, segment: GrowingSegment, end: SegmentEnd) -> None:
        if segment.failure is not None:
            end = replace(end, end_ns=segment.until_ns, media_duration_ns=segment.until_ns - segment.head.start_ns)
        self._unclosed.setdefault(segment.head.camera, []).append((segment, end))
        self._close_ended(segment.head.camera)

    def _close_ended(self, camera: str) -> None:
        """In order; one that the disk refuses to close now is closed with the next, or by recovery."""
        waiting = self._unclosed.pop(camera, [])
        while waiting:
            segment, end = waiting[0]
            segment.head = replace(segment.head, previous_sha256=self._cameras[camera].previous(segment.head))
            try:
                closed = segment.close(end)
            except OSError:
                self._unclosed[camera] = waiting
                return
            del waiting[0]
            if self._growing.get(camera) is segment:
                del self._growing[camera]
            if closed is not None:
                self._cameras[camera].chain = (closed.head.epoch, closed.sha256)
                self.bounds.add(closed, closed.size - segment.size)
                self._post(self._listener.segment_closed, closed)
