"""The RPCs over gRPC, on a real NATS server."""
from __future__ import annotations

import unicodedata
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from vonglau.errors import AlreadyExists, Conflict, Denied, Invalid, NotFound, Refused, Unauthenticated, VonglauError
from vonglau.registry.v1 import service_pb2 as pb
from vonglau.registry.v1.events_pb2 import CAMERA_CLASS_TRAFFIC, CameraDetails, Place, ProjectDetails
from vonglau.rpc import error_of
from vonglau.testing.waiting import eventually

if TYPE_CHECKING:
    from vonglau.registry.v1.service_pb2_grpc import RegistryAsyncStub

pytestmark = pytest.mark.loopback
Details = Callable[..., CameraDetails]


async def refusal(call: Any) -> VonglauError:
    """What the service meant by the error of a call."""
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await call
    return error_of(failed.value)


async def register(stub: RegistryAsyncStub, camera: str, details: CameraDetails, owner: str = "ward-hoan-kiem") -> pb.RegisterCameraResponse:
    return await stub.RegisterCamera(pb.RegisterCameraRequest(camera=camera, owner=owner, details=details))


async def ids(stub: RegistryAsyncStub, **asked: Any) -> list[str]:
    found = await stub.ListCameras(pb.ListCamerasRequest(**asked))
    return [camera.camera for camera in found.cameras]


async def test_what_was_registered_is_read_back(lan: RegistryAsyncStub, details: Details) -> None:
    answer = await register(lan, "cam-1", details(serial_number="SN-1"))
    camera = await lan.GetCamera(pb.GetCameraRequest(camera="cam-1", min_version=answer.version))
    assert (camera.owner, camera.details, camera.state, camera.version) == (
        "ward-hoan-kiem", details(serial_number="SN-1"), pb.CAMERA_STATE_ACTIVE, answer.version,
    )
    assert camera.create_time == camera.update_time


async def test_a_camera_lives_through_change_suspension_and_retirement(lan: RegistryAsyncStub, details: Details) -> None:
    first = await register(lan, "cam-1", details())
    changed = await lan.ChangeCamera(
        pb.ChangeCameraRequest(
            camera="cam-1", details=CameraDetails(display_name=" Hồ Gươm "), update_mask=FieldMask(paths=["display_name"]), etag=first.version
        )
    )
    suspended = await lan.SuspendCamera(pb.SuspendCameraRequest(camera="cam-1", reason="works"))
    again = await lan.SuspendCamera(pb.SuspendCameraRequest(camera="cam-1", reason="works"))
    assert again.version == suspended.version
    camera = await lan.GetCamera(pb.GetCameraRequest(camera="cam-1", min_version=suspended.version))
    assert (camera.details.display_name, camera.state) == ("Hồ Gươm", pb.CAMERA_STATE_SUSPENDED)
    await lan.ResumeCamera(pb.ResumeCameraRequest(camera="cam-1"))
    retired = await lan.RetireCamera(pb.RetireCameraRequest(camera="cam-1", reason="sold"))
    assert await ids(lan, min_version=retired.version) == []
    assert await ids(lan, states=[pb.CAMERA_STATE_RETIRED]) == ["cam-1"]
    assert (await refusal(lan.ResumeCamera(pb.ResumeCameraRequest(camera="cam-1")))).reason == "CAMERA_RETIRED"
    assert changed.version != first.version


async def test_an_old_etag_is_refused(lan: RegistryAsyncStub, details: Details) -> None:
    first = await register(lan, "cam-1", details())
    await lan.SuspendCamera(pb.SuspendCameraRequest(camera="cam-1", reason="works"))
    change = pb.ChangeCameraRequest(camera="cam-1", details=CameraDetails(investor="x"), update_mask=FieldMask(paths=["investor"]), etag=first.version)
    error = await refusal(lan.ChangeCamera(change))
    assert isinstance(error, Conflict)
    assert error.reason == "ETAG_MISMATCH"


async def test_a_repeated_request_is_answered_the_same_and_another_body_is_refused(lan: RegistryAsyncStub, details: Details) -> None:
    request = pb.RegisterCameraRequest(owner="ward-hoan-kiem", details=details("rtsp://u:p@10.0.0.1/a"), request_id=str(uuid.uuid4()))
    first = await lan.RegisterCamera(request)
    assert first == await lan.RegisterCamera(request)
    request.details.investor = "another"
    error = await refusal(lan.RegisterCamera(request))
    assert isinstance(error, Invalid)
    assert error.reason == "REQUEST_ID_REUSED"
    assert await ids(lan, min_version=first.version) == [first.camera]


