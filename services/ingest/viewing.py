"""One viewer's time line: players want it to begin at 0. Then it runs on, over what was skipped, changes of the picture, and from process to process."""
from __future__ import annotations

from vonglau.ingest.v1.service_pb2 import WatchResponse
from vonglau.media.fragments import fragments, retimed
from vonglau.media.init import read_init
from vonglau.media.ticks import to_ns, to_ticks


class TimeLine:
    def __init__(self) -> None:
        self._init = b""
        self._rates: dict[int, int] = {}  # track -> ticks per second
        self._begin_ns: int | None = None  # UTC
        self._sequence = 0

    def shown(self, response: WatchResponse) -> WatchResponse | None:
        """What the viewer gets of it; None: an init segment that it has already."""
        if not response.init_segment:
            return WatchResponse(media=self._moved(response.media), start_ns=response.start_ns, skipped=response.skipped)
        if response.init_segment == self._init:
            return None
        self._init = response.init_segment
        self._rates = {track.track: track.timescale for track in read_init(self._init)}
        return response

    def _moved(self, part: bytes) -> bytes:
        """part: one `moof` + `mdat`, in UTC."""
        (fragment,) = fragments(part)
        if self._begin_ns is None:
            self._begin_ns = min(to_ns(run.tfdt, self._rates[run.track]) for run in fragment.tracks)
        self._sequence += 1
        begin_ns = self._begin_ns
        return retimed(part, self._sequence, {run.track: max(0, run.tfdt - to_ticks(begin_ns, self._rates[run.track])) for run in fragment.tracks})
