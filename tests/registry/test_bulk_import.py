"""Many cameras at once, decided on the log in memory."""
from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from services.registry.bulk_import import BulkImport, Permits
from services.registry.camera import CAMERA, camera_stream
from services.registry.credentials import Credentials
from services.registry.journal import Journal
from services.registry.owner import OWNER, owner_stream
from vonglau.access import Permit, owner_not_visible
from vonglau.clock import SystemClock
from vonglau.errors import Exhausted, Unavailable
from vonglau.eventlog import Call, EventLog, HeaderWriter, MemoryStore, OutcomeUnknown
from vonglau.identity import Caller
from vonglau.registry.v1 import service_pb2 as pb
from vonglau.registry.v1.events_pb2 import (
    CAMERA_CLASS_TRAFFIC,
    STREAM_KIND_MAIN,
    STREAM_KIND_SUB,
    CameraDetails,
    CameraRetired,
    OwnerRegistered,
    StreamProfile,
)
from vonglau.testing.secrets import MemorySecrets

Details = Callable[..., CameraDetails]
CALL = Call("person:lan", "/Import", correlation="run-1")
OWNERS = ("ward-hoan-kiem", "ward-ba-dinh")


class World:
    """A log, a secret store, and imports on them."""

    def __init__(self, store: MemoryStore | None = None) -> None:
        self.store = store or MemoryStore()
        self.secrets = MemorySecrets()
        self.journal = Journal(self.store, HeaderWriter("/test", SystemClock()))

    async def ready(self) -> World:
        for owner in OWNERS:
            await self.journal.log.decide(owner_stream(owner), OWNER, lambda _, owner=owner: [OwnerRegistered(owner=owner)], call=CALL)
        return self

    def begin(self, *, rehearse: bool = False, most: int = 1000, run: str = "run-1") -> BulkImport:
        journal, credentials = self.journal, Credentials(self.secrets)
        if rehearse:
            journal, credentials = journal.rehearsal(), credentials.rehearsal()
        return BulkImport(journal, credentials, permits, Call("person:lan", "/Import", correlation=run), most)

    async def run(self, *rows: pb.ImportRow, rehearse: bool = False) -> list[pb.ImportResult]:
        return await self.begin(rehearse=rehearse, run=f"run-{len(self.store.events)}").take(rows)

    async def camera(self, name: str) -> Any:
        return (await self.journal.log.load(camera_stream(name), CAMERA)).state


async def permits(owner: str, with_credential: bool) -> Permits:
    if owner not in OWNERS:
        raise owner_not_visible(owner)
    permit = Permit(Caller("person", "lan"), "camera.register", frozenset({owner}), CALL)
    return Permits(permit, permit)


@pytest.fixture
async def world() -> World:
    return await World().ready()


@pytest.fixture
def row(details: Details) -> Callable[..., pb.ImportRow]:
    def build(number: int, owner: str = "ward-hoan-kiem", camera: str = "", credential: pb.Credential | None = None, **more: Any) -> pb.ImportRow:
        record = details(more.pop("url", f"rtsp://10.0.0.{number}/a"), **more)
        return pb.ImportRow(row=number, owner=owner, camera=camera, details=record, credential=credential)

    return build


Build = Callable[..., pb.ImportRow]


def outcomes(results: list[pb.ImportResult]) -> list[str]:
    return [pb.ImportOutcome.Name(result.outcome).removeprefix("IMPORT_OUTCOME_") for result in results]


async def test_new_rows_are_registered_and_the_same_rows_again_change_nothing(world: World, row: Build) -> None:
    rows = [row(number, serial_number=f"SN-{number}") for number in range(1, 6)]
    first = await world.run(*rows)
    written = len(world.store.events)
    second = await world.run(*rows)
    assert (outcomes(first), outcomes(second)) == (["REGISTERED"] * 5, ["UNCHANGED"] * 5)
    assert len(world.store.events) == written
    assert [(result.row, result.camera, result.version) for result in first] == [(result.row, result.camera, result.version) for result in second]


async def test_only_what_a_row_says_and_what_differs_is_changed(world: World, row: Build) -> None:
    (made,) = await world.run(row(1, serial_number="SN-1", investor="Sở Xây dựng"))
    (changed,) = await world.run(row(1, serial_number="SN-1", display_name="Hồ Gươm"))
    camera = await world.camera(made.camera)
    assert outcomes([changed]) == ["CHANGED"]
    assert (camera.details.display_name, camera.details.investor) == ("Hồ Gươm", "Sở Xây dựng")


async def test_a_camera_that_got_another_address_is_found_by_its_serial_number(world: World, row: Build) -> None:
    (made,) = await world.run(row(1, serial_number="SN-1"))
    (moved,) = await world.run(row(1, serial_number=" sn-1", url="rtsp://10.9.9.9/a"))
    assert (outcomes([moved]), moved.camera) == (["CHANGED"], made.camera)
    assert (await world.camera(made.camera)).details.streams[0].url == "rtsp://10.9.9.9/a"