async def test_two_requests_without_an_id_make_two_cameras(lan: RegistryAsyncStub, details: Details) -> None:
    first = await register(lan, "", details("rtsp://10.0.0.1/a"))
    second = await register(lan, "", details("rtsp://10.0.0.2/a"))
    assert first.camera != second.camera


async def test_a_url_of_another_owners_camera_is_refused_without_naming_it(lan: RegistryAsyncStub, minh: RegistryAsyncStub, details: Details) -> None:
    await register(lan, "cam-secret", details("rtsp://10.0.0.1/a"))
    error = await refusal(register(minh, "cam-2", details("rtsp://10.0.0.1:554/a"), "ward-ba-dinh"))
    assert isinstance(error, AlreadyExists)
    assert error.reason == "STREAM_URL_TAKEN"
    assert "cam-secret" not in f"{error} {error.metadata}"
    await lan.RetireCamera(pb.RetireCameraRequest(camera="cam-secret", reason="given away"))
    assert (await register(minh, "cam-2", details("rtsp://10.0.0.1/a"), "ward-ba-dinh")).camera == "cam-2"


async def test_another_owners_camera_is_answered_like_one_that_is_not_there(lan: RegistryAsyncStub, minh: RegistryAsyncStub, details: Details) -> None:
    answer = await register(lan, "cam-1", details())
    await lan.GetCamera(pb.GetCameraRequest(camera="cam-1", min_version=answer.version))
    for call in (
        lambda camera: minh.GetCamera(pb.GetCameraRequest(camera=camera)),
        lambda camera: minh.SuspendCamera(pb.SuspendCameraRequest(camera=camera, reason="x")),
        lambda camera: minh.ResumeCamera(pb.ResumeCameraRequest(camera=camera)),
        lambda camera: minh.RetireCamera(pb.RetireCameraRequest(camera=camera, reason="x")),
        lambda camera: minh.ChangeCamera(pb.ChangeCameraRequest(camera=camera, update_mask=FieldMask(paths=["investor"]))),
    ):
        theirs, none = await refusal(call("cam-1")), await refusal(call("cam-9"))
        assert isinstance(theirs, Denied)
        assert str(theirs).replace("cam-1", "cam-9") == str(none)
        assert theirs.reason == none.reason
    assert await ids(minh) == []


async def test_another_owner_is_answered_like_one_that_is_not_there(minh: RegistryAsyncStub, details: Details) -> None:
    for call in (
        lambda owner: register(minh, "cam-1", details(), owner),
        lambda owner: minh.ListCameras(pb.ListCamerasRequest(owner=owner)),
        lambda owner: minh.ListProjects(pb.ListProjectsRequest(owner=owner)),
        lambda owner: minh.GetOwner(pb.GetOwnerRequest(owner=owner)),
    ):
        theirs, none = await refusal(call("ward-hoan-kiem")), await refusal(call("ward-nowhere-12"))
        assert isinstance(theirs, Denied)
        assert str(theirs).replace("ward-hoan-kiem", "ward-nowhere-12") == str(none)


async def test_a_platform_administrator_registers_owners_and_sees_no_camera(platform: Any, lan: RegistryAsyncStub, details: Details) -> None:
    answer = await register(lan, "cam-1", details())
    admin = platform.stub("platform")
    assert await ids(admin, min_version=answer.version) == []
    assert isinstance(await refusal(admin.GetCamera(pb.GetCameraRequest(camera="cam-1"))), Denied)
    owners = await admin.ListOwners(pb.ListOwnersRequest())
    assert [owner.owner for owner in owners.owners] == ["ward-ba-dinh", "ward-hoan-kiem"]
    assert isinstance(await refusal(lan.RegisterOwner(pb.RegisterOwnerRequest(owner="mine", display_name="Mine"))), Denied)


async def test_an_owner_lives_through_renaming_and_new_administrators(platform: Any, minh: RegistryAsyncStub) -> None:
    admin = platform.stub("platform")
    await admin.BindAdministrator(pb.BindAdministratorRequest(owner="ward-hoan-kiem", person="minh"))
    renamed = await admin.RenameOwner(pb.RenameOwnerRequest(owner="ward-hoan-kiem", display_name="Phường Cửa Nam"))
    owner = await minh.GetOwner(pb.GetOwnerRequest(owner="ward-hoan-kiem", min_version=renamed.version))
    assert (owner.display_name, list(owner.administrators)) == ("Phường Cửa Nam", ["lan", "minh"])
    await admin.UnbindAdministrator(pb.UnbindAdministratorRequest(owner="ward-hoan-kiem", person="minh"))
    async def is_denied() -> bool:
        try:
            await minh.GetOwner(pb.GetOwnerRequest(owner="ward-hoan-kiem"))
        except grpc.aio.AioRpcError as error:
            return error.code() is grpc.StatusCode.PERMISSION_DENIED
        return False

    await eventually(is_denied)  # each process watches a copy of the rights
    again = pb.RegisterOwnerRequest(owner="ward-hoan-kiem", display_name="x")
    assert (await refusal(admin.RegisterOwner(again))).reason == "OWNER_ID_TAKEN"


