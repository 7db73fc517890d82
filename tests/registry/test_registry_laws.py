"""Laws that hold for every sequence of commands."""
from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial, reduce
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask
from hypothesis import given, settings
from hypothesis import strategies as st

from services.registry import camera
from services.registry.camera import CAMERA, Camera, camera_stream
from services.registry.claim import CLAIM, Value, claim_stream, unique_values
from services.registry.details import normal_details
from services.registry.inventory import InventoryView, shown
from services.registry.owner import OWNER, owner_stream
from services.registry.reading import Reading
from vonglau.access import Permit
from vonglau.clock import SystemClock
from vonglau.errors import VonglauError
from vonglau.eventlog import Call, Command, EventLog, HeaderWriter, MemoryStore, Recorded
from vonglau.identity import Caller
from vonglau.registry.v1 import service_pb2 as pb
from vonglau.registry.v1.events_pb2 import CAMERA_CLASS_NON_TRAFFIC, PURPOSE_SECURITY_ORDER, STREAM_KIND_MAIN, STREAM_KIND_SUB, CameraDetails, OwnerRegistered
from vonglau.registry.v1.events_pb2 import StreamProfile as Stream

CALL = Call("person:lan")
PERMIT = Permit(Caller("person", "lan"), "camera.update", None, CALL)
CAMERAS = ("cam-1", "cam-2", "cam-3")

urls = st.sampled_from(["rtsp://a/1", "rtsp://A:554/1", "rtsp://a/2", "rtsp://b/1", "rtsps://b/1"])
serials = st.sampled_from(["", "s1", " S1", "s2", "s3"])
details = st.builds(
    lambda main, sub, serial: CameraDetails(
        display_name="x",
        camera_class=CAMERA_CLASS_NON_TRAFFIC,
        purposes=[PURPOSE_SECURITY_ORDER],
        serial_number=serial,
        streams=[Stream(kind=STREAM_KIND_MAIN, url=main), *([Stream(kind=STREAM_KIND_SUB, url=sub)] if sub else [])],
    ),
    urls, st.none() | urls, serials,
)
commands = st.lists(st.tuples(st.sampled_from(["register", "change", "suspend", "resume", "retire"]), st.sampled_from(CAMERAS), details), max_size=25)


class Registry:
    """What the servicer does for a camera, without gRPC."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.log = EventLog(self.store, HeaderWriter("/test", SystemClock()))

    async def ready(self) -> Registry:
        await self.log.decide(owner_stream("ward"), OWNER, lambda _: [OwnerRegistered(owner="ward")], call=CALL)
        return self

    async def command(self, what: str, name: str, wanted: CameraDetails) -> Command[Camera]:
        record, _ = normal_details(wanted)
        before = await self.state(name)
        held = before.details if before else CameraDetails()
        match what:
            case "register":
                reading = Reading.between("ward", CameraDetails(), record)
                request: Any = pb.RegisterCameraRequest(camera=name, owner="ward", details=record)
                decide: Callable[..., Iterable[Any]] = partial(camera.register, request=request, permit=PERMIT)
            case "change":
                request = pb.ChangeCameraRequest(camera=name, details=record, update_mask=FieldMask(paths=["streams", "serial_number"]))
                reading = Reading.between("", held, camera.merged(held, request))
                decide = partial(camera.change, request=request, permit=PERMIT)
            case "retire":
                reading = Reading.between("", held, CameraDetails())
                decide = partial(camera.retire, request=pb.RetireCameraRequest(camera=name), permit=PERMIT)
            case "suspend":
                return Command(camera_stream(name), CAMERA, partial(camera.suspend, request=pb.SuspendCameraRequest(camera=name), permit=PERMIT), CALL)
            case _:
                return Command(camera_stream(name), CAMERA, partial(camera.resume, request=pb.ResumeCameraRequest(camera=name), permit=PERMIT), CALL)
        return Command(camera_stream(name), CAMERA, reading.decision(decide), CALL, reading.alongside)

    async def state(self, name: str) -> Camera | None:
        return (await self.log.load(camera_stream(name), CAMERA)).state


async def carried_out(asked: list[tuple[str, str, CameraDetails]], *, at_once: int) -> Registry:
    """The commands in groups: those of a group are read at the same time and decided as one batch."""
    registry = await Registry().ready()
    for start in range(0, len(asked), at_once):
        group = []
        for what, name, record in asked[start : start + at_once]:
            try:
                group.append(await registry.command(what, name, record))
            except VonglauError:
                continue  # not even well-formed
        if group:
            await registry.log.decide_each(group)
    return registry


@settings(max_examples=150)
@given(commands, st.integers(1, 4))
def test_no_two_live_cameras_ever_hold_the_same_value_and_every_claim_names_its_holder(asked: Any, at_once: int) -> None:
    async def check() -> None:
        registry = await carried_out(asked, at_once=at_once)
        held: Counter[Value] = Counter()
        for name in CAMERAS:
            state = await registry.state(name)
            values = unique_values(state.details) if state and state.state != pb.CAMERA_STATE_RETIRED else frozenset()
            held.update(values)
            for value in values:
                claim = (await registry.log.load(claim_stream(value), CLAIM)).state
                assert claim is not None
                assert claim.holder == name
        assert all(count == 1 for count in held.values())
        claims = [event for event in registry.store.events if ".claim." in event.subject]
        states = {event.subject: reduce(CLAIM.evolve, (each.message() for each in claims if each.subject == event.subject), None) for event in claims}
        assert {claim.value for claim in states.values() if claim is not None and claim.holder} == held.keys()

    asyncio.run(check())


@settings(max_examples=60)
@given(commands)
def test_the_kept_state_is_what_a_replay_makes(asked: Any) -> None:
    async def check() -> None:
        registry = await carried_out(asked, at_once=1)
        fresh = EventLog(registry.store, HeaderWriter("/test", SystemClock()), cached=0)
        for name in CAMERAS:
            kept, replayed = await registry.log.load(camera_stream(name), CAMERA), await fresh.load(camera_stream(name), CAMERA)
            assert (kept.state, kept.version) == (replayed.state, replayed.version)

    asyncio.run(check())


@settings(max_examples=60)
@given(commands)
def test_the_inventory_shows_what_the_log_says(asked: Any) -> None:
    async def check() -> None:
        registry = await carried_out(asked, at_once=2)
        documents = inventory_of(registry.store.events)
        for name in CAMERAS:
            history = await registry.log.load(camera_stream(name), CAMERA)
            assert (history.state is None) == (name not in documents)
            if history.state is not None:
                camera_shown = shown({**documents[name], "_id": name})
                assert (camera_shown.details, camera_shown.state) == (history.state.details, history.state.state)
                assert camera_shown.version == str(history.version)

    asyncio.run(check())


def inventory_of(events: list[Recorded]) -> dict[str, Any]:
    view, documents = InventoryView(), dict[str, Any]()
    for event in events:
        for name in view.touches(event):
            documents[name] = view.evolve(documents.get(name), event, name)
    return documents
