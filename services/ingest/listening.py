"""What the spool reports, passed on: closed segments to the uploader, losses to the outbox."""
from __future__ import annotations

from dataclasses import dataclass, field

from services.ingest.causes import Interruption
from services.ingest.facts import clock_measured, given_up, interruption_observed, stream_changed
from services.ingest.outbox import Outbox
from services.ingest.segment import ClosedSegment
from services.ingest.uploader import Uploader
from vonglau.ingest.v1.events_pb2 import GAP_CAUSE_SPOOL_FULL, GAP_CAUSE_STORAGE_UNAVAILABLE

CLOCK_STEP_NS = 100_000_000  # a camera's clock that moved less is not told again


@dataclass
class Listening:
    """The spool's listener; called on the event loop, in the order of each camera."""

    uploader: Uploader
    outbox: Outbox
    clock_limit_ns: int
    _streams: dict[str, tuple[str, int, int]] = field(default_factory=dict)
    _clocks: dict[str, tuple[int, bool]] = field(default_factory=dict)

    def segment_closed(self, segment: ClosedSegment) -> None:
        self.uploader.add(segment)
        self._tell_stream(segment)
        self._tell_clock(segment)

    def segment_shed(self, segment: ClosedSegment) -> None:
        cause = GAP_CAUSE_SPOOL_FULL if self.uploader.store_reachable else GAP_CAUSE_STORAGE_UNAVAILABLE
        self.outbox.put("interruption", segment.head.camera, given_up(segment, cause, "given up: the spool had no room left"))

    def footage_lost(self, interruption: Interruption) -> None:
        """Under the epoch 0: the loss is the process's, whichever claim it records under."""
        self.outbox.put("interruption", interruption.camera, interruption_observed(interruption, "", 0))

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
        offset, beyond = self._clocks.get(fact.camera, (None, False))
        if offset is None or abs(fact.offset_ns - offset) > CLOCK_STEP_NS or beyond != fact.beyond_limit:
            self._clocks[fact.camera] = (fact.offset_ns, fact.beyond_limit)
            self.outbox.put("clock", fact.camera, fact)
