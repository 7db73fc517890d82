"""Reads an init segment: which tracks there are, and whether another one's footage can follow in the same player."""

import struct
from dataclasses import dataclass
from struct import unpack_from

from vonglau.media.boxes import Box, Buffer, boxes, child, children
from vonglau.media.errors import DamagedMedia


@dataclass(frozen=True, slots=True)
class Track:
    track: int
    handler: str                                             # vide or soun
    timescale: int                                           # ticks per second
    sample_entry: bytes                                      # the whole box: size, codec and its parameters

    @property
    def codec(self) -> str:
        return self.sample_entry[4:8].decode("latin-1")


def read_init(data: Buffer) -> tuple[Track, ...]:
    """The tracks of an `ftyp` + `moov`, also when fragments follow. Raises `DamagedMedia`."""
    moov = next((found for found in boxes(data) if found.kind == b"moov"), None)
    if moov is None:
        raise DamagedMedia("no moov")
    try:
        return tuple(_read_track(data, trak) for trak in children(data, moov, b"trak"))
    except (struct.error, IndexError) as error:
        raise DamagedMedia("a moov ends early") from error


def same_codecs(one: Buffer, other: Buffer) -> bool:
    """Whether fragments of both init segments can be played behind either of them: the same tracks, rates and codec parameters, byte by byte."""
    return read_init(one) == read_init(other)


def _read_track(data: Buffer, trak: Box) -> Track:
    media = child(data, trak, b"mdia")
    head, media_head = child(data, trak, b"tkhd"), child(data, media, b"mdhd")
    (track,) = unpack_from(">I", data, head.body + (20 if data[head.body] == 1 else 12))
    (timescale,) = unpack_from(">I", data, media_head.body + (20 if data[media_head.body] == 1 else 12))
    handler = child(data, media, b"hdlr").body + 8
    entries = child(data, media, b"minf", b"stbl", b"stsd")
    entry = next(boxes(data, entries.body + 8, entries.end), None)
    if entry is None:
        raise DamagedMedia("a track without sample entry")
    return Track(track, bytes(data[handler:handler + 4]).decode("latin-1"), timescale, bytes(data[entry.start:entry.end]))
