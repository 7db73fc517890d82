"""One document per camera and UTC hour: what was recorded in it, what interrupted it, what changed, what was deleted.

    {_id: <camera>/<yyyy-mm-ddThh>, camera, hour, live_hour,
     segments: {<epoch>-<number>: entry}, deleted: [[epoch, first, last, start, end, contiguous]], gone: [[epoch, first, last]],
     interruptions: {<epoch>-<begun>: [cause, begun, ended, detail, owner, epoch, closes]}, streams: {<epoch>-<at>: [...]}, clocks: {<epoch>-<at>: [...]}}

Whatever lasts longer than its hour stands in each hour that it touches. The same facts in any order, any number of times, give the same document.
"""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from google.protobuf.message import Message

from services.recording.days import HOUR_NS, day_of, hour_name, hour_of_name, hours_between, hours_of_bits
from services.recording.entry import CONTIGUOUS, Entry, Stored, listed, name_of
from vonglau.documents import Document, Index
from vonglau.errors import Poison
from vonglau.eventlog import Recorded
from vonglau.footage import footage_bucket, is_bucket
from vonglau.ingest.v1.events_pb2 import ClockMeasured, InterruptionObserved, SegmentRecorded, StreamChanged
from vonglau.media.segment import segment_key
from vonglau.recording.v1.events_pb2 import DeletionIntended

STORED = "vl-stored"  # header that the reading side adds to a segment fact: what the footage store says of its object
FLAGS = Entry._fields.index("flags")
LONGEST_SEGMENT_NS = HOUR_NS
LONGEST_INTERRUPTION_NS = 400 * 24 * HOUR_NS


def hour_id(camera: str, hour: int) -> str:
    return f"{camera}/{hour_name(hour)}"


class CameraHours:
    collection = "camera_hours"
    indexes = (Index(("camera", "live_hour")),)

    def touches(self, event: Recorded) -> Iterable[str]:
        message: Any = event.message()
        return [hour_id(message.camera, hour) for hour in hours_touched(message)]

    def evolve(self, document: Document | None, event: Recorded, id: str) -> Document:  # noqa: A002 - the word of the domain
        return evolved(document, event.message(), id, Stored(int(event.headers.get(STORED, Stored.AS_STATED))))


def hours_touched(message: Message) -> Iterable[int]:
    """Raises: Poison (SEGMENT_IMPOSSIBLE, INTERRUPTION_IMPOSSIBLE)."""
    match message:
        case SegmentRecorded():
            must_be_possible(message)
            return hours_between(message.start_ns, message.end_ns)
        case InterruptionObserved():
            if message.ended_ns and not 0 <= message.ended_ns - message.begun_ns <= LONGEST_INTERRUPTION_NS:
                raise Poison("INTERRUPTION_IMPOSSIBLE", f"{message.camera} from {message.begun_ns} to {message.ended_ns}")
            return hours_between(message.begun_ns, message.ended_ns)
        case StreamChanged() | ClockMeasured():
            return hours_between(message.at_ns, message.at_ns)
        case DeletionIntended():
            hours = hours_of_bits(day_of(message.day), message.hours)
            return sorted({*hours, *(hour + 1 for hour in hours)})  # a segment's end may reach into the next hour
        case _:
            return ()


def must_be_possible(segment: SegmentRecorded) -> None:
    if not 0 <= segment.end_ns - segment.start_ns <= LONGEST_SEGMENT_NS:
        raise Poison("SEGMENT_IMPOSSIBLE", f"{segment.camera} {segment.epoch}-{segment.number} from {segment.start_ns} to {segment.end_ns}")
    if segment.key != segment_key(segment.camera, segment.start_ns, segment.epoch, segment.number):
        raise Poison("SEGMENT_IMPOSSIBLE", f"{segment.key!r} is not the key of {segment.camera} {segment.epoch}-{segment.number}")
    if not is_bucket(footage_bucket(segment.owner)):
        raise Poison("SEGMENT_IMPOSSIBLE", f"{segment.owner!r} is no owner's name")


def evolved(document: Document | None, message: Message, name: str, stored: Stored = Stored.AS_STATED) -> Document:
    hour = document or empty(name)
    match message:
        case SegmentRecorded():
            add_segment(hour, message, stored)
        case InterruptionObserved():
            add_interruption(hour["interruptions"], message)
        case StreamChanged():
            picture = [message.codec, message.width_px, message.height_px, message.has_audio]
            hour["streams"].setdefault(f"{message.epoch}-{message.at_ns}", [message.epoch, message.at_ns, *picture, message.owner])
        case ClockMeasured():
            row = [message.epoch, message.at_ns, message.offset_ns, message.beyond_limit, message.owner]
            hour["clocks"].setdefault(f"{message.epoch}-{message.at_ns}", row)
        case DeletionIntended():
            forget(hour, [[each.epoch, each.first, each.last] for each in message.numbers])
    return hour


def empty(name: str) -> Document:
    camera, _, hour = name.partition("/")
    tables: dict[str, Any] = {"segments": {}, "deleted": [], "gone": [], "interruptions": {}, "streams": {}, "clocks": {}}
    return {"_id": name, "camera": camera, "hour": hour_of_name(hour), "live_hour": None, **tables}


def add_segment(hour: Document, segment: SegmentRecorded, stored: Stored) -> None:
    """The first fact of a segment counts; a later one may only say that it closed its epoch."""
    name = name_of(segment.epoch, segment.number)
    row = listed(segment, stored)
    if any(epoch == segment.epoch and first <= segment.number <= last for epoch, first, last in hour["gone"]):
        add_deleted(hour, Entry(*row))
        return
    present = hour["segments"].setdefault(name, row)
    present[FLAGS] |= row[FLAGS]
    hour["live_hour"] = hour["hour"]



def add_interruption(interruptions: dict[str, list[Any]], message: InterruptionObserved) -> None:
    """An end, once known, stays, and so does the closing of epochs, whichever of its facts said it."""
    name = f"{message.epoch}-{message.begun_ns}"
    present = interruptions.get(name)
    closes = max(message.closes_epoch, present[6] if present else 0)
    if present is None or message.ended_ns > present[2]:
        present = [message.cause, message.begun_ns, message.ended_ns, message.detail, message.owner, message.epoch, closes]
    interruptions[name] = [*present[:6], closes]


def forget(hour: Document, numbers: list[list[int]]) -> None:
    """Deleted segments leave only the spans that they covered."""
    hour["gone"] = sorted([*hour["gone"], *(each for each in numbers if each not in hour["gone"])])
    for name, row in list(hour["segments"].items()):
        entry = Entry(*row)
        if any(epoch == entry.epoch and first <= entry.number <= last for epoch, first, last in numbers):
            del hour["segments"][name]
            add_deleted(hour, entry)
    hour["live_hour"] = hour["hour"] if hour["segments"] else None


def add_deleted(hour: Document, entry: Entry) -> None:
    """Runs of numbers without a missing packet between them become one row."""
    runs: list[list[Any]] = hour["deleted"]
    if any(run[0] == entry.epoch and run[1] <= entry.number <= run[2] for run in runs):
        return
    runs.append([entry.epoch, entry.number, entry.number, entry.start, entry.end, entry.has(CONTIGUOUS)])
    runs.sort()
    joined = runs[:1]
    for run in runs[1:]:
        before = joined[-1]
        if run[5] and run[0] == before[0] and run[1] == before[2] + 1:
            before[2], before[4] = run[2], run[4]
        else:
            joined.append(run)
    hour["deleted"] = joined
