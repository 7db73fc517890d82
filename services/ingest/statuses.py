"""How cameras and the process stand, for those who look."""
from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from services.ingest.clocks import SECOND_NS, beyond, described, is_beyond
from services.ingest.facts import cause_of
from services.ingest.listening import Listening
from services.ingest.on_air import OnAir
from services.ingest.roster import Listed
from services.ingest.session import SessionStatus, State
from services.ingest.spool import Spool
from services.ingest.station import OffAir, Station
from vonglau.access import Scope, camera_not_visible
from vonglau.broker import Broker
from vonglau.errors import Unavailable
from vonglau.footage import footage_bucket
from vonglau.ingest.v1 import service_pb2 as wire
from vonglau.ingest.v1.events_pb2 import GAP_CAUSE_QUOTA_EXCEEDED, GAP_CAUSE_SUSPENDED, GapCause, InterruptionObserved

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
SOON = "it is about to be recorded"


@dataclass
class Statuses:
    """Read from the parts of the process as they are at this moment."""

    broker: Broker
    station: Station
    spool: Spool
    listening: Listening
    is_complete: Callable[[], bool]  # whether the roster has all cameras yet
    unreadable: int = 0  # files that recovery left in the spool because it could not read them

    def of(self, cameras: Iterable[str]) -> list[wire.CameraStatus]:
        """Raises: Denied where one is not known, Unavailable while that can't be said yet."""
        if not self.is_complete():
            raise Unavailable("STARTING", "ingest has just started and still reads which cameras there are")
        spooled: Counter[str] = Counter()
        for segment in self.spool.bounds.closed():
            spooled[segment.head.camera] += segment.size
        return [self._status(camera, spooled[camera] + self.spool.growing_bytes(camera)) for camera in cameras]

    def health(self, scope: Scope) -> wire.IngestHealth:
        """Of the process as a whole; of stores and cameras only what is the caller's."""
        bounds, uploader, outbox = self.spool.bounds, self.listening.uploader, self.listening.outbox
        log_away = "" if self.broker.is_connected and not (uploader.log_away or outbox.log_away) else uploader.log_away or outbox.log_away or "no connection"
        stores_away = [why for bucket, why in uploader.stores_away.items() if scope.owners is None or bucket in map(footage_bucket, scope.owners)]
        health = wire.IngestHealth(
            log_reachable=not log_away,
            store_reachable=not stores_away,
            spool_bytes=bounds.used,
            spool_limit_bytes=bounds.limit,
            shed_segments=bounds.shed_segments,
            facts_waiting=uploader.facts_waiting + outbox.waiting,
        )
        unwritten = sum(scope.covers(entry.listed.owner) for camera in self.listening.unwritten if (entry := self.station.on_air.get(camera)) is not None)
        limit_ns, on_air = self.listening.clock_limit_ns, self.station.on_air
        off = beyond((offset for camera, offset in self.station.clock_offsets().items() if scope.covers(on_air[camera].listed.owner)), limit_ns)
        health.detail = "; ".join(
            sentence
            for is_so, sentence in (
                (log_away, f"the event log can't be written ({log_away}): recording goes on, facts wait"),
                (stores_away, f"{next(iter(stores_away), '')}: recording goes on into the spool"),
                (unwritten, f"{unwritten} cameras can't be written to the spool and are not recorded: is its disk full or read-only?"),
                (uploader.rejected, f"{uploader.rejected} segments can't be stored and stay in the spool; the log of ingest says why"),
                (self.unreadable, f"{self.unreadable} files in the spool can't be read and stay there"),
                (outbox.dropped, f"{outbox.dropped} facts were lost"),
                (off, f"{off} cameras' clocks are off by more than {limit_ns / SECOND_NS:g} s: the status of each says by how much"),
            )
            if is_so
        )
        return health

    def _status(self, camera: str, spool_bytes: int) -> wire.CameraStatus:
        entry = self.station.on_air.get(camera)
        listed = self.station.roster.cameras.get(camera)
        if entry is not None:
            status = on_air_status(entry, self.listening.unwritten.get(camera), self.listening.clock_limit_ns)
        elif listed is not None:
            status = off_air_status(listed, self.station.off_air.get(camera))
        else:
            raise camera_not_visible(camera)
        status.spool_bytes, status.spool_segments = spool_bytes, self.listening.uploader.waiting(camera)
        return status


def on_air_status(entry: OnAir, unwritten: InterruptionObserved | None, clock_limit_ns: int) -> wire.CameraStatus:
    """unwritten: the interruption while the spool can't take the footage that comes."""
    now = entry.session.status()
    status = wire.CameraStatus(
        camera=entry.listed.camera,
        owner=entry.listed.owner,
        state=STATES[now.state],
        epoch=entry.epoch,
        bitrate_bps=now.bitrate,
        recorded_bytes=now.recorded_bytes,
        recorded_duration_ns=now.recorded_ns,
        lost_packets=now.lost_packets,
        interruptions=now.interruptions,
        clock_offset_ns=now.clock_offset_ns or 0,
        clock_known=now.clock_offset_ns is not None,
        viewers=len(entry.audience),
    )
    status.since.FromNanoseconds(now.since_ns)
    if now.recorded_until_ns is not None:
        status.recorded_until.FromNanoseconds(min(now.recorded_until_ns, unwritten.begun_ns) if unwritten else now.recorded_until_ns)
    describe(status, now)
    if unwritten is not None and now.state is State.RECORDING:
        status.state = wire.RECORDING_STATE_INTERRUPTED
        status.since.FromNanoseconds(unwritten.begun_ns)
        explain(status, unwritten.cause, unwritten.detail)
    if is_beyond(now.clock_offset_ns, clock_limit_ns) and not status.detail:
        status.detail = f"{described(status.clock_offset_ns)}: set it, or the time server it asks"
    return status


def describe(status: wire.CameraStatus, now: SessionStatus) -> None:
    if now.format is not None:
        status.codec, status.width_px, status.height_px = now.format.codec_string, now.format.width, now.format.height
    if now.cause is not None and now.state is not State.RECORDING:
        explain(status, cause_of(now.cause), now.detail)


def explain(status: wire.CameraStatus, cause: GapCause, detail: str) -> None:
    status.cause = cause
    advice = ADVICE.get(GapCause.Name(cause).removeprefix("GAP_CAUSE_").lower(), "")
    status.detail = f"{advice} ({detail})" if advice and detail else advice or detail


def off_air_status(listed: Listed, off: OffAir | None) -> wire.CameraStatus:
    """A camera that is suspended, can't be recorded as its record stands, or has no place here."""
    status = wire.CameraStatus(camera=listed.camera, owner=listed.owner, state=wire.RECORDING_STATE_UNASSIGNED, detail=off.detail if off else SOON)
    if not listed.is_meant:
        status.state, status.cause, status.detail = wire.RECORDING_STATE_SUSPENDED, GAP_CAUSE_SUSPENDED, "it is suspended: resume it to record"
    elif off is not None and off.told is None:
        status.cause = off.cause
    elif off is not None and off.told is not None:
        status.cause = off.told.cause
        status.since.FromNanoseconds(off.told.begun_ns)
        if off.told.cause != GAP_CAUSE_QUOTA_EXCEEDED:
            status.state = wire.RECORDING_STATE_INTERRUPTED
            explain(status, off.told.cause, off.detail)
    return status
