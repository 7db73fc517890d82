"""vonglau camera: register, look up, suspend, retire."""
from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from vonglau.cli.misspelt import Misspelt
from vonglau.cli.options import AsJson, AsPerson, perform
from vonglau.cli.pages import all_cameras, statuses
from vonglau.cli.record import cell, record
from vonglau.cli.session import Session
from vonglau.cli.times import instant, rfc3339, timestamp
from vonglau.cli.words import none_of, value, word
from vonglau.ingest.v1.service_pb2 import RecordingState
from vonglau.registry.v1 import events_pb2 as events
from vonglau.registry.v1 import service_pb2 as registry

app = typer.Typer(no_args_is_help=True, help="Cameras: register, look up, suspend, retire.")

Camera = Annotated[str, typer.Argument(metavar="CAMERA", help="The camera's id.")]
Reason = Annotated[str, typer.Option(help="Why; it stands in the record.")]


@app.command("add")
def add(
    owner: Annotated[str, typer.Option(help="Whose camera it is.")],
    url: Annotated[str, typer.Option(help="rtsp://[user:password@]host[:port]/path of the main stream; credentials go to the secret store only.")],
    name: Annotated[str, typer.Option(help="As people call it.")],
    id: Annotated[str, typer.Option(help="Permanent id (default: derived from the request).")] = "",  # noqa: A002
    camera_class: Annotated[str, typer.Option("--class", help="traffic, non_traffic or defence.")] = "non_traffic",
    purpose: Annotated[list[str] | None, typer.Option(help="What it may be used for (default: security_order). Repeatable.")] = None,
    sub_url: Annotated[str, typer.Option(help="RTSP URL of the small stream.")] = "",
    serial: Annotated[str, typer.Option(help="Serial number, unique.")] = "",
    notice_sign: Annotated[str, typer.Option(help="Reference of the public notice (class traffic).")] = "",
    location: Annotated[str, typer.Option(metavar="LAT,LON", help="In degrees (class traffic, defence).")] = "",
    azimuth: Annotated[float | None, typer.Option(help="Degrees from north, clockwise (class traffic).")] = None,
    field_of_view: Annotated[float, typer.Option("--field-of-view", help="Horizontal, in degrees (with --azimuth).")] = 0.0,
    camera_type: Annotated[str, typer.Option("--type", help="fixed or ptz.")] = "fixed",
    certificate: Annotated[str, typer.Option(help="Certificate of conformity (class defence).")] = "",
    investor: Annotated[str, typer.Option(help="Who paid for it (class defence).")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, register nothing.")] = False,
    as_person: AsPerson = "",
    as_json: AsJson = False,
) -> None:
    """Register a camera. Recording begins by itself within seconds. `camera import` takes the rest of a record, and of one camera, too."""

    async def command(session: Session) -> None:
        details = events.CameraDetails(
            display_name=name,
            camera_class=value(events.CameraClass, camera_class, "class"),
            purposes=[value(events.Purpose, one, "purpose") for one in purpose or ["security_order"]],
            type=value(events.CameraType, camera_type, "type"),
            serial_number=serial,
            notice_sign=notice_sign,
            certificate_number=certificate,
            investor=investor,
            streams=[events.StreamProfile(kind=events.STREAM_KIND_MAIN, url=url)],
        )
        if sub_url:
            details.streams.add(kind=events.STREAM_KIND_SUB, url=sub_url)
        if location:
            latitude, longitude = degrees(location)
            details.place.CopyFrom(events.Place(latitude_deg=latitude, longitude_deg=longitude))
        if azimuth is not None:
            details.pose.CopyFrom(events.Pose(azimuth_deg=azimuth, field_of_view_deg=field_of_view))
        request = registry.RegisterCameraRequest(camera=id, owner=owner, details=details, validate_only=dry_run)
        async with session.registry() as stub:
            reply = await stub.RegisterCamera(request)
        if as_json:
            session.output.document({"camera": {"id": reply.camera, "owner": owner, "name": name, "version": reply.version}})
        session.output.line(f"camera {reply.camera} {'could be registered' if dry_run else 'is registered'}")

    perform(as_person, as_json, command)


def degrees(text: str) -> tuple[float, float]:
    """Raises: Misspelt (LOCATION_MALFORMED)."""
    try:
        latitude, longitude = (float(part) for part in text.split(","))
    except ValueError:
        raise Misspelt("LOCATION_MALFORMED", f"{text!r} is not LAT,LON in degrees, such as 21.0285,105.8542", field="location") from None
    return latitude, longitude


@app.command("list")
def list_cameras(
    owner: Annotated[str, typer.Option(help="Only this owner's cameras.")] = "",
    search: Annotated[str, typer.Option(help="Part of a name, id, serial number or address; accents and case do not matter.")] = "",
    as_of: Annotated[str, typer.Option("--as-of", help="As it stood then: RFC 3339 or relative (-1d).")] = "",
    retired: Annotated[bool, typer.Option("--retired", help="Also those that are retired.")] = False,
    as_person: AsPerson = "",
    as_json: AsJson = False,
) -> None:
    """The cameras that you may see."""

    async def command(session: Session) -> None:
        request = registry.ListCamerasRequest(owner=owner, search=search)
        if retired:
            request.states.extend([registry.CAMERA_STATE_ACTIVE, registry.CAMERA_STATE_SUSPENDED, registry.CAMERA_STATE_RETIRED])
        if as_of:
            request.as_of.CopyFrom(timestamp(instant(as_of, datetime.now(UTC), name="as-of")))
        async with session.registry() as stub:
            cameras = await all_cameras(stub, request)
        live = {} if as_of else await statuses(session, owner)
        described = [description(camera, live.get(camera.camera)) for camera in cameras]
        if as_json:
            session.output.document({"cameras": described})
            return
        rows = [(str(one["id"]), str(one["owner"]), str(one["name"]), str(one["class"]), str(one["state"]), str(one["url"])) for one in described]
        session.output.table(("camera", "owner", "name", "+class", "state", "+main stream"), rows, none_of(owner))

    perform(as_person, as_json, command)


def description(camera: registry.Camera, live: Any = None) -> dict[str, Any]:
    """What programs get: the record, and the live state where the camera is meant to record."""
    state = word(registry.CameraState, camera.state)
    if live is not None and camera.state == registry.CAMERA_STATE_ACTIVE:
        state = word(RecordingState, live.state)
    details = camera.details
    urls = {stream.kind: stream.url for stream in details.streams}
    return {
        "id": camera.camera,
        "owner": camera.owner,
        "name": details.display_name,
        "state": state,
        "class": word(events.CameraClass, details.camera_class),
        "purposes": [word(events.Purpose, purpose) for purpose in details.purposes],
        "url": urls.get(events.STREAM_KIND_MAIN, ""),
        "sub_url": urls.get(events.STREAM_KIND_SUB, ""),
        "serial": details.serial_number,
        "version": camera.version,
        "created": rfc3339(camera.create_time),
        "updated": rfc3339(camera.update_time),
    }


@app.command("show")
def show(
    camera: Camera,
    as_of: Annotated[str, typer.Option("--as-of", help="As it stood then.")] = "",
    as_person: AsPerson = "",
    as_json: AsJson = False,
) -> None:
    """Everything that is recorded of one camera."""

    async def command(session: Session) -> None:
        request = registry.GetCameraRequest(camera=camera)
        if as_of:
            request.as_of.CopyFrom(timestamp(instant(as_of, datetime.now(UTC), name="as-of")))
        async with session.registry() as stub:
            found = await stub.GetCamera(request)
        live = {} if as_of else await statuses(session, found.owner)
        content = description(found, live.get(camera)) | record(found.details)
        if as_json:
            session.output.document({"camera": content})
            return
        rows = [(name, cell(shown)) for name, shown in content.items() if shown not in (None, "", [])]
        session.output.table(("field", "value"), rows, "")

    perform(as_person, as_json, command)


@app.command("suspend")
def suspend(camera: Camera, reason: Reason = "by request", as_person: AsPerson = "", as_json: AsJson = False) -> None:
    """Stop recording until the camera is resumed; what is recorded stays."""

    async def command(session: Session) -> None:
        async with session.registry() as stub:
            reply = await stub.SuspendCamera(registry.SuspendCameraRequest(camera=camera, reason=reason))
        told(session, camera, "suspended", reply.version)

    perform(as_person, as_json, command)


@app.command("resume")
def resume(camera: Camera, as_person: AsPerson = "", as_json: AsJson = False) -> None:
    """Record a suspended camera again."""

    async def command(session: Session) -> None:
        async with session.registry() as stub:
            reply = await stub.ResumeCamera(registry.ResumeCameraRequest(camera=camera))
        told(session, camera, "resumed", reply.version)

    perform(as_person, as_json, command)


@app.command("retire")
def retire(camera: Camera, reason: Reason = "by request", as_person: AsPerson = "", as_json: AsJson = False) -> None:
    """Take the camera out for good; its footage stays until retention ends."""

    async def command(session: Session) -> None:
        async with session.registry() as stub:
            reply = await stub.RetireCamera(registry.RetireCameraRequest(camera=camera, reason=reason))
        told(session, camera, "retired", reply.version)

    perform(as_person, as_json, command)


def told(session: Session, camera: str, state: str, version: str) -> None:
    if session.output.as_json:
        session.output.document({"camera": {"id": camera, "state": state, "version": version}})
    session.output.line(f"camera {camera} is {state}")
