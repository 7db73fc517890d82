"""One document per camera: totals, the newest that is known, its epochs, and interruptions whose end nobody told.

    {_id: <camera>, owner, segments, size_bytes, newest, newest_fact, closed_through, late_days: [day],
     epochs: {<epoch>: {numbers: [[first, last]], closed, seen}}, unended: {<epoch>-<begun>: [cause, begun, detail, resumed, epoch]}}

An epoch is closed by its writer or by whoever uploaded its spool (last_of_epoch), or by an interruption that closes it and all before it.
"""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from google.protobuf.message import Message

from services.recording.days import DAY_NS
from vonglau.documents import Document
from vonglau.eventlog import Recorded
from vonglau.ingest.v1.events_pb2 import InterruptionObserved, SegmentRecorded, StreamChanged
from vonglau.recording.v1.events_pb2 import DeletionIntended

EPOCHS = 64  # kept; what is older counts as closed
UNENDED = 32
LATE_DAYS = 64
LATE_NS = 2 * DAY_NS  # a fact that comes this long after its segment changes a day whose archive is written
NUMBERS = ("segments", "size_bytes", "newest", "newest_fact", "closed_through")


class RecordedCameras:
    collection = "recorded_cameras"
    indexes = ()

    def touches(self, event: Recorded) -> Iterable[str]:
        message = event.message()
        return (message.camera,) if isinstance(message, SegmentRecorded | InterruptionObserved | StreamChanged | DeletionIntended) else ()

    def evolve(self, document: Document | None, event: Recorded, id: str) -> Document:  # noqa: A002 - the word of the domain
        return evolved(document, event.message(), id, int(event.time.timestamp() * 1_000_000_000))


def evolved(document: Document | None, message: Message, camera: str, told_ns: int = 0) -> Document:
    known = document or {"_id": camera, "owner": "", **dict.fromkeys(NUMBERS, 0), "late_days": [], "epochs": {}, "unended": {}}
    match message:
        case SegmentRecorded():
            add_segment(known, message, told_ns)
        case InterruptionObserved():
            add_interruption(known, message)
        case StreamChanged():
            epoch_of(known, message.epoch, message.at_ns)
        case DeletionIntended():
            known["segments"] = max(0, known["segments"] - message.objects)
            known["size_bytes"] = max(0, known["size_bytes"] - message.size_bytes)
    return known


def add_segment(known: Document, segment: SegmentRecorded, told_ns: int) -> None:
    epoch = epoch_of(known, segment.epoch, segment.start_ns)
    epoch["closed"] |= segment.last_of_epoch
    if not add_number(epoch["numbers"], segment.number):
        return
    known["segments"] += 1
    known["size_bytes"] += segment.size_bytes
    if segment.end_ns > known["newest"]:
        known["newest"], known["owner"] = segment.end_ns, segment.owner
    known["newest_fact"] = max(known["newest_fact"], segment.end_ns)
    for row in known["unended"].values():
        if segment.end_ns > row[1]:
            row[3] = min(row[3] or segment.end_ns, max(segment.start_ns, row[1]))
    if told_ns - segment.end_ns > LATE_NS:
        days = {*known["late_days"], segment.start_ns // DAY_NS}
        known["late_days"] = sorted(days)[-LATE_DAYS:]


def add_interruption(known: Document, message: InterruptionObserved) -> None:
    epoch_of(known, message.epoch, message.begun_ns)
    known["closed_through"] = max(known["closed_through"], message.closes_epoch)
    known["owner"] = known["owner"] or message.owner
    known["newest_fact"] = max(known["newest_fact"], message.begun_ns, message.ended_ns)
    name = f"{message.epoch}-{message.begun_ns}"
    if message.ended_ns:
        known["unended"].pop(name, None)
        return
    known["unended"].setdefault(name, [message.cause, message.begun_ns, message.detail, 0, message.epoch])
    if len(known["unended"]) > UNENDED:
        del known["unended"][min(known["unended"], key=lambda each: known["unended"][each][1])]


def open_epochs(known: Document) -> frozenset[int]:
    """Those whose spool may still hold something."""
    return frozenset(int(epoch) for epoch, row in known["epochs"].items() if not row["closed"] and int(epoch) > known["closed_through"])


def epoch_of(known: Document, epoch: int, at_ns: int) -> dict[str, Any]:
    epochs: dict[str, Any] = known["epochs"]
    found: dict[str, Any] = epochs.setdefault(str(epoch), {"numbers": [], "closed": False, "seen": at_ns})
    found["seen"] = min(found["seen"], at_ns)
    if len(epochs) > EPOCHS:
        del epochs[min(epochs, key=lambda each: (not epochs[each]["closed"], int(each)))]
    return found


def add_number(numbers: list[list[int]], number: int) -> bool:
    """Whether it is new. The list stays sorted, disjoint and as short as it can be."""
    if numbers and number == numbers[-1][1] + 1:  # nearly always
        numbers[-1][1] = number
        return True
    if any(first <= number <= last for first, last in numbers):
        return False
    numbers.append([number, number])
    numbers.sort()
    joined = numbers[:1]
    for first, last in numbers[1:]:
        if first == joined[-1][1] + 1:
            joined[-1][1] = last
        else:
            joined.append([first, last])
    numbers[:] = joined
    return True
