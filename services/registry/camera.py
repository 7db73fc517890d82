"""A camera: the record of VL-10, who owns it, whether it is meant to record."""
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from google.protobuf.field_mask_pb2 import FieldMask

from services.registry.claim import Claims, exchange, unique_values
from services.registry.mandatory import must_be_complete
from services.registry.owner import Owner
from services.registry.project import Project
from services.registry.ranges import must_be_within
from vonglau.access import Permit
from vonglau.errors import AlreadyExists, Conflict, NotFound, Refused
from vonglau.eventlog import AggregateStream, Fold, History, On, Version, aggregate_stream
from vonglau.registry.v1.events_pb2 import CameraChanged, CameraDetails, CameraRegistered, CameraResumed, CameraRetired, CameraSuspended
from vonglau.registry.v1.service_pb2 import (
    CAMERA_STATE_ACTIVE,
    CAMERA_STATE_RETIRED,
    CAMERA_STATE_SUSPENDED,
    CameraState,
    ChangeCameraRequest,
    RegisterCameraRequest,
    ResumeCameraRequest,
    RetireCameraRequest,
    SuspendCameraRequest,
)

CREDENTIAL = "credential"  # in the mask of CameraChanged: the event's own field
Event = CameraRegistered | CameraChanged | CameraSuspended | CameraResumed | CameraRetired


@dataclass(frozen=True, slots=True)
class Camera:
    owner: str
    details: CameraDetails  # a value: never changed in place
    credential: str = ""  # reference into the secret store
    state: CameraState = CAMERA_STATE_ACTIVE


@dataclass(frozen=True, slots=True)
class Beside:
    """What a decision on a camera reads besides the camera."""

    owner: Owner | None = None
    projects: Mapping[str, Project | None] = field(default_factory=dict)
    claims: Claims = field(default_factory=dict)


def evolve(camera: Camera | None, event: Event) -> Camera:
    match event:
        case CameraRegistered():
            return Camera(event.owner, event.details, event.credential)
        case CameraChanged():
            fields = [path for path in event.changed.paths if path != CREDENTIAL]
            details = taking(existing(camera).details, fields, event.details)
            return replace(existing(camera), details=details, credential=event.credential or existing(camera).credential)
        case CameraSuspended():
            return replace(existing(camera), state=CAMERA_STATE_SUSPENDED)
        case CameraResumed():
            return replace(existing(camera), state=CAMERA_STATE_ACTIVE)
        case CameraRetired():
            return replace(existing(camera), state=CAMERA_STATE_RETIRED)


CAMERA = Fold(evolve)


def camera_stream(camera: str) -> AggregateStream:
    """Raises: Invalid (ID_MALFORMED)."""
    return aggregate_stream("registry", "camera", camera)


def existing(camera: Camera | None) -> Camera:
    assert camera is not None  # noqa: S101 - every history begins with CameraRegistered
    return camera


def register(camera: Camera | None, beside: Beside, request: RegisterCameraRequest, permit: Permit, credential: str = "") -> Iterable[Event | On]:
    """request: in normal form. credential: reference under which its secret is kept; empty: none."""
    permit.must_cover(request.owner)
    if beside.owner is None:
        raise NotFound("owner", request.owner)
    if camera is not None:
        raise AlreadyExists("CAMERA_ID_TAKEN", f"there is a camera {request.camera!r} already", camera=request.camera)
    must_be_complete(request.details)
    must_be_within(request.details)
    must_have_project(request.details.project, request.owner, beside)
    yield CameraRegistered(camera=request.camera, owner=request.owner, details=request.details, credential=credential)
    yield from exchange(request.camera, frozenset(), unique_values(request.details), beside.claims)


