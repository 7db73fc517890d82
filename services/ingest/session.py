"""One camera's life in the data plane: connect, record, notice what breaks, connect again, for ever."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random

from services.ingest.backoff import Backoff
from services.ingest.causes import Cause, Interruption, InterruptionBegun, InterruptionEnded
from services.ingest.connection import Connection
from services.ingest.data_plane_settings import DataPlaneSettings
from services.ingest.drain import DrainLoop
from services.ingest.interruption import OpenInterruption
from services.ingest.live import LivePart, Viewer, open_gop
from services.ingest.recorder import Recorder, Recording
from services.ingest.rtsp.client import Patience, open_stream
from services.ingest.rtsp.errors import Damaged, Refused, Silent, StreamUnavailable, TransportLost, Unauthorised
from services.ingest.rtsp.playing import PlayingStream
from services.ingest.rtsp.url import CameraAddress, Credentials
from services.ingest.spool import Spool
from vonglau.clock import Clock
from vonglau.media.parameter_sets import VideoFormat
from vonglau.telemetry import count, names

_LOG = logging.getLogger(__name__)

_CAUSES = {
    Refused: Cause.REFUSED, Unauthorised: Cause.UNAUTHORISED, Silent: Cause.SOURCE_SILENT, TransportLost: Cause.TRANSPORT_LOST, Damaged: Cause.DAMAGED_STREAM,
}


@dataclass(slots=True)
class DataPlane:
    """What all cameras of a process share."""

    settings: DataPlaneSettings
    clock: Clock
    spool: Spool
    drain: DrainLoop = field(init=False)
    handshakes: asyncio.Semaphore = field(init=False)
    doubtful: asyncio.Semaphore = field(init=False)          # handshakes with cameras that were silent last time: they take long, and must not delay the others
    random: Random = field(default_factory=Random)

    def __post_init__(self) -> None:
        settings = self.settings
        self.drain = DrainLoop(interval_ms=settings.drain_interval_ms, watched_interval_ms=settings.watched_interval_ms, slots=settings.drain_slots)
        self.handshakes = asyncio.Semaphore(settings.handshakes)
        self.doubtful = asyncio.Semaphore(max(1, settings.handshakes // 4))

    @property
    def patience(self) -> Patience:
        settings = self.settings
        return Patience(settings.connect_timeout_s, settings.reply_timeout_s, settings.receive_buffer_bytes)


@dataclass(frozen=True, slots=True)
class Source:
    address: CameraAddress
    credentials: Credentials | None


class State(StrEnum):
    CONNECTING = "connecting"
    RECORDING = "recording"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class SessionStatus:
    state: State
    since_ns: int                                            # of the state
    cause: Cause | None                                      # of the interruption that lasts
    detail: str                                              # for people; no credentials, no addresses
    recorded_until_ns: int | None
    recorded_ns: int                                         # these and the following since the session began
    recorded_bytes: int
    bitrate: int                                             # bit/s over the last 5 s
    lost_packets: int
    interruptions: int
    clock_offset_ns: int | None
    format: VideoFormat | None


class CameraSession:
    """`run` until cancelled. `report` gets each interruption when it begins and when it ends, on the event loop.

    `interrupted`: what keeps the camera from being recorded as this session begins, and since when (UTC ns): it ends with the first key frame recorded.
    """

    def __init__(
        self, recording: Recording, source: Source, plane: DataPlane, report: Callable[[Interruption], None], interrupted: tuple[Cause, int] | None = None,
    ) -> None:
        self.recorder = Recorder(recording, plane.spool, plane.settings, self._recorded, self._missing)
        self._source, self._plane, self._report = source, plane, report
        self._backoff = Backoff(plane.settings, plane.random)
        self._interruption = OpenInterruption(recording.camera, report)
        self._connection: Connection | None = None
        self._viewer: Viewer | None = None
        self._began_ns = plane.clock.now_ns()
        self._state, self._since_ns = State.CONNECTING, self._began_ns
        self._lost_packets = 0                               # of the connections that have ended
        if interrupted is not None:
            self._interrupt(interrupted[0], interrupted[1])

    async def run(self) -> None:
        try:
            while True:
                error = await self._play_once()
                self._interrupt(_CAUSES[type(error)], self.recorder.until_ns or self._began_ns, str(error))
                await asyncio.sleep(self._backoff.after(error))
        finally:
            self._disconnect()

    @property
    def is_receiving(self) -> bool:
        """Whether a key frame has come over this connection; it is recorded once its GOP is whole."""
        return self._connection is not None and self._connection.depacketiser.recording

    def watch(self, viewer: Viewer | None) -> None:
        """One viewer at a time, over reconnects, until None; fan out from there. Not watched, it costs nothing."""
        self._viewer = viewer
        if self._connection is not None:
            self._connection.watch(viewer)
            self._plane.drain.watch(self._connection, watched=viewer is not None)

    def open_gop(self) -> LivePart | None:
        """What came since the last fragment in the spool, on the same time line and with the same init segment; None if there is nothing such."""
        connection, offset = self._connection, self.recorder.offset
        if connection is None or offset is None or connection.depacketiser.parameters != self.recorder.parameters:
            return None
        return open_gop(connection.depacketiser, offset)

    def status(self) -> SessionStatus:
        connection, recorder, interruption = self._connection, self.recorder, self._interruption
        return SessionStatus(
            self._state, self._since_ns, interruption.cause, interruption.detail if interruption.cause else "", recorder.until_ns, recorder.recorded_ns,
            recorder.recorded_bytes, connection.bitrate if connection else 0, self._lost_packets + (connection.depacketiser.lost if connection else 0),
            interruption.count, recorder.clock.offset_ns, recorder.format,
        )

    async def _play_once(self) -> StreamUnavailable:
        """Why there is no stream, or no longer."""
        plane = self._plane
        try:
            async with plane.doubtful if self._interruption.cause is Cause.SOURCE_SILENT else plane.handshakes:
                stream = await self._opened()
            return await self._drained(stream)
        except StreamUnavailable as error:
            return error
        except Exception:  # noqa: BLE001 - the outer edge: a camera's surprise is a failed attempt, not the end of its session
            _LOG.exception("a camera's stream could not be opened or closed in a way that was not foreseen")
            return Damaged("the stream could not be processed")

    async def _opened(self) -> PlayingStream:
        """A stream that plays. Raises `StreamUnavailable`."""
        try:
            stream = await open_stream(self._source.address, self._source.credentials, self._plane.patience)
        except Exception as error:
            count(names.HANDSHAKES, 1, {names.ERROR_TYPE: type(error).__name__})
            raise
        count(names.HANDSHAKES)
        return stream

    async def _drained(self, stream: PlayingStream) -> StreamUnavailable:
        """Leaves the connection to the drain loop until it ends."""
        ended: asyncio.Future[StreamUnavailable] = asyncio.get_running_loop().create_future()
        self._connection = Connection(stream, self.recorder, self._plane.settings, self._plane.clock, lambda error: _settle(ended, error))
        self._plane.drain.attach(self._connection)
        if self._viewer is not None:
            self.watch(self._viewer)
        try:
            return await ended
        finally:
            self._disconnect()

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        self._plane.drain.detach(connection)
        connection.close()
        self._lost_packets += connection.depacketiser.lost

    def _interrupt(self, cause: Cause, at_ns: int, detail: str = "") -> None:
        now_ns = self._plane.clock.now_ns()
        self._interruption.begin(cause, at_ns, now_ns, detail)
        self._set_state(State.INTERRUPTED)

    def _recorded(self, start_ns: int) -> None:
        if self._connection is not None and self._connection.depacketiser.recording:
            self._set_state(State.RECORDING)
            self._backoff.reset()
        self._interruption.end(start_ns)

    def _missing(self, begun_ns: int, ended_ns: int) -> None:
        camera = self.recorder.recording.camera
        self._report(InterruptionBegun(camera, Cause.TRANSPORT_LOST, begun_ns, "the camera left out frames"))
        self._report(InterruptionEnded(camera, Cause.TRANSPORT_LOST, begun_ns, ended_ns))

    def _set_state(self, state: State) -> None:
        if state is not self._state:
            self._state, self._since_ns = state, self._plane.clock.now_ns()


def _settle(ended: asyncio.Future[StreamUnavailable], error: StreamUnavailable) -> None:
    if not ended.done():                                     # the session may have been cancelled meanwhile
        ended.set_result(error)
