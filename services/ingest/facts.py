"""What the data plane tells, as the facts that others read. Pure."""
from __future__ import annotations

from typing import cast

from services.ingest.causes import Cause, InterruptionBegun
from services.ingest.clocks import is_beyond
from services.ingest.segment import ClosedSegment
from vonglau.ingest.v1.events_pb2 import ClockMeasured, GapCause, InterruptionObserved, SegmentRecorded, StreamChanged
from vonglau.media.segment import segment_key


def cause_of(cause: Cause) -> GapCause:
    """The same cause in the words that all services share."""
    return cast(GapCause, GapCause.Value(f"GAP_CAUSE_{cause.value.upper()}"))


def segment_recorded(segment: ClosedSegment, *, last_of_epoch: bool) -> SegmentRecorded:
    head = segment.head
    return SegmentRecorded(
        camera=head.camera,
        owner=head.owner,
        epoch=head.epoch,
        number=head.number,
        start_ns=head.start_ns,
        end_ns=segment.end_ns,
        contiguous=head.contiguous,
        key=segment_key(head.camera, head.start_ns, head.epoch, head.number),
        size_bytes=segment.size,
        sha256=bytes.fromhex(segment.sha256),
        previous_sha256=bytes.fromhex(head.previous_sha256),
        codec=head.codec,
        width_px=head.width,
        height_px=head.height,
        fragments=segment.fragments,
        media_duration_ns=segment.media_duration_ns,
        clock_offset_ns=head.clock_offset_ns or 0,
        clock_known=head.clock_offset_ns is not None,
        drift_ns=head.drift_ns,
        discontinuity=head.discontinuity,
        lost_packets=segment.lost_packets,
        damaged_access_units=segment.damaged_access_units,
        recovered=segment.recovered,
        last_of_epoch=last_of_epoch,
    )


def interruption_begun(interruption: InterruptionBegun, owner: str, epoch: int) -> InterruptionObserved:
    return InterruptionObserved(
        camera=interruption.camera,
        owner=owner,
        epoch=epoch,
        cause=cause_of(interruption.cause),
        begun_ns=interruption.at_ns,
        detail=interruption.detail,
    )


def interruption_ended(interruption: InterruptionObserved, at_ns: int) -> InterruptionObserved:
    """The same interruption with its end (UTC ns), never before its beginning."""
    told = InterruptionObserved()
    told.CopyFrom(interruption)
    told.ended_ns = max(at_ns, interruption.begun_ns)
    return told


def given_up(segment: ClosedSegment, cause: GapCause, detail: str) -> InterruptionObserved:
    """A recorded segment that never reached the store."""
    head = segment.head
    return InterruptionObserved(
        camera=head.camera, owner=head.owner, epoch=head.epoch, cause=cause, begun_ns=head.start_ns, ended_ns=segment.end_ns, detail=detail
    )


def stream_changed(segment: ClosedSegment) -> StreamChanged:
    head = segment.head
    return StreamChanged(
        camera=head.camera,
        owner=head.owner,
        epoch=head.epoch,
        at_ns=head.start_ns,
        codec=head.codec,
        width_px=head.width,
        height_px=head.height,
        has_audio=head.has_audio,
    )


def clock_measured(segment: ClosedSegment, limit_ns: int) -> ClockMeasured | None:
    """None: the camera tells no time."""
    head = segment.head
    if head.clock_offset_ns is None:
        return None
    beyond = is_beyond(head.clock_offset_ns, limit_ns)
    return ClockMeasured(
        camera=head.camera, owner=head.owner, epoch=head.epoch, at_ns=segment.end_ns, offset_ns=head.clock_offset_ns, beyond_limit=beyond
    )
