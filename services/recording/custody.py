"""The custody of a camera's footage: what was meant to be deleted and what is deleted, es.recording.custody.<camera>."""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from services.recording.days import day_of
from vonglau.errors import Refused
from vonglau.eventlog import AggregateStream, Fold, aggregate_stream
from vonglau.recording.v1.events_pb2 import DeletionConfirmed, DeletionIntended

Event = DeletionIntended | DeletionConfirmed
OwnerDay = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Custody:
    intended: Mapping[OwnerDay, DeletionIntended] = field(default_factory=dict)  # and not confirmed yet
    confirmed: Mapping[OwnerDay, frozenset[bytes]] = field(default_factory=dict)  # digests of the intents
    deleted_hours: Mapping[OwnerDay, int] = field(default_factory=dict)  # bit h: hour h of the day


def custody_stream(camera: str) -> AggregateStream:
    return aggregate_stream("recording", "custody", camera)


def evolve(custody: Custody | None, event: Event) -> Custody:
    known = custody or Custody()
    day = (event.owner, day_of(event.day))
    match event:
        case DeletionIntended():
            return replace(known, intended={**known.intended, day: event})
        case DeletionConfirmed():
            open_intents = {each: intent for each, intent in known.intended.items() if each != day}
            digests = known.confirmed.get(day, frozenset()) | {event.digest}
            hours = known.deleted_hours.get(day, 0) | event.hours
            return Custody(open_intents, {**known.confirmed, day: digests}, {**known.deleted_hours, day: hours})


CUSTODY = Fold(evolve)


def intend(custody: Custody | None, intent: DeletionIntended) -> Iterable[Event]:
    """The same intent again changes nothing. Segments that came after a deletion are a new intent for their day."""
    known, day = custody or Custody(), (intent.owner, day_of(intent.day))
    present = known.intended.get(day)
    if present is not None and present.digest != intent.digest:
        raise Refused("DELETION_UNDER_WAY", f"another deletion of {intent.camera} on this day is not confirmed yet")
    if present is None and intent.digest not in known.confirmed.get(day, ()):
        yield intent


def confirm(custody: Custody | None, confirmation: DeletionConfirmed) -> Iterable[Event]:
    known, day = custody or Custody(), (confirmation.owner, day_of(confirmation.day))
    present = known.intended.get(day)
    if present is not None and present.digest == confirmation.digest:
        yield confirmation
    elif confirmation.digest not in known.confirmed.get(day, ()):
        raise Refused("DELETION_NOT_INTENDED", f"no deletion of {confirmation.camera} with this digest was intended on this day")
