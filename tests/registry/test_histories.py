"""Recorded histories, never edited: today's folds and views must make of them what they made when they were written."""
from __future__ import annotations

import json
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import symbol_database
from google.protobuf.json_format import MessageToDict, ParseDict

from services.registry import camera, claim, owner, project
from services.registry.inventory import InventoryView, shown
from services.registry.owners import OwnersView
from services.registry.owners import shown as shown_owner
from services.registry.projects import ProjectsView
from services.registry.projects import shown as shown_project
from vonglau.eventlog import Recorded
from vonglau.registry.v1.events_pb2 import ClaimKind
from vonglau.registry.v1.service_pb2 import CameraState

HISTORIES = Path(__file__).parent.parent / "histories"


def camera_state(state: camera.Camera) -> dict[str, Any]:
    return {"owner": state.owner, "details": MessageToDict(state.details), "credential": state.credential, "state": CameraState.Name(state.state)}


def owner_state(state: owner.Owner) -> dict[str, Any]:
    return {"display_name": state.display_name, "administrators": sorted(state.administrators)}


def project_state(state: project.Project) -> dict[str, Any]:
    return {"owner": state.owner, "details": MessageToDict(state.details)}


def claim_state(state: claim.Claim) -> dict[str, Any]:
    return {"kind": ClaimKind.Name(state.value.kind), "value": state.value.text, "holder": state.holder}


FOLDS: dict[str, tuple[Callable[..., Any], Callable[..., dict[str, Any]]]] = {
    "camera": (camera.evolve, camera_state),
    "owner": (owner.evolve, owner_state),
    "project": (project.evolve, project_state),
    "claim": (claim.evolve, claim_state),
}
VIEWS: dict[str, tuple[Any, Callable[..., Any]]] = {
    "camera": (InventoryView(), shown), "owner": (OwnersView(), shown_owner), "project": (ProjectsView(), shown_project),
}


def histories() -> list[str]:
    return sorted(path.stem for path in HISTORIES.glob("registry_*.json"))


def read(name: str) -> tuple[str, dict[str, Any], list[Recorded]]:
    """Kind of the aggregate, the history, and its events as they would stand in the log."""
    history = json.loads((HISTORIES / f"{name}.json").read_text(encoding="utf-8"))
    subject = history["aggregate"]
    events = []
    for event in history["events"]:
        body = ParseDict(event["body"], symbol_database.Default().GetSymbol(event["type"])()).SerializeToString()
        headers = {"ce-type": event["type"], "ce-time": event["time"], "vl-position": str(event["position"])}
        events.append(Recorded("es_registry", event["sequence"], subject, headers, body))
    return subject.split(".")[2], history, events


def test_there_is_a_history_of_every_aggregate() -> None:
    assert {read(name)[0] for name in histories()} == FOLDS.keys()


@pytest.mark.parametrize("name", histories())
def test_a_recorded_history_folds_into_the_state_that_it_had(name: str) -> None:
    kind, history, events = read(name)
    evolve, plain = FOLDS[kind]
    assert plain(reduce(evolve, (event.message() for event in events), None)) == history["state"]
    assert [event.headers["vl-position"] for event in events] == [str(number) for number in range(1, len(events) + 1)]


@pytest.mark.parametrize("name", [name for name in histories() if "claim" not in name])
def test_a_recorded_history_makes_the_document_that_it_made(name: str) -> None:
    kind, history, events = read(name)
    view, show = VIEWS[kind]
    document: Any = None
    for event in events:
        (touched,) = view.touches(event)
        document = view.evolve(document, event, touched)
    assert MessageToDict(show({**document, "_id": touched})) == history["shown"]
    assert [version["version"] for version in document.get("versions", [])] == history.get("versions", [])