async def test_a_camera_rests_on_a_project_of_its_owner(lan: RegistryAsyncStub, minh: RegistryAsyncStub, details: Details) -> None:
    made = await lan.RegisterProject(pb.RegisterProjectRequest(owner="ward-hoan-kiem", details=ProjectDetails(display_name="Giai đoạn 1")))
    await register(lan, "cam-1", details(project=made.project))
    project = await lan.GetProject(pb.GetProjectRequest(project=made.project, min_version=made.version))
    assert (project.owner, project.details.display_name) == ("ward-hoan-kiem", "Giai đoạn 1")
    assert [each.project for each in (await lan.ListProjects(pb.ListProjectsRequest())).projects] == [made.project]
    assert (await minh.ListProjects(pb.ListProjectsRequest())).projects == []
    assert isinstance(await refusal(minh.GetProject(pb.GetProjectRequest(project=made.project))), NotFound)
    error = await refusal(register(minh, "cam-2", details("rtsp://10.0.0.2/a", project=made.project), "ward-ba-dinh"))
    assert isinstance(error, Refused)
    assert error.reason == "PROJECT_UNKNOWN"


async def test_names_are_found_with_and_without_marks(lan: RegistryAsyncStub, details: Details) -> None:
    await register(lan, "cam-1", details("rtsp://10.0.0.1/a", display_name="Hồ Hoàn Kiếm"))
    await register(lan, "cam-2", details("rtsp://10.0.0.2/a", display_name="Cửa Nam", place=Place(address="Đường Hoàn Kiếm")))
    last = await register(lan, "cam-3", details("rtsp://10.0.0.3/a", display_name="Ba Đình", serial_number="KIEM-3"))
    written = ["Hoàn Kiếm", unicodedata.normalize("NFD", "Hoàn Kiếm"), "hoan kiem"]
    assert [await ids(lan, search=text, min_version=last.version) for text in written] == [["cam-1", "cam-2"]] * 3
    assert await ids(lan, search="duong") == ["cam-2"]
    assert await ids(lan, search="đình") == ["cam-3"]
    assert await ids(lan, search="kiem-3") == ["cam-3"]
    assert await ids(lan, search="CAM-2") == ["cam-2"]


async def test_lists_are_filtered_and_paged(lan: RegistryAsyncStub, details: Details) -> None:
    for number in range(5):
        await register(lan, f"cam-{number}", details(f"rtsp://10.0.0.{number}/a"))
    suspended = await lan.SuspendCamera(pb.SuspendCameraRequest(camera="cam-3", reason="works"))
    assert await ids(lan, states=[pb.CAMERA_STATE_SUSPENDED], min_version=suspended.version) == ["cam-3"]
    assert await ids(lan, camera_class=CAMERA_CLASS_TRAFFIC) == []
    request, seen = pb.ListCamerasRequest(owner="ward-hoan-kiem", page_size=2), []
    while True:
        page = await lan.ListCameras(request)
        seen.append([camera.camera for camera in page.cameras])
        request.page_token = page.next_page_token
        if not page.next_page_token:
            break
    assert seen == [["cam-0", "cam-1"], ["cam-2", "cam-3"], ["cam-4"]]
    first = await lan.ListCameras(pb.ListCamerasRequest(page_size=2))
    other = pb.ListCamerasRequest(page_size=2, search="x", page_token=first.next_page_token)
    assert (await refusal(lan.ListCameras(other))).reason == "PAGE_TOKEN_OF_ANOTHER_QUERY"
    assert (await refusal(lan.ListCameras(pb.ListCamerasRequest(page_size=-1)))).reason == "PAGE_SIZE_NEGATIVE"


async def test_the_inventory_can_be_read_as_of_any_time(lan: RegistryAsyncStub, details: Details) -> None:
    first = await register(lan, "cam-1", details(display_name="old"))
    begun = (await lan.GetCamera(pb.GetCameraRequest(camera="cam-1", min_version=first.version))).create_time
    await register(lan, "cam-2", details("rtsp://10.0.0.2/a"))
    await lan.ChangeCamera(pb.ChangeCameraRequest(camera="cam-1", details=CameraDetails(display_name="new"), update_mask=FieldMask(paths=["display_name"])))
    gone = await lan.RetireCamera(pb.RetireCameraRequest(camera="cam-1", reason="sold"))
    then = await lan.GetCamera(pb.GetCameraRequest(camera="cam-1", as_of=begun, min_version=gone.version))
    assert (then.details.display_name, then.state, then.version) == ("old", pb.CAMERA_STATE_ACTIVE, first.version)
    assert await ids(lan, as_of=begun) == ["cam-1"]
    assert await ids(lan) == ["cam-2"]
    assert await ids(lan, as_of=begun, search="new") == []
    begun.seconds -= 60
    assert isinstance(await refusal(lan.GetCamera(pb.GetCameraRequest(camera="cam-1", as_of=begun))), NotFound)


