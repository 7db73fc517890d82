"""The inventory on a real document store, fed with events at times that the tests set."""
from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp

from services.registry.inventory import SCANNED, Inventory, InventoryView
from services.registry.owners import OwnersView
from services.registry.projects import ProjectsView
from vonglau.documents import Changes, SqliteDocuments, Write
from vonglau.eventlog import Recorded
from vonglau.registry.v1 import service_pb2 as pb
from vonglau.registry.v1.events_pb2 import (
    CAMERA_CLASS_TRAFFIC,
    CameraChanged,
    CameraDetails,
    CameraRegistered,
    CameraRetired,
    CameraSuspended,
    OwnerRenamed,
)

Details = Callable[..., CameraDetails]
BEGIN = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Fed:
    """An inventory, and the events that it is fed with."""

    def __init__(self, documents: SqliteDocuments) -> None:
        self.documents = documents
        self.inventory = Inventory(documents)
        self._sequence = 0
        self._state: dict[str, Any] = {}

    async def feed(self, camera: str, event: Any, *, minute: float = 0) -> None:
        self._sequence += 1
        headers = {"ce-type": event.DESCRIPTOR.full_name, "ce-time": (BEGIN + timedelta(minutes=minute)).isoformat()}
        recorded = Recorded("es_registry", self._sequence, f"es.registry.camera.{camera}", headers, event.SerializeToString())
        self._state[camera] = InventoryView().evolve(self._state.get(camera), recorded, camera)

    async def ready(self) -> Inventory:
        await self.documents.prepare("cameras", InventoryView.indexes)
        writes = [Write("cameras", name, document, "es_registry", self._sequence, {}, name) for name, document in self._state.items()]
        await self.documents.apply(Changes(writes))
        return self.inventory


@pytest.fixture
async def fed(tmp_path: Path) -> AsyncIterator[Fed]:
    documents = SqliteDocuments(tmp_path / "registry.db")
    yield Fed(documents)
    await documents.close()


def at(minute: float) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(BEGIN + timedelta(minutes=minute))
    return stamp


async def ids(inventory: Inventory, owners: set[str] | None = None, *, after: str = "", size: int = 100, **asked: Any) -> list[str]:
    cameras, _ = await inventory.list(owners, pb.ListCamerasRequest(**asked), after, size)
    return [camera.camera for camera in cameras]


def registered(details: CameraDetails, owner: str = "ward") -> CameraRegistered:
    return CameraRegistered(camera="x", owner=owner, details=details, credential="camera.x.1")


async def test_only_the_owners_that_may_be_seen_are_listed(fed: Fed, details: Details) -> None:
    await fed.feed("cam-1", registered(details(), "ward-a"))
    await fed.feed("cam-2", registered(details(), "ward-b"))
    inventory = await fed.ready()
    assert await ids(inventory, {"ward-a"}) == ["cam-1"]
    assert await ids(inventory, set()) == []
    assert await ids(inventory, None) == ["cam-1", "cam-2"]


async def test_filters_hold_at_the_time_that_is_asked_for(fed: Fed, details: Details) -> None:
    await fed.feed("cam-1", registered(details(display_name="cũ")), minute=0)
    renamed = CameraDetails(display_name="mới", camera_class=CAMERA_CLASS_TRAFFIC)
    await fed.feed("cam-1", CameraChanged(camera="x", details=renamed, changed=FieldMask(paths=["display_name", "camera_class"])), minute=10)
    await fed.feed("cam-1", CameraSuspended(camera="x"), minute=20)
    await fed.feed("cam-1", CameraRetired(camera="x"), minute=30)
    inventory = await fed.ready()
    assert await ids(inventory, search="cu", as_of=at(5)) == ["cam-1"]
    assert await ids(inventory, search="moi", as_of=at(5)) == []
    assert await ids(inventory, search="moi", camera_class=CAMERA_CLASS_TRAFFIC, as_of=at(15)) == ["cam-1"]
    assert await ids(inventory, states=[pb.CAMERA_STATE_SUSPENDED], as_of=at(25)) == ["cam-1"]
    assert await ids(inventory, states=[pb.CAMERA_STATE_SUSPENDED], as_of=at(15)) == []
    assert await ids(inventory, as_of=at(31)) == []
    assert await ids(inventory, as_of=at(-1)) == []
    assert await ids(inventory) == []


async def test_a_past_version_says_when_and_by_what_it_came_about(fed: Fed, details: Details) -> None:
    await fed.feed("cam-1", registered(details()), minute=0)
    await fed.feed("cam-1", CameraSuspended(camera="x"), minute=10)
    await fed.feed("cam-1", CameraRetired(camera="x"), minute=20)
    then = await (await fed.ready()).get("cam-1", at(12))
    assert then is not None
    assert (then.version, then.state, then.create_time, then.update_time) == ("es_registry:2", pb.CAMERA_STATE_SUSPENDED, at(0), at(10))


async def test_order_is_by_sequence_even_where_a_clock_went_back(fed: Fed, details: Details) -> None:
    await fed.feed("cam-1", registered(details()), minute=10)
    await fed.feed("cam-1", CameraSuspended(camera="x"), minute=5)  # written later, by a host that is five minutes behind
    inventory = await fed.ready()
    now, then = await inventory.get("cam-1"), await inventory.get("cam-1", at(10))
    assert now is not None
    assert then is not None
    assert now.state == then.state == pb.CAMERA_STATE_SUSPENDED


async def test_pages_of_the_past_go_on_where_the_one_before_ended(fed: Fed, details: Details) -> None:
    count = SCANNED + 20
    for number in range(count):
        await fed.feed(f"cam-{number:04d}", registered(details(display_name="odd" if number % 2 else "even")))
    inventory = await fed.ready()
    seen: list[str] = []
    after = ""
    while True:
        cameras, after = await inventory.list(None, pb.ListCamerasRequest(search="odd", as_of=at(1)), after, 7)
        seen += [camera.camera for camera in cameras]
        if not after:
            break
    assert seen == [f"cam-{number:04d}" for number in range(count) if number % 2]


async def test_a_version_keeps_only_what_its_event_changed(fed: Fed, details: Details) -> None:
    await fed.feed("cam-1", registered(details()))
    await fed.feed("cam-1", CameraSuspended(camera="x"), minute=1)
    document = await (await fed.ready())._documents.get("cameras", "cam-1")
    assert document is not None
    assert set(document["versions"][1]) == {"at_us", "version", "state"}


def test_each_view_is_touched_by_its_own_aggregate_only() -> None:
    camera, owner, project, claim = (Recorded("es_registry", 1, f"es.registry.{kind}.x-1", {}, b"") for kind in ("camera", "owner", "project", "claim"))
    assert [[list(view.touches(event)) for event in (camera, owner, project, claim)] for view in (InventoryView(), OwnersView(), ProjectsView())] == [
        [["x-1"], [], [], []], [[], ["x-1"], [], []], [[], [], ["x-1"], []],
    ]


def test_an_event_that_has_no_beginning_is_an_error_and_not_a_document() -> None:
    renamed = Recorded("es_registry", 1, "es.registry.owner.x-1", {"ce-type": OwnerRenamed.DESCRIPTOR.full_name}, b"")
    with pytest.raises(AssertionError):
        OwnersView().evolve(None, renamed, "x-1")
