"""What a viewer gets of the connection that records: parts of a GOP while it is still coming."""

from dataclasses import dataclass
from typing import Protocol

from services.ingest.fragment import fragment, video_run
from services.ingest.media.aac import AacDepacketiser
from services.ingest.media.depacketise import Depacketiser
from services.ingest.media.gop import Gop, ParameterSets
from vonglau.media.errors import DamagedMedia
from vonglau.media.fmp4 import AudioTrack, VideoTrack, init_segment
from vonglau.media.ticks import VIDEO_RATE, to_ns

_LONGEST = VIDEO_RATE // 4                                   # ticks of one part
_MANY = 16                                                   # access units that wait for one that should be shown before them: it won't come


@dataclass(frozen=True, slots=True)
class LivePart:
    """One `moof` + `mdat`; a viewer may begin with any part that has `key`."""

    data: bytes
    start_ns: int                                            # UTC, of arrival
    duration_ns: int
    key: bool


class Viewer(Protocol):
    """Called on the event loop; must not wait."""

    def init_changed(self, init: bytes) -> None:
        """Before the first part, and before the first with other codec parameters."""

    def part_came(self, part: LivePart) -> None: ...


class LiveParts:
    """Cuts parts off the open GOP of one connection. Its time line runs on over objects and follows their anchors in steps of less than a frame."""

    def __init__(self, viewer: Viewer, depacketiser: Depacketiser, track: AudioTrack | None, audio: AacDepacketiser | None) -> None:
        self._viewer, self._depacketiser, self._track, self._audio = viewer, depacketiser, track, audio
        self._parameters: ParameterSets | None = None        # of the init segment sent last
        self._sent = 0                                       # access units of the open GOP that went out
        self._sent_bytes = 0
        self._next: int | None = None                        # on the connection's line: where the next frame is to be shown
        self._offset: int | None = None
        self._end = 0                                        # ticks, UTC: where the last part ended
        self._sequence = 0
        if audio is not None:
            audio.tap = []

    def stop(self) -> None:
        if self._audio is not None:
            self._audio.tap = None

    def anchor(self, offset: int | None) -> None:
        """Where the object being recorded stands in UTC; counts from the next part on."""
        if offset is not None:
            self._offset = offset

    def advance(self) -> None:
        """After a drain: what has come of the open GOP since the last part. A new connection first shows whether it reorders frames: a second or two."""
        data, times, sizes, following = self._depacketiser.open_samples()
        if times and self._depacketiser.timeline.settled and self._ready(self._depacketiser.parameters):
            self._send(data, times, sizes, following, key=self._depacketiser.opens_with_key, whole=False)

    def finish(self, gop: Gop) -> None:
        """Before the GOP goes to the recorder: the rest of it."""
        if self._ready(gop.parameters):
            self._send(gop.data, gop.times, gop.sizes, gop.following, key=gop.key, whole=True)
        self._sent = self._sent_bytes = 0

    def _ready(self, parameters: ParameterSets) -> bool:
        if self._offset is None:                             # the first GOP of a connection: better than waiting for its end
            self._offset = self._depacketiser.arrival - self._depacketiser.timeline.time
        if parameters != self._parameters:
            try:
                self._viewer.init_changed(init_segment(VideoTrack(parameters.codec, parameters.nals), self._track))
            except DamagedMedia:
                return False
            self._parameters = parameters
        return True

    def _send(self, data: bytearray, times: list[int], sizes: list[int], following: int, *, key: bool, whole: bool) -> None:
        while self._sent < len(times):
            stop = self._closed(times, following, whole=whole)
            if stop == self._sent:
                return
            after = following if stop == len(times) else min(times[stop:])
            line = self._depacketiser.timeline
            if line.reordered:                               # what comes next in decoding order is shown later
                after = min(after, max(times[self._sent:stop]) + line.frame)
            self._emit(data, times, sizes, stop, after, key=key and self._sent == 0)

    def _closed(self, times: list[int], following: int, *, whole: bool) -> int:
        """How many access units can go out: no later one may be shown before the last of them. With B-frames that is known by counting frames."""
        line, first = self._depacketiser.timeline, self._sent
        coming = [*times[first:], following]
        expected = coming[0] if self._next is None or len(coming) > _MANY else min(self._next, coming[0])
        latest, found = coming[0], first
        for count in range(1, len(coming)):
            latest = max(latest, coming[count - 1])
            if coming[count] - expected > _LONGEST and found > first:
                break
            if not line.reordered or latest - expected < (count - 1) * line.frame + line.frame // 2:
                found = first + count
        return len(times) if whole and found == first else found

    def _emit(self, data: bytearray, times: list[int], sizes: list[int], stop: int, after: int, *, key: bool) -> None:
        offset = self._offset or 0
        start, size = self._sent_bytes, sum(sizes[self._sent:stop])
        offset += max(0, self._end - self._depacketiser.timeline.frame // 4 - (min(times[self._sent:stop]) + offset))
        video = video_run(times[self._sent:stop], sizes[self._sent:stop], after, offset, key=key)
        self._sequence += 1
        duration = sum(video.durations)
        audio = self._audio.take_tapped() if self._audio is not None else None
        payload = b"".join(fragment(self._sequence, video, bytes(data[start:start + size]), audio))
        self._next = max(times[self._sent:stop]) + self._depacketiser.timeline.frame
        self._sent, self._sent_bytes, self._end = stop, start + size, video.tfdt + duration
        self._viewer.part_came(LivePart(payload, to_ns(video.tfdt), to_ns(duration), key))


def open_gop(depacketiser: Depacketiser, offset: int) -> LivePart | None:
    """The access units that no file has yet, as one part on the recorder's time line, without sound: playback reaches to now with it."""
    data, times, sizes, following = depacketiser.open_samples()
    if not times:
        return None
    video = video_run(times, sizes, following, offset, key=depacketiser.opens_with_key)
    payload = b"".join(fragment(0, video, bytes(data[:sum(sizes)]), None))
    return LivePart(payload, to_ns(video.tfdt), to_ns(sum(video.durations)), depacketiser.opens_with_key)
