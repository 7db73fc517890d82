"""From documents to what a person sees: stretches that add up to the range, and marks on it. Pure."""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from services.recording.days import HOUR_NS, timestamp
from services.recording.entry import CONTIGUOUS, DISCONTINUITY, Entry
from services.recording.gaps import Interruption, Known, Span, Stretch
from services.recording.recorded_camera import open_epochs
from vonglau.documents import Document
from vonglau.recording.v1.service_pb2 import (
    MARK_KIND_CLOCK_OFFSET,
    MARK_KIND_DISCONTINUITY,
    MARK_KIND_DRIFT,
    MARK_KIND_EPOCH,
    MARK_KIND_STREAM_CHANGED,
    Mark,
    MarkKind,
    Timeline,
)
from vonglau.recording.v1.service_pb2 import Stretch as StretchMessage

DRIFT_SHOWN_NS = 40_000_000  # a step of a frame at 25 per second; smaller ones stand with the segment only
OFFSET_SHOWN_NS = 200_000_000  # to this the offset of a camera's clock is known


def entries_of(hours: Iterable[Document]) -> list[Entry]:
    """Each segment once, in the order of epoch and number."""
    rows: dict[str, list[Any]] = {}
    for hour in hours:
        rows.update(hour["segments"])
    return [Entry._make(row) for row in sorted(rows.values())]


def spans_of(entries: Iterable[Entry], hours: Iterable[Document]) -> list[Span]:
    """Runs of segments without a missing packet are one span: a day of them is derived in a fraction of the time. Entries come sorted."""
    runs: list[Span] = []
    epoch = number = start = -1
    for entry in entries:
        contiguous = entry.flags & CONTIGUOUS > 0
        if contiguous and entry.epoch == epoch and entry.number == number + 1 and entry.start > start:
            runs[-1] = Span(runs[-1].start, max(runs[-1].end, entry.end), epoch, runs[-1].first, entry.number, runs[-1].contiguous)
        else:
            runs.append(Span(entry.start, entry.end, entry.epoch, entry.number, entry.number, contiguous))
        epoch, number, start = entry.epoch, entry.number, entry.start
    deleted = {tuple(run) for hour in hours for run in hour["deleted"]}
    return runs + [Span(begin, end, epoch, first, last, contiguous, deleted=True) for epoch, first, last, begin, end, contiguous in deleted]


def interruptions_of(hours: Iterable[Document], recorded: Document | None) -> list[Interruption]:
    unended = {name: Interruption(row[1], row[3], row[0], row[2]) for name, row in (recorded or {"unended": {}})["unended"].items()}
    stated = {name: Interruption(row[1], row[2], row[0], row[3]) for hour in hours for name, row in hour["interruptions"].items()}
    known = unended | {name: each for name, each in stated.items() if each.ended or name not in unended}
    return list(known.values())


def known_of(
    hours: Sequence[Document], spans: Sequence[Span], recorded: Document | None, camera: Mapping[str, Any] | None, now_ns: int,
) -> Known:
    """camera: its document of the registry's events; None: as if it had always been meant to record."""
    unknown = [(hour["hour"] * HOUR_NS, (hour["hour"] + 1) * HOUR_NS) for hour in hours if hour.get("unknown")]
    interruptions, still_open = interruptions_of(hours, recorded), open_epochs(recorded) if recorded else frozenset[int]()
    if camera is None:
        return Known(spans, interruptions, open_epochs=still_open, unknown=unknown, now=now_ns)
    meant = [(begun, ended) for begun, ended in camera["meant"]]
    return Known(spans, interruptions, meant, camera["registered"], camera["retired"], still_open, unknown, now_ns)


def marks_of(entries: Sequence[Entry], hours: Sequence[Document], start: int, end: int) -> list[Mark]:
    """Sorted by time. An epoch is marked where it is first seen in what was read."""
    found: list[tuple[int, MarkKind, int, str]] = []
    epoch = 0
    for entry in entries:
        if entry.flags & DISCONTINUITY:
            found.append((entry.start, MARK_KIND_DISCONTINUITY, entry.drift, ""))
        elif abs(entry.drift) >= DRIFT_SHOWN_NS:
            found.append((entry.start, MARK_KIND_DRIFT, entry.drift, ""))
        if entry.epoch != epoch:
            epoch = entry.epoch
            found.append((entry.start, MARK_KIND_EPOCH, 0, str(epoch)))
    for hour in hours:
        for _, at, codec, width, height, has_audio, _ in hour["streams"].values():
            found.append((at, MARK_KIND_STREAM_CHANGED, 0, f"{codec} {width}x{height}{' with audio' if has_audio else ''}"))
    found += clock_marks(row for hour in hours for row in hour["clocks"].values())
    return [Mark(kind=kind, at=timestamp(at), amount_ns=amount, detail=detail) for at, kind, amount, detail in sorted(found) if start <= at < end]


def clock_marks(clocks: Iterable[Sequence[Any]]) -> Iterator[tuple[int, MarkKind, int, str]]:
    """Where the offset is first known, has moved, or passed the limit; it is measured with every segment."""
    shown: tuple[int, bool] | None = None
    for at, offset, beyond in sorted((row[1], row[2], row[3]) for row in clocks):
        if shown is None or abs(offset - shown[0]) >= OFFSET_SHOWN_NS or beyond != shown[1]:
            shown = (offset, beyond)
            yield at, MARK_KIND_CLOCK_OFFSET, offset, "beyond the limit" if beyond else ""


def message(stretches: Iterable[Stretch], marks: Iterable[Mark], newest_ns: int, spool_reachable: bool) -> Timeline:
    shown = (
        StretchMessage(kind=each.kind, start=timestamp(each.start), end=timestamp(each.end), cause=each.cause, detail=each.detail)  # type: ignore[arg-type]
        for each in stretches
    )
    return Timeline(stretches=shown, marks=marks, newest=timestamp(newest_ns) if newest_ns else None, spool_reachable=spool_reachable)
