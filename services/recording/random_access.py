"""The index at the end of a recorded object (`mfra`, ISO/IEC 14496-12 §8.8.9): where its key frames are."""
from __future__ import annotations

import struct
from struct import unpack_from
from typing import NamedTuple

from vonglau.footage import Footage
from vonglau.media.boxes import boxes, child
from vonglau.media.errors import DamagedMedia

TAIL_BYTES = 4096  # holds the index of about 200 groups of pictures
MFRO_BYTES = 16


class KeyFrame(NamedTuple):
    time: int  # ticks of the video track
    offset: int  # bytes, of the moof


async def key_frames(footage: Footage, bucket: str, key: str, size: int) -> list[KeyFrame]:
    """In order; none where the object has no index, as after a crash. Raises: NotFound."""
    tail = await read_range(footage, bucket, key, max(0, size - TAIL_BYTES), size)
    if len(tail) < MFRO_BYTES or tail[-12:-8] != b"mfro":
        return []
    (length,) = unpack_from(">I", tail, len(tail) - 4)
    if length > len(tail):
        tail = await read_range(footage, bucket, key, max(0, size - length), size)
    try:
        return parsed(tail[-length:])
    except (DamagedMedia, struct.error, IndexError):
        return []


def parsed(mfra: bytes) -> list[KeyFrame]:
    """Raises: DamagedMedia, struct.error."""
    outer = next(boxes(mfra), None)
    if outer is None or outer.kind != b"mfra":
        raise DamagedMedia("no mfra")
    table = child(mfra, outer, b"tfra")
    version, (lengths, count) = mfra[table.body], unpack_from(">II", mfra, table.body + 8)
    head = ">QQ" if version == 1 else ">II"
    step = struct.calcsize(head) + sum((lengths >> shift & 3) + 1 for shift in (4, 2, 0))
    return [KeyFrame(*unpack_from(head, mfra, table.body + 16 + step * each)) for each in range(count)]


async def read_range(footage: Footage, bucket: str, key: str, start: int, end: int) -> bytes:
    return b"".join([chunk async for chunk in footage.read(bucket, key, start, end - start)])
