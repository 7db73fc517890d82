"""One camera's segmenter: groups of pictures in, self-contained objects of about a minute in the spool out."""

from collections.abc import Callable
from dataclasses import dataclass

from services.ingest.data_plane_settings import DataPlaneSettings
from services.ingest.fragment import fragment, video_run
from services.ingest.media.aac import AacDepacketiser
from services.ingest.media.anchor import ArrivalAnchor
from services.ingest.media.gop import Gop, ParameterSets
from services.ingest.media.rtcp import CameraClock
from services.ingest.segment import SegmentEnd, SegmentHead
from services.ingest.spool import GrowingSegment, Spool, SpoolFragment
from vonglau.media.errors import DamagedMedia
from vonglau.media.fmp4 import AudioTrack, VideoTrack, init_segment
from vonglau.media.parameter_sets import VideoFormat, read_format
from vonglau.media.ticks import VIDEO_RATE, to_ns


@dataclass(frozen=True, slots=True)
class Recording:
    """Whose footage it is, and under which claim it is made."""

    camera: str
    owner: str
    epoch: int
    priority: int = 0                                        # camera class; the highest number is shed first
    first_number: int = 0
    previous_sha256: str = ""                                # hex: of the last known segment of the epoch before


@dataclass(slots=True)
class _Object:
    """The object being written. Times are ticks of the connection's line; `offset` moves them to UTC."""

    segment: GrowingSegment
    parameters: ParameterSets
    offset: int
    first: int
    following: int
    lost: int = 0
    damaged: int = 0
    jumped: bool = False


@dataclass(slots=True)
class _Connection:
    audio: AudioTrack | None
    units: AacDepacketiser | None
    anchor: ArrivalAnchor


class Recorder:
    """`connected` before the first GOP of a connection, `take` for each, `disconnected` after the last. Never waits; one thread only.

    `on_recorded` gets the start of each GOP written, `on_missing` begin and end of a time between two objects of which no frame came; UTC in ns.
    """

    def __init__(
        self, recording: Recording, spool: Spool, settings: DataPlaneSettings, on_recorded: Callable[[int], None], on_missing: Callable[[int, int], None],
    ) -> None:
        self.recording = recording
        self.clock = CameraClock()
        self.until_ns: int | None = None                     # UTC: end of the last recorded sample, None: none yet
        self.recorded_ns = 0                                 # media time since the recorder exists
        self.recorded_bytes = 0
        self.format: VideoFormat | None = None
        self._spool, self._settings, self._on_recorded, self._on_missing = spool, settings, on_recorded, on_missing
        self._length = round(settings.segment_s * VIDEO_RATE)
        self._drift_limit = settings.drift_limit_ms * VIDEO_RATE // 1000
        self._number = recording.first_number
        self._object: _Object | None = None
        self._connection = self._new_connection(None, None)
        self._sequence = 0
        self._last_tick = 0

    @property
    def offset(self) -> int | None:
        """Ticks from the connection's time line to UTC, None before its first GOP."""
        return self._object.offset if self._object is not None else None

    @property
    def parameters(self) -> ParameterSets | None:
        """Of the object being written."""
        return self._object.parameters if self._object is not None else None

    @property
    def next_number(self) -> int:
        """Of the segment that begins next; whoever records this camera on under the same epoch begins with it."""
        return self._number

    def connected(self, audio: AudioTrack | None, units: AacDepacketiser | None) -> None:
        self._connection = self._new_connection(audio, units)

    def take(self, gop: Gop) -> None:
        """Writes one GOP, in a new object where one begins."""
        offset = self._connection.anchor.observe(gop.start, gop.delay)
        begins = self._object is None or (gop.key and self._must_cut(self._object, gop, offset))
        current = self._begin(gop, offset) if begins else self._object
        if current is not None:  # else its parameter sets say nothing sensible
            self._write(current, gop)

    def disconnected(self) -> None:
        """The connection is over: the object ends with its last sample."""
        if self._object is not None:
            self._end(self._object, self._object.following + self._object.offset)
            self._object = None

    def _new_connection(self, audio: AudioTrack | None, units: AacDepacketiser | None) -> _Connection:
        return _Connection(audio, units, ArrivalAnchor(round(self._settings.anchor_window_s * VIDEO_RATE)))

    def _must_cut(self, current: _Object, gop: Gop, offset: int) -> bool:
        return (
            gop.start - current.first >= self._length
            or gop.parameters != current.parameters
            or current.jumped
            or abs(offset - current.offset) > self._drift_limit
            or current.segment.failure is not None
        )

    def _begin(self, gop: Gop, offset: int) -> _Object | None:
        """The object before ends where this one begins, unless whole frames are missing between."""
        try:
            init = init_segment(VideoTrack(gop.parameters.codec, gop.parameters.nals), self._connection.audio)
            self.format = read_format(gop.parameters.codec, gop.parameters.nals)
        except DamagedMedia:
            self.disconnected()
            return None
        before = self._object
        start = gop.start + offset
        if before is None:
            start = max(start, self._last_tick)              # the clamp is for a reconnect quicker than the anchor's error
            offset = start - gop.start
        step = offset - before.offset if before is not None else 0
        contiguous = before is not None and not gop.hole and before.segment.failure is None
        if before is not None:
            own_end = before.following + before.offset
            self._end(before, start if contiguous and start > before.first + before.offset else own_end)
            if gop.hole and start > own_end:
                self._on_missing(to_ns(own_end), to_ns(start))
        head = SegmentHead(
            self.recording.camera, self.recording.owner, self.recording.epoch, self._number, to_ns(start), self._codec_string(self.format), self.format.width,
            self.format.height, self._connection.audio is not None, contiguous, to_ns(step), abs(step) > self._drift_limit, self.recording.previous_sha256,
            self.recording.priority, self.clock.offset_ns,
        )
        self._number += 1
        if self._connection.units is not None:
            self._connection.units.reanchor()
        self._object = _Object(self._spool.begin(head, init), gop.parameters, offset, gop.start, gop.start)
        return self._object

    def _codec_string(self, video: VideoFormat) -> str:
        """RFC 6381, with the sound's object type (the first five bits of its configuration) behind the picture's."""
        audio = self._connection.audio
        return video.codec_string if audio is None else f"{video.codec_string},mp4a.40.{audio.config[0] >> 3}"

    def _write(self, current: _Object, gop: Gop) -> None:
        units = self._connection.units
        video = video_run(gop.times, gop.sizes, gop.following, current.offset, key=gop.key)
        self._sequence += 1
        parts = fragment(self._sequence, video, gop.data, units.take() if units is not None else None)
        end = video.tfdt + sum(video.durations)
        size = sum(map(len, parts))
        start_ns, self.until_ns = to_ns(video.tfdt), to_ns(end)
        self._spool.append(current.segment, SpoolFragment(parts, size, start_ns, self.until_ns, video.tfdt, gop.key))
        current.following = end - current.offset
        current.lost += gop.lost
        current.damaged += gop.damaged
        current.jumped = current.jumped or gop.jumps > 0
        self.recorded_ns += self.until_ns - start_ns
        self.recorded_bytes += size
        self._on_recorded(start_ns)

    def _end(self, current: _Object, end: int) -> None:
        media = current.following - current.first
        self._last_tick = end
        self.until_ns = to_ns(end)
        self._spool.finish(
            current.segment, SegmentEnd(self.until_ns, to_ns(media), current.lost, current.damaged, current.jumped, self.clock.offset_ns),
        )
