from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from services.registry.camera import Beside, Camera, Event, change, evolve, register, resume, retire, suspend
from services.registry.claim import Claim, claim_stream, unique_values
from services.registry.owner import Owner
from services.registry.project import Project
from vonglau.access import Permit
from vonglau.errors import AlreadyExists, Conflict, Denied, Invalid, NotFound, Refused
from vonglau.eventlog import On
from vonglau.registry.v1.events_pb2 import (
    CAMERA_CLASS_DEFENCE,
    CameraChanged,
    CameraDetails,
    CameraRegistered,
    CameraResumed,
    CameraRetired,
    CameraSuspended,
    Place,
    Pose,
    ProjectDetails,
    ValueClaimed,
    ValueReleased,
)
from vonglau.registry.v1.service_pb2 import (
    CAMERA_STATE_ACTIVE,
    CAMERA_STATE_RETIRED,
    CAMERA_STATE_SUSPENDED,
    ChangeCameraRequest,
    RegisterCameraRequest,
    ResumeCameraRequest,
    RetireCameraRequest,
    SuspendCameraRequest,
)

Details = Callable[..., CameraDetails]

SUSPEND = SuspendCameraRequest(camera="cam-1", reason="maintenance")
RESUME = ResumeCameraRequest(camera="cam-1")
RETIRE = RetireCameraRequest(camera="cam-1", reason="replaced")


def beside(*records: CameraDetails, **more: Any) -> Beside:
    """The owner is there, and every claim that decisions on these records ask for is read and free."""
    free: dict[Any, Any] = {value: None for record in records for value in unique_values(record)}
    return replace(Beside(Owner("Phường Hoàn Kiếm"), {}, free), **more)


def own(events: Iterable[Event | On]) -> list[Event]:
    return [event for event in events if not isinstance(event, On)]


def changed(*paths: str, **values: Any) -> ChangeCameraRequest:
    return ChangeCameraRequest(camera="cam-1", details=CameraDetails(**values), update_mask=FieldMask(paths=paths))


def test_a_camera_is_registered_together_with_its_claims(details: Details, permit: Permit) -> None:
    record = details(serial_number="SN-1")
    camera, *claims = register(None, beside(record), RegisterCameraRequest(camera="cam-1", owner="ward-hoan-kiem", details=record), permit, "camera.cam-1.a")
    assert camera == CameraRegistered(camera="cam-1", owner="ward-hoan-kiem", details=record, credential="camera.cam-1.a")
    assert {(claim.stream, claim.event.value) for claim in claims if isinstance(claim, On) and isinstance(claim.event, ValueClaimed)} == {
        (claim_stream(value), value.text) for value in unique_values(record)
    }


def test_a_camera_needs_an_owner(details: Details, permit: Permit) -> None:
    with pytest.raises(NotFound) as refusal:
        list(register(None, beside(details(), owner=None), RegisterCameraRequest(camera="cam-1", owner="ward-ba-dinh", details=details()), permit))
    assert refusal.value.reason == "OWNER_NOT_FOUND"


def test_permission_is_decided_before_existence(details: Details, permit: Permit) -> None:
    with pytest.raises(Denied):
        list(register(None, beside(details(), owner=None), RegisterCameraRequest(camera="cam-1", owner="police", details=details()), permit))


def test_a_camera_id_is_registered_once(registered: Camera, details: Details, permit: Permit) -> None:
    with pytest.raises(AlreadyExists) as refusal:
        list(register(registered, beside(details()), RegisterCameraRequest(camera="cam-1", owner="ward-hoan-kiem", details=details()), permit))
    assert refusal.value.reason == "CAMERA_ID_TAKEN"


def test_an_incomplete_record_is_refused(details: Details, permit: Permit) -> None:
    record = details(camera_class=CAMERA_CLASS_DEFENCE)
    with pytest.raises(Invalid) as refusal:
        list(register(None, beside(record), RegisterCameraRequest(camera="cam-1", owner="ward-hoan-kiem", details=record), permit))
    assert refusal.value.reason == "FIELD_MISSING"


