import contextlib
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from services.ingest.causes import Cause
from services.ingest.segment import ClosedSegment, SegmentEnd, SegmentHead, at_close, head_to_json
from vonglau.media.fmp4 import random_access_index


@dataclass(frozen=True, slots=True)
class SpoolFragment:
    """One `moof` + `mdat`, in pieces. Times are UTC: ns, and ticks of 90 kHz for the index."""

    parts: Sequence[bytes | bytearray]
    size: int                                                # bytes of all parts
    start_ns: int
    end_ns: int
    tfdt: int
    key: bool


class GrowingSegment:
    """A file that is being written, by one thread. `size`, `until_ns` and `fragments` are always those of whole fragments, and may be read by any thread.

    The order of bytes on disk: sidecar, init segment, fragments, index; then the sidecar of the whole, then the name without `.part`. Nothing is fsynced.
    """

    def __init__(self, folder: Path, head: SegmentHead, init: bytes) -> None:
        self.head = head
        self.init = init
        self.path = folder / f"{head.name}.part"
        self.failure: Cause | None = None                    # then nothing more is written; set once by the writer, read by the recorder
        self.size = 0
        self.fragments: list[SpoolFragment] = []             # without their parts
        self._descriptor = -1
        self._hash = hashlib.sha256()

    @property
    def until_ns(self) -> int:
        return self.fragments[-1].end_ns if self.fragments else self.head.start_ns

    def open(self) -> None:
        """Raises OSError."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        _replace(self.path.with_suffix(".json"), head_to_json(self.head))
        self._descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)

    def write(self, fragment: SpoolFragment) -> None:
        """Appends it whole, the init segment in front of the first. Raises OSError; what was written of it is overwritten by the next."""
        parts = fragment.parts if self.fragments else (self.init, *fragment.parts)
        self.size += _write_at(self._descriptor, parts, self.size)
        for part in parts:
            self._hash.update(part)
        self.fragments.append(replace(fragment, parts=()))

    def close(self, end: SegmentEnd) -> ClosedSegment | None:
        """Closes the file under its final name; None if it holds nothing, and then it is gone. Raises OSError, and may be called again."""
        if not self.fragments:
            self.discard()
            return None
        index = self._index()
        written = _write_at(self._descriptor, (index,), self.size)
        os.ftruncate(self._descriptor, self.size + written)
        digest = self._hash.copy()
        digest.update(index)
        final = self.path.with_suffix(".mp4")
        closed = ClosedSegment(
            at_close(self.head, end), end.end_ns, end.media_duration_ns, len(self.fragments), self.size + written, digest.hexdigest(), end.lost_packets,
            end.damaged_access_units, recovered=False, path=final,
        )
        _replace(self.path.with_suffix(".json"), closed.to_json())
        self.path.rename(final)
        self._release()
        return closed

    def discard(self) -> None:
        self._release()
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)
            self.path.with_suffix(".json").unlink(missing_ok=True)

    def _release(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _index(self) -> bytes:
        entries, offset = [], len(self.init)
        for fragment in self.fragments:
            if fragment.key:
                entries.append((fragment.tfdt, offset))
            offset += fragment.size
        return random_access_index(entries)


def _write_at(descriptor: int, parts: Sequence[bytes | bytearray], offset: int) -> int:
    """Bytes written: all of them, or OSError."""
    wanted = sum(map(len, parts))
    written = os.pwritev(descriptor, parts, offset)
    if written < wanted:                                     # a disk that gets full takes the front
        rest = memoryview(b"".join(parts))
        while written < wanted:
            written += os.pwrite(descriptor, rest[written:], offset + written)
    return wanted


def _replace(path: Path, content: bytes) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_bytes(content)
    fresh.replace(path)
