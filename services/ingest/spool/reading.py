import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from services.ingest.segment import ClosedSegment, SegmentHead
from services.ingest.spool.growing import GrowingSegment
from vonglau.media.fmp4 import VIDEO
from vonglau.media.fragments import Fragment, fragments, init_length
from vonglau.media.ticks import to_ns


@dataclass(frozen=True, slots=True)
class SpooledFragment:
    start_ns: int
    end_ns: int
    offset: int                                              # bytes in the file
    size: int


@dataclass(frozen=True, slots=True)
class SpooledSegment:
    """One file of the spool as far as it is whole, with its fragments in the range that was asked for."""

    head: SegmentHead
    end_ns: int                                              # so far
    growing: bool
    init: bytes
    fragments: tuple[SpooledFragment, ...]
    path: Path

    def media(self, fragment: SpooledFragment) -> bytes:
        """`moof` + `mdat`; empty if the file was freed meanwhile. Blocks on the disk."""
        for path in (self.path, self.path.with_suffix(".mp4")):          # a growing file may have been closed since
            try:
                with path.open("rb") as file:
                    file.seek(fragment.offset)
                    return file.read(fragment.size)
            except FileNotFoundError:
                continue
        return b""


def in_range(closed: list[ClosedSegment], growing: GrowingSegment | None, from_ns: int, to_ns: int) -> Iterator[SpooledSegment]:
    for segment in closed:
        if segment.head.start_ns < to_ns and segment.end_ns > from_ns:
            found = _of_closed(segment, from_ns, to_ns)
            if found is not None:
                yield found
    if growing is not None and all(segment.path.stem != growing.path.stem for segment in closed):
        head, until_ns = growing.head, growing.until_ns
        if head.start_ns < to_ns and until_ns > from_ns:
            yield SpooledSegment(head, until_ns, True, growing.init, tuple(_of_growing(growing, from_ns, to_ns)), growing.path)


def _of_growing(growing: GrowingSegment, from_ns: int, to_ns: int) -> Iterator[SpooledFragment]:
    offset = len(growing.init)
    for fragment in tuple(growing.fragments):
        if fragment.start_ns < to_ns and fragment.end_ns > from_ns:
            yield SpooledFragment(fragment.start_ns, fragment.end_ns, offset, fragment.size)
        offset += fragment.size


def _of_closed(segment: ClosedSegment, from_ns: int, to_ns: int) -> SpooledSegment | None:
    try:
        with segment.path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            init = content[:init_length(content)]
            found = tuple(one for one in map(_spooled, fragments(content)) if one.start_ns < to_ns and one.end_ns > from_ns)
    except FileNotFoundError:
        return None
    return SpooledSegment(segment.head, segment.end_ns, False, init, found, segment.path)


def _spooled(fragment: Fragment) -> SpooledFragment:
    video = fragment.track(VIDEO) or fragment.tracks[0]
    return SpooledFragment(to_ns(video.tfdt), to_ns(video.tfdt + video.duration), fragment.offset, fragment.size)