@pytest.mark.parametrize("found", [None, Project("ward-ba-dinh", ProjectDetails())])
def test_a_project_of_another_owner_is_answered_like_none(found: Project | None, details: Details, permit: Permit) -> None:
    record = details(project="phase-1")
    request = RegisterCameraRequest(camera="cam-1", owner="ward-hoan-kiem", details=record)
    with pytest.raises(Refused) as refusal:
        list(register(None, beside(record, projects={"phase-1": found}), request, permit))
    assert (refusal.value.reason, str(refusal.value)) == ("PROJECT_UNKNOWN", "the owner has no project 'phase-1'")


def test_only_the_named_fields_change(registered: Camera, permit: Permit) -> None:
    (event,) = own(change(registered, beside(), changed("display_name", display_name="Hồ Gươm", investor="not named"), permit))
    assert event == CameraChanged(camera="cam-1", details=CameraDetails(display_name="Hồ Gươm"), changed=FieldMask(paths=["display_name"]))
    after = evolve(registered, event)
    assert after.details.display_name == "Hồ Gươm"
    assert after.details.serial_number == "SN-1"


def test_a_part_of_a_field_can_be_changed(registered: Camera, permit: Permit) -> None:
    placed = replace(registered, details=with_place(registered.details))
    (event,) = own(change(placed, beside(), changed("place.address", place=Place(address="Phố Huế")), permit))
    after = evolve(placed, event).details
    assert (after.place.address, after.place.latitude_deg) == ("Phố Huế", 21.03)


def with_place(details: CameraDetails) -> CameraDetails:
    copy = CameraDetails(place=Place(latitude_deg=21.03, longitude_deg=105.85))
    copy.MergeFrom(details)
    return copy


def test_a_star_stands_for_the_whole_record(registered: Camera, details: Details, permit: Permit) -> None:
    record = details(url="rtsp://10.0.0.1/main", display_name="new")
    request = ChangeCameraRequest(camera="cam-1", details=record, update_mask=FieldMask(paths=["*"]))
    (event,) = own(change(registered, beside(record, registered.details), request, permit))
    assert evolve(registered, event).details == record


def test_a_field_can_be_cleared(registered: Camera, permit: Permit) -> None:
    events = list(change(registered, beside(registered.details), changed("serial_number"), permit))
    assert evolve(registered, own(events)[0]).details.serial_number == ""
    assert [event.event for event in events if isinstance(event, On)] == [ValueReleased(camera="cam-1")]


def test_a_mandatory_field_cannot_be_cleared(registered: Camera, permit: Permit) -> None:
    with pytest.raises(Invalid) as refusal:
        list(change(registered, beside(), changed("display_name"), permit))
    assert refusal.value.reason == "FIELD_MISSING"


def test_values_beyond_their_bounds_do_not_come_in_by_a_change(registered: Camera, permit: Permit) -> None:
    with pytest.raises(Invalid) as refusal:
        list(change(registered, beside(), changed("pose", pose=Pose(azimuth_deg=400, field_of_view_deg=1)), permit))
    assert refusal.value.reason == "VALUE_OUT_OF_RANGE"


def test_a_new_url_is_taken_and_the_old_one_released(registered: Camera, details: Details, permit: Permit) -> None:
    moved = details(url="rtsp://10.0.0.2/main")
    request = ChangeCameraRequest(camera="cam-1", details=moved, update_mask=FieldMask(paths=["streams"]))
    claims = [event.event for event in change(registered, beside(moved, registered.details), request, permit) if isinstance(event, On)]
    assert [type(claim) for claim in sorted(claims, key=lambda claim: claim.DESCRIPTOR.name)] == [ValueClaimed, ValueReleased]


def test_the_url_of_another_camera_is_refused(registered: Camera, details: Details, permit: Permit) -> None:
    moved = details(url="rtsp://10.0.0.2/main")
    held: Any = {value: Claim(value, "cam-2") for value in unique_values(moved)}
    request = ChangeCameraRequest(camera="cam-1", details=moved, update_mask=FieldMask(paths=["streams"]))
    with pytest.raises(AlreadyExists) as refusal:
        list(change(registered, beside(claims={**beside(registered.details).claims, **held}), request, permit))
    assert refusal.value.reason == "STREAM_URL_TAKEN"


