"""What was recorded of a camera before this process began with it: from what the spool still holds and from the newest fact. Pure."""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from services.ingest.segment import ClosedSegment
from vonglau.ingest.v1.events_pb2 import SegmentRecorded


@dataclass(frozen=True, slots=True)
class Predecessor:
    """The newest segment that is known of the camera."""

    end_ns: int
    sha256: str  # hex
    closes_epoch: int = 0  # this epoch has nothing left that is not in the store, and nobody has said so yet; 0: nothing to say


def predecessor(fact: SegmentRecorded | None, spooled: Iterable[ClosedSegment]) -> Predecessor | None:
    """None: the camera was never recorded. spooled: this camera's segments in this process's spool."""
    ends = [(segment.end_ns, segment.sha256) for segment in spooled]
    if fact is not None:
        ends.append((fact.end_ns, fact.sha256.hex()))
    if not ends:
        return None
    end_ns, sha256 = max(ends)
    silent = fact is not None and not fact.last_of_epoch and len(ends) == 1
    return Predecessor(end_ns, sha256, closes_epoch=fact.epoch if fact is not None and silent else 0)