async def test_a_rehearsal_says_the_same_and_writes_nothing(lan: RegistryAsyncStub, details: Details) -> None:
    rehearsed = await lan.RegisterCamera(pb.RegisterCameraRequest(camera="cam-1", owner="ward-hoan-kiem", details=details(), validate_only=True))
    assert (rehearsed.camera, rehearsed.version) == ("cam-1", "")
    answer = await register(lan, "cam-1", details())
    error = await refusal(lan.RegisterCamera(pb.RegisterCameraRequest(camera="cam-2", owner="ward-hoan-kiem", details=details(), validate_only=True)))
    assert error.reason == "STREAM_URL_TAKEN"
    change = pb.ChangeCameraRequest(camera="cam-1", details=CameraDetails(investor="x"), update_mask=FieldMask(paths=["investor"]), validate_only=True)
    assert (await lan.ChangeCamera(change)).version == ""
    assert (await lan.GetCamera(pb.GetCameraRequest(camera="cam-1", min_version=answer.version))).version == answer.version


async def test_bad_requests_are_refused_with_a_reason(platform: Any, lan: RegistryAsyncStub, details: Details) -> None:
    await register(lan, "cam-1", details())
    admin = platform.stub("platform")
    mask = FieldMask(paths=["display_name"])
    for call, reason in (
        (register(lan, "CAM 1", details()), "ID_MALFORMED"),
        (register(lan, "cam-1", details("rtsp://10.0.0.9/a")), "CAMERA_ID_TAKEN"),
        (register(lan, "cam-2", CameraDetails(display_name="x")), "FIELD_MISSING"),
        (lan.GetCamera(pb.GetCameraRequest(camera="../etc")), "ID_MALFORMED"),
        (lan.GetCamera(pb.GetCameraRequest(camera="cam-1", min_version="x")), "VERSION_MALFORMED"),
        (lan.ListCameras(pb.ListCamerasRequest(owner="*")), "ID_MALFORMED"),
        (lan.ChangeCamera(pb.ChangeCameraRequest(camera="cam-1", update_mask=FieldMask(paths=["nonsense"]))), "UPDATE_MASK_UNKNOWN"),
        (lan.ChangeCamera(pb.ChangeCameraRequest(camera="cam-1", update_mask=mask)), "FIELD_MISSING"),
        (lan.RegisterCamera(pb.RegisterCameraRequest(owner="ward-hoan-kiem", details=details(), request_id="1")), "REQUEST_ID_MALFORMED"),
        (lan.SuspendCamera(pb.SuspendCameraRequest(camera="cam-1", reason=" ")), "FIELD_MISSING"),
        (admin.RegisterOwner(pb.RegisterOwnerRequest(owner="a", display_name="x")), "ID_MALFORMED"),
        (admin.RegisterOwner(pb.RegisterOwnerRequest(owner="abc", display_name="x", administrators=["a b"])), "CALLER_MALFORMED"),
        (admin.BindAdministrator(pb.BindAdministratorRequest(owner="ward-nowhere-12", person="lan")), "OWNER_NOT_FOUND"),
    ):
        assert (await refusal(call)).reason == reason


async def test_nobody_gets_in_without_a_good_token_and_a_deadline(platform: Any) -> None:
    for token in ("nonsense", platform.token("lan")[:-4] + "AAAA"):
        assert isinstance(await refusal(platform.stub("lan", token).ListCameras(pb.ListCamerasRequest())), Unauthenticated)
    address = platform.settings.run_dir.joinpath("registry.address").read_text().strip()
    async with grpc.aio.insecure_channel(address) as bare:
        method = bare.unary_unary(
            "/vonglau.registry.v1.Registry/ListCameras",
            request_serializer=pb.ListCamerasRequest.SerializeToString,
            response_deserializer=pb.ListCamerasResponse.FromString,
        )
        metadata = (("authorization", f"Bearer {platform.token('lan')}"),)
        assert (await refusal(method(pb.ListCamerasRequest(), metadata=metadata))).reason == "DEADLINE_REQUIRED"
        assert (await refusal(method(pb.ListCamerasRequest(), timeout=5))).reason == "TOKEN_MISSING"