def test_a_new_credential_is_named_by_its_reference(registered: Camera, permit: Permit) -> None:
    (event,) = own(change(registered, beside(), changed(), permit, "camera.cam-1.b"))
    assert event == CameraChanged(camera="cam-1", details=CameraDetails(), changed=FieldMask(paths=["credential"]), credential="camera.cam-1.b")
    assert evolve(registered, event).credential == "camera.cam-1.b"


def test_a_change_of_other_fields_keeps_the_credential(registered: Camera, permit: Permit) -> None:
    (event,) = own(change(registered, beside(), changed("investor", investor="x"), permit))
    assert evolve(registered, event).credential == "camera.cam-1.a"


def test_a_change_to_what_already_is_is_no_event(registered: Camera, permit: Permit) -> None:
    assert list(change(registered, beside(), changed("serial_number", serial_number="SN-1"), permit)) == []


def test_a_camera_that_moved_on_is_not_changed_by_its_old_etag(registered: Camera, permit: Permit) -> None:
    seen = replace(registered, state=CAMERA_STATE_SUSPENDED)
    with pytest.raises(Conflict) as refusal:
        list(change(registered, beside(), changed("investor", investor="x"), permit, seen=seen))
    assert refusal.value.reason == "ETAG_MISMATCH"


def test_suspending_twice_is_one_event(registered: Camera, permit: Permit) -> None:
    (event,) = suspend(registered, SUSPEND, permit)
    assert event == CameraSuspended(camera="cam-1", reason="maintenance")
    suspended = evolve(registered, event)
    assert suspended.state == CAMERA_STATE_SUSPENDED
    assert list(suspend(suspended, SUSPEND, permit)) == []


def test_a_suspended_camera_is_resumed_once(registered: Camera, permit: Permit) -> None:
    assert list(resume(registered, RESUME, permit)) == []
    suspended = replace(registered, state=CAMERA_STATE_SUSPENDED)
    (event,) = resume(suspended, RESUME, permit)
    assert event == CameraResumed(camera="cam-1")
    assert evolve(suspended, event).state == CAMERA_STATE_ACTIVE


def test_retiring_releases_every_claim_and_happens_once(registered: Camera, permit: Permit) -> None:
    event, *claims = retire(registered, beside(registered.details), RETIRE, permit)
    assert event == CameraRetired(camera="cam-1", reason="replaced")
    assert {(claim.stream, type(claim.event)) for claim in claims if isinstance(claim, On)} == {
        (claim_stream(value), ValueReleased) for value in unique_values(registered.details)
    }
    assert list(retire(evolve(registered, own([event])[0]), beside(), RETIRE, permit)) == []


def test_a_retired_camera_stays_as_it_was(registered: Camera, permit: Permit) -> None:
    retired = replace(registered, state=CAMERA_STATE_RETIRED)
    for decision in (change(retired, beside(), changed("investor", investor="x"), permit), suspend(retired, SUSPEND, permit), resume(retired, RESUME, permit)):
        with pytest.raises(Refused) as refusal:
            list(decision)
        assert refusal.value.reason == "CAMERA_RETIRED"


def test_a_camera_that_is_not_there_cannot_be_changed(permit: Permit) -> None:
    changing = (change(None, beside(), changed(), permit), retire(None, beside(), RETIRE, permit))
    for decision in (*changing, suspend(None, SUSPEND, permit), resume(None, RESUME, permit)):
        with pytest.raises(NotFound):
            list(decision)


def test_the_permit_must_cover_the_true_owner(registered: Camera, permit: Permit) -> None:
    other = replace(registered, owner="police")  # it moved there after the local copy was read
    changing = (change(other, beside(), changed(), permit), retire(other, beside(), RETIRE, permit))
    for decision in (*changing, suspend(other, SUSPEND, permit), resume(other, RESUME, permit)):
        with pytest.raises(Denied):
            list(decision)
