"""How cameras and the process stand, for those who look. Pure but for reading what is there."""
from __future__ import annotations

from services.ingest.facts import cause_of
from services.ingest.on_air import OnAir
from services.ingest.roster import Listed
from services.ingest.session import SessionStatus, State
from vonglau.ingest.v1 import service_pb2 as wire
from vonglau.ingest.v1.events_pb2 import GAP_CAUSE_SUSPENDED

STATES = {
    State.CONNECTING: wire.RECORDING_STATE_CONNECTING,
    State.RECORDING: wire.RECORDING_STATE_RECORDING,
    State.INTERRUPTED: wire.RECORDING_STATE_INTERRUPTED,
}
ADVICE = {
    "unauthorised": "the camera turns the credentials down: change them with the camera's record",
    "refused": "the camera turns the connection down: does the URL name a stream, and are others connected already?",
    "source_silent": "no picture comes: is the camera on, and is its network?",
    "transport_lost": "the connection broke and is being made again",
    "damaged_stream": "what the camera sends can't be understood: does it speak H.264 or H.265?",
    "spool_full": "the spool is full: is the footage store reachable?",
    "writer_failed": "the spool can't be written: is its disk full or read-only?",
}


def on_air_status(entry: OnAir, spool_bytes: int, spool_segments: int) -> wire.CameraStatus:
    now = entry.session.status()
    status = wire.CameraStatus(
        camera=entry.listed.camera,
        owner=entry.listed.owner,
        state=STATES[now.state],
        epoch=entry.epoch,
        bitrate_bps=now.bitrate,
        recorded_bytes=now.recorded_bytes,
        recorded_duration_ns=now.recorded_ns,
        spool_bytes=spool_bytes,
        spool_segments=spool_segments,
        lost_packets=now.lost_packets,
        interruptions=now.interruptions,
        clock_offset_ns=now.clock_offset_ns or 0,
        clock_known=now.clock_offset_ns is not None,
        viewers=len(entry.audience),
    )
    status.since.FromNanoseconds(now.since_ns)
    if now.recorded_until_ns is not None:
        status.recorded_until.FromNanoseconds(now.recorded_until_ns)
    describe(status, now)
    return status


def describe(status: wire.CameraStatus, now: SessionStatus) -> None:
    if now.format is not None:
        status.codec, status.width_px, status.height_px = now.format.codec_string, now.format.width, now.format.height
    if now.cause is not None and now.state is not State.RECORDING:
        status.cause = cause_of(now.cause)
        status.detail = f"{ADVICE.get(now.cause.value, '')} ({now.detail})" if now.detail else ADVICE.get(now.cause.value, "")


def off_air_status(listed: Listed, why: str) -> wire.CameraStatus:
    """A camera that is suspended, has no stream, or has no place here."""
    status = wire.CameraStatus(camera=listed.camera, owner=listed.owner, state=wire.RECORDING_STATE_UNASSIGNED, detail=why)
    if not listed.is_meant:
        status.state, status.cause = wire.RECORDING_STATE_SUSPENDED, GAP_CAUSE_SUSPENDED
    elif not listed.url:
        status.detail = "it has no main stream"
    return status
