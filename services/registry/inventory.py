"""The inventory: one document per camera with every version of it, so that it can be read as of any time.

Document: owner, camera_class, state, search (what is searched in), record (CameraDetails, serialised, base64), created_us, updated_us
(Unix microseconds), version (`<log>:<sequence>`), and versions: per event at_us, version and the fields that it changed.
"""
from __future__ import annotations

import base64
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, cast

from google.protobuf.timestamp_pb2 import Timestamp

from services.registry import camera as aggregate
from services.registry.searching import searchable
from vonglau.documents import Condition, Document, Documents, Index, cursor
from vonglau.eventlog import Recorded
from vonglau.registry.v1.events_pb2 import CameraDetails
from vonglau.registry.v1.service_pb2 import CAMERA_STATE_RETIRED, Camera, CameraState, ListCamerasRequest

SCANNED = 500  # documents read at once where the answer is sought in their versions


class InventoryView:
    """How events change it."""

    collection = "cameras"
    indexes = (Index(("owner",)), Index(("state",)))

    def touches(self, event: Recorded) -> Iterable[str]:
        if event.subject.startswith("es.registry.camera."):
            yield event.subject.rpartition(".")[2]

    def evolve(self, document: Document | None, event: Recorded, id: str) -> Document:  # noqa: A002 - the view's protocol
        document = document or {"versions": []}
        change = cast(aggregate.Event, event.message())
        after = fields(id, aggregate.evolve(state(document), change))
        at_us = microseconds(event.time)
        changed = {name: value for name, value in after.items() if document.get(name) != value}
        version = {"at_us": at_us, "version": f"{event.log}:{event.sequence}"}
        kept = {"created_us": document.get("created_us", at_us), "updated_us": at_us, "version": version["version"]}
        return {**document, **after, **kept, "versions": [*document["versions"], {**version, **changed}]}


class Inventory:
    """How it is queried."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    async def get(self, camera: str, as_of: Timestamp | None = None) -> Camera | None:
        document = await self._documents.get(InventoryView.collection, camera)
        found = document and (document if as_of is None else at(document, as_of.ToMicroseconds()))
        return shown(found) if found else None

    async def list(self, owners: Collection[str] | None, request: ListCamerasRequest, after: str, size: int) -> tuple[list[Camera], str]:
        """Sorted by id, with the place where the next page begins; empty: there is none. owners: only of these; None: of all."""
        sought = Sought(owners, request)
        cameras: list[Document] = []
        while True:
            limit = SCANNED if sought.as_of_us is not None else size + 1
            found = await self._documents.find(InventoryView.collection, *sought.conditions(), after=after, limit=limit)
            cameras += [then for then in map(sought.then, found) if then is not None]
            if len(cameras) > size or len(found) < limit:
                break
            after = cursor(found[-1])
        return [shown(document) for document in cameras[:size]], cursor(cameras[size - 1]) if len(cameras) > size else ""


class Sought:
    """What a list is asked for: by the store where that is how things stand now, by the versions where it is how they stood."""

    def __init__(self, owners: Collection[str] | None, request: ListCamerasRequest) -> None:
        self.as_of_us = request.as_of.ToMicroseconds() if request.HasField("as_of") else None
        states = [int(each) for each in request.states or CameraState.values() if request.states or each != CAMERA_STATE_RETIRED]
        self._wanted = [Condition("state", "in", states)]
        if owners is not None:
            self._wanted.append(Condition("owner", "in", sorted(owners)))
        if request.camera_class:
            self._wanted.append(Condition("camera_class", "=", int(request.camera_class)))
        if text := searchable(request.search):
            self._wanted.append(Condition("search", "contains", text))

    def conditions(self) -> list[Condition]:
        return self._wanted if self.as_of_us is None else [Condition("created_us", "<=", self.as_of_us)]

    def then(self, document: Document) -> Document | None:
        """The document as it stood at that time, if it is one of those that are sought."""
        if self.as_of_us is None:
            return document
        past = at(document, self.as_of_us)
        return past if past is not None and all(holds(past, condition) for condition in self._wanted) else None


def holds(document: Document, condition: Condition) -> bool:
    value = document[condition.field]
    match condition.op:
        case "in":
            return value in condition.value
        case "contains":
            return condition.value in value
        case _:
            return bool(value == condition.value)


def at(document: Document, at_us: int) -> Document | None:
    """The document as its last version up to then left it. Order is by sequence; a time only decides whether an event had happened."""
    happened = [version for version in document["versions"] if version["at_us"] <= at_us]
    if not happened:
        return None
    past: Document = {"_id": document["_id"], "created_us": document["created_us"]}
    for version in happened:
        past |= version
    return past | {"updated_us": happened[-1]["at_us"]}


def fields(name: str, camera: aggregate.Camera) -> dict[str, Any]:
    details = camera.details
    search = (details.display_name, name, details.serial_number, details.place.address)
    return {
        "owner": camera.owner,
        "state": int(camera.state),
        "camera_class": int(details.camera_class),
        "search": "\n".join(searchable(text) for text in search),
        "record": base64.b64encode(details.SerializeToString(deterministic=True)).decode(),
    }


def state(document: Document) -> aggregate.Camera | None:
    if "record" not in document:
        return None
    return aggregate.Camera(document["owner"], record(document), state=cast(CameraState, document["state"]))


def record(document: Document) -> CameraDetails:
    return CameraDetails.FromString(base64.b64decode(document["record"]))


def shown(document: Document) -> Camera:
    return Camera(
        camera=document["_id"],
        owner=document["owner"],
        details=record(document),
        state=document["state"],
        version=document["version"],
        create_time=timestamp(document["created_us"]),
        update_time=timestamp(document["updated_us"]),
    )


def microseconds(at: datetime) -> int:
    stamp = Timestamp()
    stamp.FromDatetime(at)
    return stamp.ToMicroseconds()


def timestamp(at_us: int) -> Timestamp:
    stamp = Timestamp()
    stamp.FromMicroseconds(at_us)
    return stamp
