"""Cuts clips to a range and joins them into files: the time line starts at 0 and jumps where something is missing. Pure.

- The first fragment is the last key frame at or before the start of the range.
- What overlaps with something shown already is left out, up to the next key frame. A segment that goes on from the one before it is never
  left out: where its re-anchored time lies a little before the end of that one, it is moved behind it.
- Other codec parameters start a new file.
"""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from services.recording.clips import Clip, tracks_of
from services.recording.days import timestamp
from services.recording.gaps import FRAME_NS
from vonglau.media.fragments import retimed
from vonglau.media.init import same_codecs
from vonglau.media.ticks import to_ticks
from vonglau.recording.v1.service_pb2 import FileStarted, PlayResponse

LARGEST_PART = 1 << 20  # bytes in one response
ANCHOR_STEP_NS = 1_000_000_000  # re-anchoring between segments that belong together steps back at most this far


@dataclass(slots=True)
class File:
    number: int
    start: int  # ns
    init: bytes
    base: dict[int, int]  # per track the tick that becomes 0
    end: dict[int, int] = field(default_factory=dict)  # per track, ticks of the file
    fragments: int = 0

    def placed(self, clip: Clip) -> dict[int, int]:
        """New decode times of the clip's tracks; they never go back."""
        times = {run.track: max(self.end.get(run.track, 0), run.tfdt - self.base[run.track]) for run in clip.runs}
        self.end |= {run.track: times[run.track] + run.duration for run in clip.runs}
        self.fragments += 1
        return times


class Cut:
    def __init__(self, from_ns: int, to_ns: int) -> None:
        self._from = from_ns
        self._to = to_ns
        self._held: list[Clip] = []  # since the last key frame before the range
        self._file: File | None = None
        self._last: Clip | None = None  # that was shown
        self._awaits_key_frame = True

    @property
    def position(self) -> int:
        """ns: up to here the range is covered."""
        return self._from if self._last is None else self._last.end

    @property
    def is_done(self) -> bool:
        return self.position >= self._to

    def take(self, clip: Clip) -> Iterator[PlayResponse]:
        """What the clip adds to the answer; clips come in the order in which they are to be shown."""
        if clip.start >= self._to:
            return
        if self._last is None:
            if clip.keyframe:
                self._held.clear()
            self._held.append(clip)
            if clip.end > self._from:
                for each in self._held:
                    yield from self._show(each)
                self._held.clear()
        else:
            yield from self._show(clip)

    def _show(self, clip: Clip) -> Iterator[PlayResponse]:
        if self._overlaps(clip):
            self._awaits_key_frame = True
            return
        if self._awaits_key_frame and not clip.keyframe:
            return
        if self._file is None or (clip.source.init != self._file.init and not same_codecs(clip.source.init, self._file.init)):
            if not clip.keyframe:
                self._awaits_key_frame = True
                return
            yield from self._started(clip)
        self._awaits_key_frame = False
        self._last = clip
        yield from parts(self._fragment(clip), clip.end)

    def _overlaps(self, clip: Clip) -> bool:
        if self._last is None or clip.start >= self._last.end - FRAME_NS:
            return False
        before, source = self._last.source, clip.source
        if source.epoch == before.epoch and source.number - before.number in (0, 1):
            return clip.start < self._last.start or self._last.end - clip.start > ANCHOR_STEP_NS
        return True

    def _started(self, clip: Clip) -> Iterator[PlayResponse]:
        base = {track: to_ticks(clip.start, each.timescale) for track, each in tracks_of(clip.source.init).items()}
        base[clip.runs[0].track] = clip.runs[0].tfdt
        number = 1 if self._file is None else self._file.number + 1
        self._file = File(number, clip.start, clip.source.init, base)
        yield PlayResponse(file=FileStarted(number=number, start=timestamp(clip.start), codec=clip.source.codec), position=timestamp(clip.start))
        yield from parts(clip.source.init, clip.start)

    def _fragment(self, clip: Clip) -> bytes:
        if self._file is None:
            raise RuntimeError("a fragment before its file")
        times = self._file.placed(clip)
        return retimed(clip.media, self._file.fragments, times)


def parts(data: bytes, position_ns: int) -> Iterator[PlayResponse]:
    position = timestamp(position_ns)
    for first in range(0, len(data), LARGEST_PART):
        yield PlayResponse(data=data[first:first + LARGEST_PART], position=position)
