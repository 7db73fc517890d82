"""Reads fragmented MP4 as whole `moof` + `mdat` pairs, and moves a pair on the time line without touching its samples."""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from struct import pack_into, unpack_from

from vonglau.media.boxes import Box, Buffer, boxes, child, children
from vonglau.media.errors import DamagedMedia

_NOT_SYNC = 0x00010000


@dataclass(frozen=True, slots=True)
class TrackRun:
    track: int
    tfdt: int                                                # ticks of the track
    duration: int                                            # ticks of the track
    samples: int
    keyframe: bool                                           # the first sample is a sync sample


@dataclass(frozen=True, slots=True)
class Fragment:
    offset: int                                              # bytes, of the moof
    size: int                                                # bytes of moof + mdat
    sequence: int
    tracks: tuple[TrackRun, ...]

    def track(self, track: int) -> TrackRun | None:
        return next((run for run in self.tracks if run.track == track), None)

    @property
    def keyframe(self) -> bool:
        """Whether the first track (the video) opens on a key frame."""
        return bool(self.tracks) and self.tracks[0].keyframe


def fragments(data: Buffer, base: int = 0) -> Iterator[Fragment]:
    """The whole pairs of `data` in order; `base` is added to offsets, for a range read out of a larger file. What is cut at the end is left out.

    Raises `DamagedMedia` if a whole moof can't be read.
    """
    moof: Box | None = None
    for found in boxes(data):
        if found.kind == b"mdat" and moof is not None and moof.end == found.start:
            yield _read_pair(data, moof, found.end - moof.start, base)
        moof = found if found.kind == b"moof" else None


def whole_length(data: Buffer) -> int:
    """Where the last whole `moof` + `mdat` pair ends, 0 if there is none: what a recovery keeps."""
    return max((fragment.offset + fragment.size for fragment in _readable(data)), default=0)


def init_length(data: Buffer) -> int:
    """Bytes before the first moof. Raises `DamagedMedia` if no moov is there."""
    moov = next((found for found in boxes(data) if found.kind == b"moov"), None)
    if moov is None:
        raise DamagedMedia("no moov")
    return moov.end


def retimed(fragment: Buffer, sequence: int, tfdt: Mapping[int, int]) -> bytes:
    """The same pair with another sequence number and, for each track in `tfdt`, another decode time. Raises `DamagedMedia` on a track that isn't named."""
    changed = bytearray(fragment)
    moof = next((found for found in boxes(changed) if found.kind == b"moof"), None)
    if moof is None:
        raise DamagedMedia("no moof")
    pack_into(">I", changed, child(changed, moof, b"mfhd").body + 4, sequence)
    for traf in children(changed, moof, b"traf"):
        (track,) = unpack_from(">I", changed, child(changed, traf, b"tfhd").body + 4)
        if track not in tfdt:
            raise DamagedMedia(f"no time given for track {track}")
        time = child(changed, traf, b"tfdt")
        wide = changed[time.body] == 1
        if not wide and tfdt[track] > 0xFFFFFFFF:
            raise DamagedMedia("the time does not fit a 32-bit tfdt")
        pack_into(">Q" if wide else ">I", changed, time.body + 4, tfdt[track])
    return bytes(changed)


def _readable(data: Buffer) -> Iterator[Fragment]:
    try:
        yield from fragments(data)
    except DamagedMedia:
        return


def _read_pair(data: Buffer, moof: Box, size: int, base: int) -> Fragment:
    try:
        (sequence,) = unpack_from(">I", data, child(data, moof, b"mfhd").body + 4)
        tracks = tuple(_read_traf(data, traf) for traf in children(data, moof, b"traf"))
    except (struct.error, IndexError) as error:
        raise DamagedMedia("a moof ends early") from error
    return Fragment(moof.start + base, size, sequence, tracks)


def _read_traf(data: Buffer, traf: Box) -> TrackRun:
    head = child(data, traf, b"tfhd")
    flags, track = unpack_from(">II", data, head.body)
    defaults = _defaults(data, head.body + 8, flags)
    time = child(data, traf, b"tfdt")
    (tfdt,) = unpack_from(">Q" if data[time.body] == 1 else ">I", data, time.body + 4)
    duration = samples = 0
    first_flags: int | None = None
    for run in children(data, traf, b"trun"):
        run_samples, run_duration, run_flags = _read_trun(data, run, defaults)
        first_flags = run_flags if first_flags is None else first_flags
        duration += run_duration
        samples += run_samples
    return TrackRun(track, tfdt, duration, samples, not (first_flags or 0) & _NOT_SYNC)


def _defaults(data: Buffer, position: int, flags: int) -> tuple[int, int]:
    """(default duration, default sample flags) of a tfhd; `position` is behind its track id."""
    values = {0x8: 0, 0x20: 0}
    for flag, size in ((0x1, 8), (0x2, 4), (0x8, 4), (0x10, 4), (0x20, 4)):
        if flags & flag:
            if flag in values:
                (values[flag],) = unpack_from(">I", data, position)
            position += size
    return values[0x8], values[0x20]


def _read_trun(data: Buffer, run: Box, defaults: tuple[int, int]) -> tuple[int, int, int]:
    """(samples, their duration, flags of the first sample)"""
    flags, samples = unpack_from(">II", data, run.body)
    position = run.body + 8 + (4 if flags & 0x1 else 0)
    first_flags = defaults[1]
    if flags & 0x4:
        (first_flags,) = unpack_from(">I", data, position)
        position += 4
    columns = [flag for flag in (0x100, 0x200, 0x400, 0x800) if flags & flag]
    if position + 4 * len(columns) * samples > run.end:
        raise DamagedMedia("a trun holds fewer samples than it says")
    rows = unpack_from(f">{len(columns) * samples}I", data, position)
    if 0x400 in columns and samples and not flags & 0x4:
        first_flags = rows[columns.index(0x400)]
    duration = sum(rows[0::len(columns)]) if flags & 0x100 else defaults[0] * samples
    return samples, duration, first_flags
