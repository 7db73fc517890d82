"""Rights as every process sees them follow what happened, once and for all."""
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from services.registry.access_writer import NAME, AccessWriter
from services.registry.camera import CAMERA, camera_stream
from services.registry.owner import OWNER, owner_stream
from vonglau.broker import Broker, KeyValue
from vonglau.clock import SystemClock
from vonglau.documents import Changes, Checkpoint, SqliteDocuments
from vonglau.errors import RetryLater, Unavailable
from vonglau.eventlog import Call, EventLog, HeaderWriter, MemoryStore, Recorded
from vonglau.registry.v1.events_pb2 import (
    CAMERA_CLASS_DEFENCE,
    AdministratorBound,
    AdministratorUnbound,
    CameraChanged,
    CameraDetails,
    CameraRegistered,
    OwnerRegistered,
)

CALL = Call("person:platform")
Details = Callable[..., CameraDetails]


class Written:
    """A log in memory whose events the writer handles; the bucket is real."""

    def __init__(self, kv: KeyValue) -> None:
        self.kv = kv
        self.store = MemoryStore()
        self.log = EventLog(self.store, HeaderWriter("/test", SystemClock()))
        self.writer = AccessWriter(kv, self.log)

    async def happen(self, details: CameraDetails) -> list[Recorded]:
        owner, camera = owner_stream("ward"), camera_stream("cam-1")
        for event in (OwnerRegistered(owner="ward", administrators=["lan"]), AdministratorBound(owner="ward", person="minh")):
            await self.log.decide(owner, OWNER, lambda _, event=event: [event], call=CALL)
        await self.log.decide(camera, CAMERA, lambda _: [CameraRegistered(camera="cam-1", owner="ward", details=details)], call=CALL)
        to_defence = CameraChanged(camera="cam-1", details=CameraDetails(camera_class=CAMERA_CLASS_DEFENCE), changed=FieldMask(paths=["camera_class"]))
        await self.log.decide(camera, CAMERA, lambda _: [to_defence], call=CALL)
        await self.log.decide(owner, OWNER, lambda _: [AdministratorUnbound(owner="ward", person="lan")], call=CALL)
        return self.store.events

    async def values(self) -> dict[str, object]:
        entries = {key: await self.kv.get(key) for key in ("owner.ward", "camera.cam-1")}
        return {key: orjson.loads(entry.value) for key, entry in entries.items() if entry and entry.value}


AFTER = {
    "owner.ward": {"administrators": ["minh"], "version": 5},
    "camera.cam-1": {"owner": "ward", "class": "defence", "version": 4},
}


@pytest.fixture
def written(broker: Broker) -> Written:
    return Written(KeyValue(broker, "access_state"))


@pytest.mark.loopback
async def test_rights_follow_the_events(written: Written, details: Details) -> None:
    for event in await written.happen(details()):
        await written.writer.handle(event)
    assert await written.values() == AFTER


@pytest.mark.loopback
async def test_a_replay_from_the_first_event_changes_nothing(written: Written, details: Details) -> None:
    events = list(await written.happen(details()))
    for event in [*events, *events, events[0], events[2]]:
        await written.writer.handle(event)
    assert await written.values() == AFTER


@pytest.mark.loopback
async def test_a_lost_bucket_is_written_anew_from_the_first_event_on(written: Written, tmp_path: Path) -> None:
    documents = SqliteDocuments(tmp_path / "registry.db")
    await documents.apply(Changes(checkpoint=Checkpoint(NAME, "es_registry", 9, 1, 1)))
    await written.writer.start_over_if_lost(documents)
    assert await documents.checkpoints(NAME) == {}
    await written.kv.put("owner.ward", b"{}")
    await documents.apply(Changes(checkpoint=Checkpoint(NAME, "es_registry", 9, 1, 1)))
    await written.writer.start_over_if_lost(documents)
    assert (await documents.checkpoints(NAME))["es_registry"].sequence == 9
    await documents.close()


async def test_while_the_bucket_is_away_the_event_waits(details: Details) -> None:
    class Away:
        async def update(self, *_: object) -> int:
            raise Unavailable("LOG_UNAVAILABLE", "away")

    written = Written(Away())  # type: ignore[arg-type] # only what is asked of it
    (_, _, registered, *_) = await written.happen(details())
    with pytest.raises(RetryLater):
        await written.writer.handle(registered)