async def test_a_camera_that_was_registered_by_hand_is_found_by_what_it_holds(world: World, row: Build) -> None:
    await world.run(row(1, camera="cam-by-hand", serial_number="SN-1"))
    (by_serial,) = await world.run(row(7, serial_number="SN-1", url="rtsp://10.0.0.1/a"))
    (by_url,) = await world.run(row(8, url="rtsp://10.0.0.1/a"))
    assert [by_serial.camera, by_url.camera] == ["cam-by-hand", "cam-by-hand"]


async def test_a_row_that_names_a_camera_registers_it_under_that_id(world: World, row: Build) -> None:
    (named,) = await world.run(row(1, camera="cam-1"))
    assert (outcomes([named]), named.camera) == (["REGISTERED"], "cam-1")


async def test_bad_rows_are_refused_with_their_reason_and_do_not_hold_up_the_others(world: World, row: Build) -> None:
    results = await world.run(
        row(1),
        row(2, owner="ward-nowhere"),
        row(3, owner="Ward 3"),
        row(4, camera="CAM"),
        row(5, camera_class=CAMERA_CLASS_TRAFFIC),
        pb.ImportRow(row=6, owner="ward-hoan-kiem"),
        row(7, project="phase-1"),
        pb.ImportRow(row=8, owner="ward-hoan-kiem", details=CameraDetails(streams=[StreamProfile(kind=STREAM_KIND_MAIN, url="http://h/")])),
        row(9),
    )
    reasons = ["", "OWNER_NOT_VISIBLE", "ID_MALFORMED", "ID_MALFORMED", "FIELD_MISSING", "ROW_UNNAMED", "PROJECT_UNKNOWN", "STREAM_URL_MALFORMED", ""]
    assert [result.reason for result in results] == reasons
    assert [result.row for result in results] == list(range(1, 10))
    assert all(result.message for result in results if result.reason)


async def test_rows_of_one_import_that_collide_name_the_first(world: World, row: Build) -> None:
    run = world.begin()
    first = await run.take([row(1, camera="cam-1", serial_number="SN-1"), row(2, camera="cam-1")])
    second = await run.take([row(3, serial_number="SN-1"), row(4, url="rtsp://10.0.0.1/a")])
    refused = [first[1], *second]
    assert [result.reason for result in refused] == ["ROW_REPEATED"] * 3
    assert all("row 1 " in result.message for result in refused)


async def test_what_another_owner_holds_is_refused_without_naming_the_camera(world: World, row: Build) -> None:
    (theirs,) = await world.run(row(1, serial_number="SN-1"))
    results = await world.run(row(2, owner="ward-ba-dinh", serial_number="SN-1"), row(3, owner="ward-ba-dinh", url="rtsp://10.0.0.1/a"))
    assert [result.reason for result in results] == ["SERIAL_NUMBER_TAKEN", "STREAM_URL_TAKEN"]
    assert not any(theirs.camera in str(result) for result in results)


async def test_an_id_of_another_owners_camera_is_taken(world: World, row: Build) -> None:
    await world.run(row(1, camera="cam-1"))
    (result,) = await world.run(row(2, owner="ward-ba-dinh", camera="cam-1"))
    assert result.reason == "CAMERA_ID_TAKEN"


async def test_an_import_does_not_bring_a_retired_camera_back(world: World, row: Build) -> None:
    await world.run(row(1, camera="cam-1"))
    await world.journal.log.decide(camera_stream("cam-1"), CAMERA, lambda _: [CameraRetired(camera="cam-1")], call=CALL)
    (result,) = await world.run(row(1, camera="cam-1"))
    assert result.reason == "CAMERA_RETIRED"


async def test_a_device_does_not_take_over_a_camera_that_had_its_serial_number_before(world: World, row: Build) -> None:
    (made,) = await world.run(row(1, serial_number="SN-1"))
    await world.run(row(1, camera=made.camera, serial_number="SN-2"))
    (another,) = await world.run(row(2, serial_number="SN-1"))
    assert another.reason == "CAMERA_ID_TAKEN"
    assert (await world.camera(made.camera)).details.serial_number == "SN-2"


async def test_a_rehearsal_has_the_same_results_and_writes_nothing(world: World, row: Build) -> None:
    await world.run(row(1, camera="cam-1"), row(2, camera="cam-2"))
    credential = pb.Credential(username="u", password="p")  # noqa: S106 - a made-up one
    rows = [row(1, camera="cam-1"), row(2, camera="cam-2", display_name="new"), row(3, credential=credential), row(4, url="rtsp://10.0.0.1/a", camera="cam-4")]
    written = len(world.store.events)
    rehearsed = await world.run(*rows, rehearse=True)
    assert (len(world.store.events), world.secrets.kept) == (written, {})
    real = await world.run(*rows)
    assert outcomes(rehearsed) == outcomes(real) == ["UNCHANGED", "CHANGED", "REGISTERED", "REFUSED"]
    assert [(result.camera, result.reason) for result in rehearsed] == [(result.camera, result.reason) for result in real]


