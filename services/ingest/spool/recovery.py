"""After a process died: what is whole in its files is closed, in its name."""

import hashlib
import mmap
from dataclasses import dataclass, field, replace
from pathlib import Path

from services.ingest.segment import ClosedSegment, SegmentHead, read_sidecar
from vonglau.media.errors import DamagedMedia
from vonglau.media.fmp4 import VIDEO, random_access_index
from vonglau.media.fragments import Fragment, fragments, whole_length
from vonglau.media.ticks import to_ns

_STEP_NS = 200_000_000                                       # two segments that a crash left unclosed belong together when no more lies between


@dataclass(slots=True)
class Recovered:
    segments: list[ClosedSegment] = field(default_factory=list)                   # closed before or now, by camera and start
    unreadable: list[Path] = field(default_factory=list)                          # left as they are: a person has to look


def recover(root: Path) -> Recovered:
    """Reads the whole spool; nothing else may write to it meanwhile. May be repeated: it finds the same."""
    recovered = Recovered()
    for folder in sorted(one for one in root.glob("*") if one.is_dir()):
        found: list[ClosedSegment] = []
        for path in sorted(folder.iterdir()):
            if path.suffix in (".part", ".mp4"):
                try:
                    segment = _of_closed(path) if path.suffix == ".mp4" else None
                    segment = segment or _close(path)
                except (OSError, ValueError):
                    recovered.unreadable.append(path)
                    continue
                if segment is not None:
                    found.append(segment)
            elif not path.with_suffix(".part").exists() and not path.with_suffix(".mp4").exists():
                path.unlink(missing_ok=True)                 # a sidecar whose file never came, or is gone already
        recovered.segments += _chained(sorted(found, key=lambda one: (one.head.epoch, one.head.number)))
    return recovered


def _of_closed(path: Path) -> ClosedSegment | None:
    """None if it is not what its sidecar says, as after a machine's crash."""
    sidecar = read_sidecar(path.with_suffix(".json"), path)
    return sidecar if isinstance(sidecar, ClosedSegment) and path.stat().st_size == sidecar.size else None


def _close(path: Path) -> ClosedSegment | None:
    """Cuts the file behind its last whole pair, and closes it. None if it holds none: then it is gone."""
    sidecar = read_sidecar(path.with_suffix(".json"), path)
    head = sidecar.head if isinstance(sidecar, ClosedSegment) else sidecar
    whole, pairs = _whole(path)
    if not pairs:
        path.unlink()
        path.with_suffix(".json").unlink(missing_ok=True)
        return None
    index = random_access_index([(_video(pair)[0], pair.offset) for pair in pairs if pair.keyframe])
    with path.open("r+b") as file:
        file.truncate(whole)
        file.seek(whole)
        file.write(index)
    first, last = _video(pairs[0]), _video(pairs[-1])
    end_ns = to_ns(last[1])
    final = path.with_suffix(".mp4")
    kept = sidecar if isinstance(sidecar, ClosedSegment) else None
    segment = ClosedSegment(
        head, end_ns, end_ns - to_ns(first[0]), len(pairs), whole + len(index), _digest(path), kept.lost_packets if kept else 0,
        kept.damaged_access_units if kept else 0, recovered=True, path=final,
    )
    return _store(segment, path)


def _store(segment: ClosedSegment, path: Path) -> ClosedSegment:
    fresh = path.with_suffix(".new")
    fresh.write_bytes(segment.to_json())
    fresh.replace(path.with_suffix(".json"))
    path.rename(segment.path)
    return segment


def _whole(path: Path) -> tuple[int, list[Fragment]]:
    if not path.stat().st_size:
        return 0, []
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        whole = whole_length(content)
        found: list[Fragment] = []
        try:
            for fragment in fragments(content):
                found.append(fragment)                       # noqa: PERF402 - those before a damaged one count
        except DamagedMedia:
            pass
    return whole, found


def _video(fragment: Fragment) -> tuple[int, int]:
    """(start, end) in ticks"""
    run = fragment.track(VIDEO)
    if run is None:
        raise DamagedMedia("a fragment without video")
    return run.tfdt, run.tfdt + run.duration


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _chained(segments: list[ClosedSegment]) -> list[ClosedSegment]:
    """A crash may leave two unclosed files of a camera: the older one ends where the newer begins, and the newer names the hash of the older."""
    for index in range(1, len(segments)):
        older, newer = segments[index - 1], segments[index]
        if not newer.recovered and not older.recovered:
            continue
        same_epoch = older.head.epoch == newer.head.epoch and older.head.number + 1 == newer.head.number
        if not same_epoch:
            continue
        if older.recovered and newer.head.contiguous and abs(newer.head.start_ns - older.end_ns) <= _STEP_NS:
            segments[index - 1] = _amend(replace(older, end_ns=newer.head.start_ns))
        head: SegmentHead = replace(newer.head, previous_sha256=older.sha256)
        if newer.recovered and head != newer.head:
            segments[index] = _amend(replace(newer, head=head))
    return segments


def _amend(segment: ClosedSegment) -> ClosedSegment:
    return _store(segment, segment.path)