def change(
    camera: Camera | None, beside: Beside, request: ChangeCameraRequest, permit: Permit, credential: str = "", seen: Camera | None = None
) -> Iterable[Event | On]:
    """credential: reference of a new one; empty: as it was. seen: the state that the caller's etag stands for; None: whichever."""
    camera = changeable(camera, request.camera, permit)
    if seen is not None and camera != seen:
        raise etag_mismatch(request.camera)
    details = merged(camera.details, request)
    changed = differences(camera.details, details)
    if not changed and not credential:
        return  # already so: no event, the same version
    must_be_complete(details)
    must_be_within(details)
    if "project" in changed:
        must_have_project(details.project, camera.owner, beside)
    paths = [*changed, *([CREDENTIAL] if credential else [])]
    yield CameraChanged(
        camera=request.camera, details=taking(CameraDetails(), changed, details), changed=FieldMask(paths=paths), credential=credential
    )
    yield from exchange(request.camera, unique_values(camera.details), unique_values(details), beside.claims)


def suspend(camera: Camera | None, request: SuspendCameraRequest, permit: Permit) -> Iterable[Event]:
    if changeable(camera, request.camera, permit).state == CAMERA_STATE_ACTIVE:
        yield CameraSuspended(camera=request.camera, reason=request.reason)


def resume(camera: Camera | None, request: ResumeCameraRequest, permit: Permit) -> Iterable[Event]:
    if changeable(camera, request.camera, permit).state == CAMERA_STATE_SUSPENDED:
        yield CameraResumed(camera=request.camera)


def retire(camera: Camera | None, beside: Beside, request: RetireCameraRequest, permit: Permit) -> Iterable[Event | On]:
    if camera is None:
        raise NotFound("camera", request.camera)
    permit.must_cover(camera.owner)
    if camera.state == CAMERA_STATE_RETIRED:
        return
    yield CameraRetired(camera=request.camera, reason=request.reason)
    yield from exchange(request.camera, unique_values(camera.details), frozenset(), beside.claims)


def seen(history: History[Camera], etag: str) -> Camera | None:
    """The state that the etag stands for; None without an etag.

    Raises: Conflict (ETAG_MISMATCH) where it is another version than the one that was loaded, Invalid.
    """
    if etag and Version.parse(etag) != history.version:
        raise etag_mismatch(history.stream.subject.rpartition(".")[2])
    return history.state if etag else None


def etag_mismatch(camera: str) -> Conflict:
    return Conflict("ETAG_MISMATCH", "the camera has moved on since that version; read it again", camera=camera)


def changeable(camera: Camera | None, name: str, permit: Permit) -> Camera:
    """Raises: NotFound, Denied (the caller's rights were judged on a local copy that may be behind), Refused (CAMERA_RETIRED)."""
    if camera is None:
        raise NotFound("camera", name)
    permit.must_cover(camera.owner)
    if camera.state == CAMERA_STATE_RETIRED:
        raise Refused("CAMERA_RETIRED", "a retired camera stays as it was; register the device anew", camera=name)
    return camera


def must_have_project(project: str, owner: str, beside: Beside) -> None:
    """A project of another owner is answered like one that does not exist."""
    if not project:
        return
    if project not in beside.projects:
        raise Conflict("LOST_RACE", "the camera changed while this was being decided; decide again")
    found = beside.projects[project]
    if found is None or found.owner != owner:
        raise Refused("PROJECT_UNKNOWN", f"the owner has no project {project!r}", project=project)


def merged(details: CameraDetails, request: ChangeCameraRequest) -> CameraDetails:
    """The details with those that the mask names as the request has them; `*` names all."""
    if list(request.update_mask.paths) == ["*"]:
        return request.details
    result = taking(details, [], CameraDetails())
    request.update_mask.MergeMessage(request.details, result, replace_message_field=True, replace_repeated_field=True)
    return result


def differences(before: CameraDetails, after: CameraDetails) -> list[str]:
    """Names of the fields of which the value differs, in the order of the record."""
    if before == after:
        return []
    names = [each.name for each in before.DESCRIPTOR.fields]
    return [name for name in names if taking(CameraDetails(), [name], before) != taking(CameraDetails(), [name], after)]


def taking(details: CameraDetails, fields: Sequence[str], source: CameraDetails) -> CameraDetails:
    """A copy of the details with these fields as the source has them."""
    result, part = CameraDetails(), CameraDetails()
    result.CopyFrom(details)
    FieldMask(paths=fields).MergeMessage(source, part)
    for name in fields:
        result.ClearField(name)
    result.MergeFrom(part)
    return result
