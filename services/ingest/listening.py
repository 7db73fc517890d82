"""What the spool reports, passed on: closed segments to the uploader, losses and changes to the outbox."""
from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from services.ingest.causes import Interruption, InterruptionBegun
from services.ingest.clocks import SECOND_NS, described
from services.ingest.facts import clock_measured, given_up, interruption_begun, interruption_ended, stream_changed
from services.ingest.outbox import Outbox
from services.ingest.segment import ClosedSegment
from services.ingest.uploader import Uploader
from vonglau.footage import footage_bucket
from vonglau.ingest.v1.events_pb2 import GAP_CAUSE_SPOOL_FULL, GAP_CAUSE_SPOOL_LOST, GAP_CAUSE_STORAGE_UNAVAILABLE, InterruptionObserved
from vonglau.registry.v1.events_pb2 import CameraClass
from vonglau.telemetry import count, names

logger = logging.getLogger(__name__)

CLOCK_STEP_NS = 100_000_000  # a camera's clock that moved less is not told again


@dataclass
class Listening:
    """The spool's listener; called on the event loop, in the order of each camera."""

    uploader: Uploader
    outbox: Outbox
    clock_limit_ns: int
    told_as: Callable[[str], tuple[str, int] | None]  # owner and epoch under which a camera is recorded now
    class_of: Callable[[str], CameraClass]
    unwritten: dict[str, InterruptionObserved] = field(default_factory=dict)  # cameras whose footage the spool can't take just now
    _streams: dict[str, tuple[str, int, int]] = field(default_factory=dict)
    _clocks: dict[str, tuple[int, bool]] = field(default_factory=dict)

    def segment_closed(self, segment: ClosedSegment) -> None:
        self.uploader.add(segment)
        count(names.RECEIVED_BYTES, segment.size)
        count(names.LOST_PACKETS, segment.lost_packets)
        self._tell_stream(segment)
        self._tell_clock(segment)

    def segment_shed(self, segment: ClosedSegment) -> None:
        camera = segment.head.camera
        stored = self.uploader.given_up(segment)
        if stored is not None:
            self.outbox.put("segment", camera, stored)
            return
        count(names.SPOOL_SHED, 1, {names.CAMERA_CLASS: CameraClass.Name(self.class_of(camera))})
        is_store_away = footage_bucket(segment.head.owner) in self.uploader.stores_away
        cause = GAP_CAUSE_STORAGE_UNAVAILABLE if is_store_away else GAP_CAUSE_SPOOL_FULL
        self.outbox.put("interruption", camera, given_up(segment, cause, "given up: the spool had no room left"))

    def segment_lost(self, segment: ClosedSegment, why: str) -> None:
        self.outbox.put("interruption", segment.head.camera, given_up(segment, GAP_CAUSE_SPOOL_LOST, why))

    def footage_lost(self, interruption: Interruption) -> None:
        camera = interruption.camera
        if isinstance(interruption, InterruptionBegun):
            told_as = self.told_as(camera)
            if told_as is None:  # retired meanwhile
                return
            told = self.unwritten[camera] = interruption_begun(interruption, *told_as)
        elif camera in self.unwritten:
            told = interruption_ended(self.unwritten.pop(camera), interruption.at_ns)
        else:
            return
        self.outbox.put("interruption", camera, told)

    def _tell_stream(self, segment: ClosedSegment) -> None:
        head = segment.head
        stream = (head.codec, head.width, head.height)
        if self._streams.get(head.camera) != stream:
            self._streams[head.camera] = stream
            self.outbox.put("stream", head.camera, stream_changed(segment))

    def _tell_clock(self, segment: ClosedSegment) -> None:
        fact = clock_measured(segment, self.clock_limit_ns)
        if fact is None:
            return
        limit_s = self.clock_limit_ns / SECOND_NS
        offset, beyond = self._clocks.get(fact.camera, (None, False))
        if offset is None or abs(fact.offset_ns - offset) > CLOCK_STEP_NS or beyond != fact.beyond_limit:
            self._clocks[fact.camera] = (fact.offset_ns, fact.beyond_limit)
            self.outbox.put("clock", fact.camera, fact)
        if fact.beyond_limit and not beyond:
            logger.warning("%s: %s, more than the limit of %g s: set it, or the time server it asks", fact.camera, described(fact.offset_ns), limit_s)
        elif beyond and not fact.beyond_limit:
            logger.info("%s: %s, within the limit of %g s again", fact.camera, described(fact.offset_ns), limit_s)
