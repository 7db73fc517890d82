import logging
from collections import deque
from collections.abc import Callable

from services.ingest.data_plane_settings import DataPlaneSettings
from services.ingest.live import LiveParts, Viewer
from services.ingest.media.aac import AacDepacketiser
from services.ingest.media.depacketise import Depacketiser
from services.ingest.media.gop import Gop
from services.ingest.recorder import Recorder
from services.ingest.rtsp.errors import Damaged, Silent, StreamUnavailable
from services.ingest.rtsp.playing import PlayingStream
from vonglau.clock import Clock
from vonglau.media.ticks import SECOND_NS, to_ticks

_LOG = logging.getLogger(__name__)

_RATE_WINDOW = 5.0                                           # s


class Connection:
    """One playing connection of one camera, from socket to recorder. Visited by the drain loop, which it tells when it is of no use any more."""

    def __init__(
        self, stream: PlayingStream, recorder: Recorder, settings: DataPlaneSettings, clock: Clock, ended: Callable[[StreamUnavailable], None],
    ) -> None:
        self.socket, self.tail = stream.socket, stream.early
        self.bytes = 0
        self._stream, self._recorder, self._settings, self._clock, self._ended = stream, recorder, settings, clock, ended
        offer = stream.offer
        recorded = offer.audio if stream.audio_channel is not None else None
        self._track = recorded.track if recorded is not None else None
        self._audio = AacDepacketiser(recorded.track.rate, recorded.framing) if recorded is not None else None
        self.depacketiser = Depacketiser(
            offer.video.codec, self._take, channel=stream.video_channel, parameter_sets=offer.video.parameter_sets, cap_seconds=settings.gop_cap_s,
            cap_bytes=settings.gop_cap_bytes, on_other=self._other, on_text=stream.answered,
        )
        self._live: LiveParts | None = None
        self._now_ns = clock.now_ns()                        # of this visit
        self._emptied_ns = self._now_ns - round(stream.play_took_s * SECOND_NS)          # of the one before
        self._began = self._last_media = clock.monotonic()
        self._packets = 0
        self._keep_alive_due = self._began + stream.keep_alive_s
        self._rates: deque[tuple[float, int]] = deque([(self._began, 0)])
        recorder.connected(self._track, self._audio)

    @property
    def bitrate(self) -> int:
        """Bit/s over the last 5 s."""
        (first, before), (last, after) = self._rates[0], self._rates[-1]
        return round((after - before) * 8 / (last - first)) if last > first else 0

    def watch(self, viewer: Viewer | None) -> None:
        if self._live is not None:
            self._live.stop()
        self._live = LiveParts(viewer, self.depacketiser, self._track, self._audio) if viewer is not None else None
        if self._live is not None:
            self._live.anchor(self._recorder.offset)

    def received(self, buffer: bytearray, view: memoryview, n: int) -> int:
        self._now_ns = self._clock.now_ns()
        self.depacketiser.arrival = to_ticks(self._now_ns)
        used = self.depacketiser.feed(buffer, view, n)
        self.bytes += used
        return used

    def visited(self) -> None:
        """Media packets are what counts as life: replies to signs of life and reports of a camera without picture don't."""
        now = self._clock.monotonic()
        self._emptied_ns = self._clock.now_ns()
        if self.depacketiser.packets != self._packets:
            self._packets, self._last_media = self.depacketiser.packets, now
        elif now - self._last_media > self._settings.silence_s:
            raise Silent("the camera sends no media")
        if not self.depacketiser.recording and now - self._began > self._settings.key_frame_wait_s:
            raise Damaged("the camera sends no key frame")
        if now >= self._keep_alive_due:
            self._keep_alive_due = now + self._stream.keep_alive_s
            self._stream.keep_alive()
        if now - self._rates[-1][0] >= 1:
            self._rates.append((now, self.bytes))
            while now - self._rates[0][0] > _RATE_WINDOW + 1:
                self._rates.popleft()
        if self._live is not None:
            self._show(self._live.advance)

    def failed(self, error: StreamUnavailable) -> None:
        self._ended(error)

    def close(self) -> None:
        """Hands the recorder what is whole, and ends the connection. The drain loop no longer knows it."""
        self.depacketiser.finish()
        self._recorder.disconnected()
        self.watch(None)
        self._stream.close()

    def _take(self, gop: Gop) -> None:
        live = self._live
        if live is not None:
            self._show(lambda: live.finish(gop))
        self._recorder.take(gop)
        if live is not None:
            live.anchor(self._recorder.offset)

    def _show(self, step: Callable[[], None]) -> None:
        try:
            step()
        except Exception:  # noqa: BLE001 - the outer edge towards viewers: none of them may end a recording
            _LOG.exception("a viewer failed and is left out")
            self._live = None

    def _other(self, channel: int, packet: memoryview) -> None:
        if channel == self._stream.video_channel + 1:
            self._recorder.clock.report(packet, self._emptied_ns, self._now_ns)
        elif channel == self._stream.audio_channel and self._audio is not None:
            self._audio.feed(packet, self._now_ns)
