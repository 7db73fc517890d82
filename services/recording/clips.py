"""Fragments of recorded objects and of the spool, each with its place in time. Whole `moof` + `mdat` pairs; nothing is decoded."""
from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from functools import lru_cache

from services.recording.random_access import KeyFrame, key_frames, read_range
from vonglau.footage import Footage
from vonglau.media.errors import DamagedMedia
from vonglau.media.fragments import Fragment, TrackRun, fragments, init_length
from vonglau.media.init import Track, read_init
from vonglau.media.ticks import to_ns, to_ticks


@dataclass(frozen=True, slots=True)
class Source:
    """Where a clip comes from."""

    epoch: int
    number: int
    codec: str
    init: bytes


@dataclass(frozen=True, slots=True)
class Clip:
    source: Source
    media: bytes
    start: int  # ns, UTC
    end: int  # ns
    keyframe: bool
    runs: tuple[TrackRun, ...]


@lru_cache(maxsize=64)
def tracks_of(init: bytes) -> dict[int, Track]:
    """Raises: DamagedMedia."""
    return {track.track: track for track in read_init(init)}


def clip(source: Source, fragment: Fragment, media: bytes) -> Clip:
    """Its time is that of the first track, the video."""
    run = fragment.tracks[0]
    rate = tracks_of(source.init)[run.track].timescale
    return Clip(source, media, to_ns(run.tfdt, rate), to_ns(run.tfdt + run.duration, rate), fragment.keyframe, fragment.tracks)


async def stored_clips(footage: Footage, bucket: str, key: str, size: int, name: tuple[int, int, str], from_ns: int, to_ns_: int) -> AsyncIterator[Clip]:
    """From the last key frame at or before from_ns up to to_ns_, by the index at the object's end; all from the start where it has none.

    name: epoch, number, codec. Raises: NotFound, DamagedMedia.
    """
    frames = await key_frames(footage, bucket, key, size) if size else []
    if not frames:
        async for each in sequential(footage.read(bucket, key), name):
            yield each
        return
    init = await read_range(footage, bucket, key, 0, frames[0].offset)
    source = Source(*name, init[:init_length(init)])
    rate = next(iter(tracks_of(source.init).values())).timescale
    first, last = covering(frames, to_ticks(from_ns, rate), to_ticks(to_ns_, rate), size)
    async for fragment, media in pairs(footage.read(bucket, key, first, last - first)):
        yield clip(source, fragment, media)


def covering(frames: list[KeyFrame], first_tick: int, last_tick: int, size: int) -> tuple[int, int]:
    """(offset to begin at, offset to stop before)"""
    begin = max((frame.offset for frame in frames if frame.time <= first_tick), default=frames[0].offset)
    end = min((frame.offset for frame in frames if frame.time > last_tick), default=size)
    return begin, max(begin, end)


async def sequential(chunks: AsyncGenerator[bytes, None], name: tuple[int, int, str]) -> AsyncIterator[Clip]:
    """Every clip of an object that is read from its first byte."""
    head = b""
    async for chunk in chunks:
        head += chunk
        try:
            length = init_length(head)
        except DamagedMedia:  # not whole yet
            continue
        source = Source(*name, head[:length])
        async for fragment, media in pairs(chunks, head[length:]):
            yield clip(source, fragment, media)


async def pairs(chunks: AsyncGenerator[bytes, None], head: bytes = b"") -> AsyncIterator[tuple[Fragment, bytes]]:
    """Whole pairs in order; one pair is in memory at a time. What is cut at the end is left out."""
    buffer = head
    async for chunk in with_first(b"", chunks):
        buffer += chunk
        taken = 0
        for fragment in fragments(buffer):
            taken = fragment.offset + fragment.size
            yield fragment, buffer[fragment.offset:taken]
        buffer = buffer[taken:]


async def with_first(first: bytes, chunks: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in chunks:
        yield chunk
