"""What became of a camera before this process began with it: from what the spool still holds and from the newest facts. Pure."""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from services.ingest.causes import Cause
from services.ingest.segment import ClosedSegment
from vonglau.ingest.v1.events_pb2 import GAP_CAUSE_UNASSIGNED, InterruptionObserved, SegmentRecorded

STEP_NS = 200_000_000  # an interruption that began this much before the last segment's end belongs behind it all the same


@dataclass(frozen=True, slots=True)
class Past:
    """The camera until now: where its next recording goes on."""

    epoch: int  # under which it is recorded by this process
    until_ns: int  # recorded, or the cause is told, up to here; 0: it was never recorded
    cause: Cause  # why it is not recorded from then on
    sha256: str = ""  # hex: of the newest segment before this process
    next_number: int = 0  # under this epoch


class Found(NamedTuple):
    past: Past
    lasting: InterruptionObserved | None  # a process that died began it; it ends where the past does


def predecessor(spooled: Iterable[ClosedSegment], segment: SegmentRecorded | None, interruption: InterruptionObserved | None, now: Past) -> Found:
    """spooled: what the spool holds of this camera. segment, interruption: its newest facts. now: as if all were told up to this instant.

    An interruption that still lasts has its cause, so the death of the process that began it only counts from now on.
    Behind a time when nobody could have the camera nothing has broken off: it begins anew.
    """
    ends = [(one.end_ns, one.sha256) for one in spooled]
    if segment is not None:
        ends.append((segment.end_ns, segment.sha256.hex()))
    until_ns, sha256 = max(ends, default=(0, ""))
    if interruption is None or max(interruption.begun_ns, interruption.ended_ns) < until_ns - STEP_NS:
        return Found(replace(now, until_ns=until_ns, sha256=sha256), None)
    if interruption.cause == GAP_CAUSE_UNASSIGNED:
        now = replace(now, cause=Cause.SOURCE_SILENT)
    if interruption.ended_ns:
        return Found(replace(now, until_ns=max(until_ns, interruption.ended_ns), sha256=sha256), None)
    return Found(replace(now, until_ns=max(now.until_ns, interruption.begun_ns), sha256=sha256), interruption)