async def test_a_rehearsal_sees_its_own_earlier_batches(world: World, row: Build) -> None:
    run = world.begin(rehearse=True)
    first = await run.take([row(1, camera="cam-1")])
    second = await run.take([row(2, camera="cam-2", url="rtsp://10.0.0.1/b"), row(3, camera="cam-3", serial_number="SN-1")])
    assert outcomes([*first, *second]) == ["REGISTERED"] * 3


async def test_a_credential_is_kept_once_and_its_secret_stays_while_it_is_the_same(world: World, row: Build) -> None:
    before = pb.Credential(username="admin", password="old")  # noqa: S106 - a made-up one
    (made,) = await world.run(row(1, credential=before))
    (again,) = await world.run(row(1, credential=before))
    (reference,) = world.secrets.kept
    assert outcomes([made, again]) == ["REGISTERED", "UNCHANGED"]
    assert (await world.camera(made.camera)).credential == reference
    after = pb.Credential(username="admin", password="new")  # noqa: S106 - a made-up one
    (changed,) = await world.run(row(1, credential=after))
    assert outcomes([changed]) == ["CHANGED"]
    assert list(world.secrets.kept.values()) == [after.SerializeToString(deterministic=True)]
    assert (await world.camera(made.camera)).credential in world.secrets.kept


async def test_while_secrets_cannot_be_kept_the_import_is_told_to_come_again(world: World, row: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(name: str, plaintext: bytes) -> None:
        raise Unavailable("LOG_UNAVAILABLE", "the event log is away")

    monkeypatch.setattr(world.secrets, "put", away)
    credential = pb.Credential(username="admin", password="x")  # noqa: S106 - a made-up one
    written = len(world.store.events)
    with pytest.raises(Unavailable):
        await world.run(*(row(number, credential=credential) for number in range(1, 4)))
    assert len(world.store.events) == written


async def test_the_secret_of_a_refused_row_is_removed(world: World, row: Build) -> None:
    credential = pb.Credential(username="admin", password="x")  # noqa: S106 - a made-up one
    (result,) = await world.run(row(1, camera_class=CAMERA_CLASS_TRAFFIC, credential=credential))
    assert (result.reason, world.secrets.kept) == ("FIELD_MISSING", {})


async def test_a_thousand_claims_are_cut_into_batches_that_the_log_takes(row: Build) -> None:
    sizes: list[int] = []

    class Counting(MemoryStore):
        async def append(self, events: Any) -> list[int]:
            sizes.append(len(events))
            return await super().append(events)

    world = await World(Counting()).ready()
    sizes.clear()

    def streams(host: str, number: int) -> list[StreamProfile]:
        url = f"rtsp://{host}/{number}"
        return [StreamProfile(kind=STREAM_KIND_MAIN, url=url), StreamProfile(kind=STREAM_KIND_SUB, url=f"{url}/sub")]

    rows = [row(n, camera=f"cam-{n}", serial_number=f"A{n}", streams=streams("a", n)) for n in range(250)]
    moved = [row(n, camera=f"cam-{n}", serial_number=f"B{n}", streams=streams("b", n)) for n in range(250)]
    assert Counter(outcomes(await world.begin(run="one").take(rows))) == {"REGISTERED": 250}
    assert Counter(outcomes(await world.begin(run="two").take(moved))) == {"CHANGED": 250}
    assert max(sizes) <= 1000
    assert sum(sizes) == 250 * 4 + 250 * 7


async def test_a_lost_acknowledgement_writes_nothing_twice_and_tells_what_happened(row: Build) -> None:
    class Deaf(MemoryStore):
        deaf = False

        async def append(self, events: Any) -> list[int]:
            sequences = await super().append(events)
            if self.deaf:
                self.deaf = False
                raise OutcomeUnknown
            return sequences

    store = Deaf()
    world = await World(store).ready()
    before, store.deaf = len(store.events), True
    results = await world.run(row(1), row(2))
    assert outcomes(results) == ["REGISTERED", "REGISTERED"]
    assert len(store.events) == before + 4


async def test_a_camera_that_is_changed_between_reading_and_deciding_is_read_again(row: Build, details: Details) -> None:
    class Overtaken(MemoryStore):
        reads = 0

        async def read_many(self, after: Any) -> Any:
            found = await super().read_many(after)
            self.reads += 1
            if self.reads == 1:  # right after the import has looked at the camera
                await other.begin(run="quicker").take([row(9, camera="cam-1", url="rtsp://10.0.0.77/a")])
            return found

    store = MemoryStore()
    other = await World(store).ready()
    await other.run(row(1, camera="cam-1"))
    overtaken = Overtaken()
    overtaken.events = store.events
    (result,) = await World(overtaken).run(row(1, camera="cam-1", url="rtsp://10.0.0.88/a"))
    assert outcomes([result]) == ["CHANGED"]
    log = EventLog(store, HeaderWriter("/test", SystemClock()))
    assert (await log.load(camera_stream("cam-1"), CAMERA)).state.details.streams[0].url == "rtsp://10.0.0.88/a"  # type: ignore[union-attr]


async def test_an_import_has_a_bound(world: World, row: Build) -> None:
    run = world.begin(most=2)
    await run.take([row(1), row(2)])
    with pytest.raises(Exhausted):
        await run.take([row(3)])
