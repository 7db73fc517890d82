"""Walks the boxes of MP4 bytes (ISO/IEC 14496-12 §4.2). Works on bytes, bytearray, memoryview and mmap; only the headers are touched."""

from collections.abc import Iterator
from dataclasses import dataclass
from mmap import mmap
from struct import unpack_from

from vonglau.media.errors import DamagedMedia

Buffer = bytes | bytearray | memoryview | mmap


@dataclass(frozen=True, slots=True)
class Box:
    kind: bytes
    start: int                                               # of the header, as an index into the buffer
    body: int
    end: int


def boxes(data: Buffer, start: int = 0, end: int | None = None) -> Iterator[Box]:
    """The whole boxes from `start`; ends before the first one that is cut or no box."""
    limit = len(data) if end is None else end
    while limit - start >= 8:
        size, kind = unpack_from(">I4s", data, start)
        body = start + 8
        if size == 1:
            if limit - start < 16:
                return
            (size,) = unpack_from(">Q", data, body)
            body += 8
        if size < body - start or start + size > limit:
            return
        yield Box(kind, start, body, start + size)
        start += size


def child(data: Buffer, parent: Box, *path: bytes, skip: int = 0) -> Box:
    """The first box at `path` under `parent`, whose children begin `skip` bytes into its body. Raises `DamagedMedia` if there is none."""
    found = parent
    for kind in path:
        inside = next((inner for inner in boxes(data, found.body + skip, found.end) if inner.kind == kind), None)
        if inside is None:
            raise DamagedMedia(f"no {kind.decode('latin-1')} in {found.kind.decode('latin-1')}")
        found, skip = inside, 0
    return found


def children(data: Buffer, parent: Box, kind: bytes) -> list[Box]:
    return [inner for inner in boxes(data, parent.body, parent.end) if inner.kind == kind]
