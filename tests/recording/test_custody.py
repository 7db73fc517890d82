"""Deletion is intended, then confirmed; never the other way, never twice."""
from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict

from services.recording.custody import Custody, confirm, evolve, intend
from services.recording.days import as_date, day_name, day_of_name
from services.recording.deletion import Deletions, intents_of
from vonglau.errors import Refused
from vonglau.eventlog import Recorded
from vonglau.recording.v1 import service_pb2
from vonglau.recording.v1.events_pb2 import DeletionConfirmed, DeletionIntended

HISTORY = json.loads((Path(__file__).parents[1] / "histories" / "recording_custody.json").read_text())
DAY = day_of_name("2026-01-01")


def intent(digest: bytes = b"a", day: int = DAY, owner: str = "police") -> DeletionIntended:
    return DeletionIntended(camera="cam-1", owner=owner, day=as_date(day), hours=1, digest=digest)


def confirmation(digest: bytes = b"a", day: int = DAY) -> DeletionConfirmed:
    return DeletionConfirmed(camera="cam-1", owner="police", day=as_date(day), hours=1, digest=digest)


def after(*events: Any) -> Custody | None:
    custody: Custody | None = None
    for event in events:
        custody = evolve(custody, event)
    return custody


def test_a_deletion_is_intended_once() -> None:
    assert list(intend(None, intent())) == [intent()]
    assert list(intend(after(intent()), intent())) == []


def test_a_deletion_that_was_done_is_not_intended_again() -> None:
    assert list(intend(after(intent(), confirmation()), intent())) == []


def test_later_segments_of_a_day_are_a_deletion_of_their_own() -> None:
    assert list(intend(after(intent(), confirmation()), intent(b"b"))) == [intent(b"b")]


def test_two_deletions_of_a_day_do_not_run_side_by_side() -> None:
    with pytest.raises(Refused, match="not confirmed yet"):
        list(intend(after(intent()), intent(b"b")))


def test_another_day_or_another_owners_part_of_the_day_is_another_deletion() -> None:
    assert list(intend(after(intent()), intent(day=DAY + 1)))
    assert list(intend(after(intent()), intent(owner="ward")))


def test_what_was_never_intended_cannot_be_confirmed() -> None:
    for custody in (None, after(intent(day=DAY + 1)), after(intent(b"b"))):
        with pytest.raises(Refused, match="was intended"):
            list(confirm(custody, confirmation()))


def test_a_deletion_is_confirmed_once() -> None:
    assert list(confirm(after(intent()), confirmation())) == [confirmation()]
    assert list(confirm(after(intent(), confirmation()), confirmation())) == []


def test_the_golden_history_folds_as_it_always_did(recorded: Callable[..., Recorded]) -> None:
    classes = {each.DESCRIPTOR.full_name: each for each in (DeletionIntended, DeletionConfirmed)}
    events = [ParseDict(each["body"], classes[each["type"]]()) for each in HISTORY["events"]]
    custody = after(*events)
    assert custody is not None
    state = HISTORY["state"]
    assert [[owner, day_name(day), each.digest.decode()] for (owner, day), each in custody.intended.items()] == state["intended"]
    assert [[owner, day_name(day), sorted(map(bytes.decode, each))] for (owner, day), each in custody.confirmed.items()] == state["confirmed"]
    assert [[owner, day_name(day), hours] for (owner, day), hours in custody.deleted_hours.items()] == state["deleted_hours"]

    view, documents = Deletions(), dict[str, Any]()
    for sequence, event in enumerate(events, 1):
        told = recorded(event, sequence)
        documents |= {name: view.evolve(documents.get(name), told, name) for name in view.touches(told)}
    shown = {
        name: {"confirmed": each["confirmed"], "archives": each["archives"], "objects": sum(one.objects for one in intents_of(each))}
        for name, each in documents.items()
    }
    assert shown == HISTORY["documents"]


def test_no_rpc_deletes_or_edits_footage() -> None:
    methods = {method.name for method in service_pb2.DESCRIPTOR.services_by_name["Recording"].methods}
    assert methods == {"GetTimeline", "Play", "Verify", "ListSummaries"}
