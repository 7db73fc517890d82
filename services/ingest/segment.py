"""A segment is one object: self-contained fragmented MP4 of about a minute. What is known of it when it begins, when it ends, and afterwards."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from vonglau.media.segment import segment_key


@dataclass(frozen=True, slots=True)
class SegmentHead:
    """Stands beside a growing file, so that whoever finds it after a crash can close it. Times are UTC in ns, of arrival."""

    camera: str
    owner: str
    epoch: int
    number: int
    start_ns: int
    codec: str                                               # RFC 6381
    width: int
    height: int
    has_audio: bool
    contiguous: bool                                         # no packet is missing since the segment before in the epoch
    drift_ns: int                                            # step of media time against arrival at the start
    discontinuity: bool                                      # that step was larger than the limit, or the media clock jumped inside
    previous_sha256: str                                     # hex; empty: none is known
    priority: int                                            # camera class; the highest number is shed first
    clock_offset_ns: int | None = None                       # camera's clock minus ours

    @property
    def name(self) -> str:
        """`<start>-<epoch>-<n>`: the file's stem in the spool, and the end of the object's key."""
        return segment_key(self.camera, self.start_ns, self.epoch, self.number).rpartition("/")[2].removesuffix(".mp4")


@dataclass(frozen=True, slots=True)
class SegmentEnd:
    end_ns: int
    media_duration_ns: int
    lost_packets: int = 0
    damaged_access_units: int = 0
    jumped: bool = False
    clock_offset_ns: int | None = None


@dataclass(frozen=True, slots=True)
class ClosedSegment:
    head: SegmentHead
    end_ns: int                                              # where the next one begins if nothing is missing between, else the end of the last sample
    media_duration_ns: int                                   # by the camera's media clock
    fragments: int
    size: int                                                # bytes
    sha256: str                                              # hex, of the file
    lost_packets: int
    damaged_access_units: int
    recovered: bool                                          # closed after its writer had died
    path: Path

    def to_json(self) -> bytes:
        return orjson.dumps({**asdict(self), "path": self.path.name})


def head_to_json(head: SegmentHead) -> bytes:
    return orjson.dumps({"head": asdict(head)})


def read_sidecar(path: Path, media: Path) -> SegmentHead | ClosedSegment:
    """The head of a growing segment, or all of a closed one. Raises OSError, or ValueError if the sidecar can't be read."""
    try:
        content: dict[str, Any] = orjson.loads(path.read_bytes())
        head = SegmentHead(**content.pop("head"))
        return ClosedSegment(**{**content, "head": head, "path": media}) if content else head
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{path.name} is no sidecar of a segment") from error


def at_close(head: SegmentHead, end: SegmentEnd) -> SegmentHead:
    """The head with what only the end could tell."""
    offset = end.clock_offset_ns if end.clock_offset_ns is not None else head.clock_offset_ns
    return replace(head, discontinuity=head.discontinuity or end.jumped, clock_offset_ns=offset)
