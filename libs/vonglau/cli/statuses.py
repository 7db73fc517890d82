"""vonglau status: how every camera is recorded just now, joined from ingest and recording."""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import grpc
import typer

from vonglau.cli.maintenance import SERVICES
from vonglau.cli.options import AsJson, AsPerson, perform
from vonglau.cli.pages import all_cameras, live, summaries
from vonglau.cli.session import Session
from vonglau.cli.times import duration, rfc3339, shown, size
from vonglau.cli.words import none_of, word
from vonglau.errors import Denied, Unavailable
from vonglau.ingest.v1 import service_pb2 as ingest
from vonglau.ingest.v1.events_pb2 import GapCause
from vonglau.operations.v1 import service_pb2 as operations
from vonglau.recording.v1 import service_pb2 as recording
from vonglau.registry.v1.service_pb2 import ListCamerasRequest
from vonglau.rpc import error_of


def status(
    owner: Annotated[str, typer.Option(help="Only this owner's cameras.")] = "",
    as_person: AsPerson = "",
    as_json: AsJson = False,
) -> None:
    """How every camera is recorded just now."""

    async def command(session: Session) -> None:
        async with session.registry() as stub:
            cameras = await all_cameras(stub, ListCamerasRequest(owner=owner))
        found, health = await live(session, owner)
        totals = await summaries(session, owner)
        still = await stopped(session)
        described = [description(camera, found.get(camera.camera), totals.get(camera.camera)) for camera in cameras]
        if as_json:
            session.output.document({"cameras": described, "health": health_of(health), "stopped_projections": still})
            return
        session.output.table(COLUMNS, [row(one) for one in described], none_of(owner))
        if health.detail:
            session.output.line(f"\n{health.detail}")
        for one in still:
            session.output.line(f"\n{advice(one)}")

    perform(as_person, as_json, command)


WHY_STOPPED = {
    "STREAM_REPLACED": "the log is another one than they were made from",
    "CHECKPOINT_AHEAD": "the log ends before what they have taken from it already",
}
COLUMNS = ("camera", "+name", "+owner", "state", "+since", "Mbit/s →", "24 h →", "gaps →", "spool →")


def description(camera: Any, live_status: ingest.CameraStatus | None, total: recording.CameraSummary | None) -> dict[str, Any]:
    """One camera for programs; lengths in seconds, sizes in bytes."""
    now = live_status or ingest.CameraStatus(state=ingest.RECORDING_STATE_UNASSIGNED)
    sums = total or recording.CameraSummary()
    return {
        "id": camera.camera,
        "owner": camera.owner,
        "name": camera.details.display_name,
        "state": word(ingest.RecordingState, now.state),
        "cause": word(GapCause, now.cause),
        "since": rfc3339(now.since) if now.HasField("since") else "",
        "since_shown": shown(now.since) if now.HasField("since") else "",
        "bitrate_bps": now.bitrate_bps,
        "recorded_s": sums.recorded_ns / 1e9,
        "gaps": sums.gaps,
        "gap_s": sums.gap_ns / 1e9,
        "spool_bytes": now.spool_bytes,
        "clock_offset_s": now.clock_offset_ns / 1e9 if now.clock_known else None,
        "codec": now.codec,
        "size": f"{now.width_px}x{now.height_px}" if now.width_px else "",
        "viewers": now.viewers,
        "detail": now.detail,
    }


async def stopped(session: Session) -> list[dict[str, str]]:
    """Projections that wait for a rebuild; none for who may not ask, or where the service is away."""
    found: list[dict[str, str]] = []
    async with session.projections(SERVICES) as stubs:
        for service, stub in stubs.items():
            with passing_over_refusals():
                page = await stub.ListProjections(operations.ListProjectionsRequest())
                found += [{"service": service, "projection": one.name, "reason": one.stopped_reason} for one in page.projections if one.stopped_reason]
    return found


@contextmanager
def passing_over_refusals() -> Iterator[None]:
    try:
        yield
    except grpc.aio.AioRpcError as error:
        if not isinstance(error_of(error), Denied | Unavailable):
            raise


def advice(one: dict[str, str]) -> str:
    why = WHY_STOPPED.get(one["reason"], one["reason"])
    return (
        f"{one['service']}: the views of {one['projection']} stand still, what they show is old: {why}.\n"
        f"Make sure that this is the right log, or bring that back; then `vonglau rebuild {one['service']}`."
    )


def row(one: dict[str, Any]) -> tuple[str, ...]:
    state = one["cause"] or one["state"]  # the cause says the state too
    bitrate = f"{one['bitrate_bps'] / 1e6:.2f}"
    gaps = f"{one['gaps']}, {duration(one['gap_s'])}" if one["gaps"] else "0"
    return (one["id"], one["name"], one["owner"], state, one["since_shown"], bitrate, duration(one["recorded_s"]), gaps, size(one["spool_bytes"]))


def health_of(health: ingest.IngestHealth) -> dict[str, Any]:
    return {
        "log_reachable": health.log_reachable,
        "store_reachable": health.store_reachable,
        "spool_bytes": health.spool_bytes,
        "spool_limit_bytes": health.spool_limit_bytes,
        "shed_segments": health.shed_segments,
        "facts_waiting": health.facts_waiting,
        "detail": health.detail,
    }
