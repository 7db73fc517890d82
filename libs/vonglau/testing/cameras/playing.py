"""One client that plays: its tracks, its sender reports, and what happens to it."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from vonglau.testing.cameras import rtcp
from vonglau.testing.cameras.clock import CameraClock
from vonglau.testing.cameras.faults import Faults
from vonglau.testing.cameras.mangling import mangle
from vonglau.testing.cameras.reels import LoopReel, Reel
from vonglau.testing.cameras.track import Run, Track

BACKLOG_LIMIT = 8 << 20  # bytes that a slow client may leave unread before frames are skipped for it


@dataclass(slots=True)
class Play:
    """What one client was sent, as truth for a test: `runs` are the video frames, hole by hole."""

    profile: str
    began: float  # Unix time of the PLAY
    runs: list[Run] = field(default_factory=list)
    ended: float | None = None
    skipped: int = 0  # times that frames were left out because the client didn't read

    @property
    def frames(self) -> int:
        return sum(run.next - run.first for run in self.runs)


class Wire:
    """The connection as seen from here."""

    def __init__(self, write: Callable[[bytes | memoryview], None], backlog: Callable[[], int], reset: Callable[[], None]) -> None:
        self.write, self.backlog, self.reset = write, backlog, reset


class Playing:
    def __init__(self, profile: str, clock: CameraClock, tracks: dict[int, Track], wire: Wire, faults: Faults, chance: random.Random) -> None:
        self.profile, self.tracks = profile, tracks
        self.play = Play(profile, time.time(), tracks[1].runs if 1 in tracks else [])
        self.stalled = False
        self.faults = faults
        self._clock, self._wire, self._chance = clock, wire, chance
        self._own_reel: Reel | None = None
        self._report_at = 0.0
        now = clock.seconds()
        for number, track in tracks.items():
            track.begin(now, at_key=number == 1 and faults.start == "key")

    def push(self) -> None:
        """Send everything that is due. Called on the farm's timer."""
        if self.stalled:
            return
        now = self._clock.seconds()
        if self._wire.backlog() > BACKLOG_LIMIT:
            self.play.skipped += 1
            self.skip_ahead()
            return
        for track in self.tracks.values():
            for piece in track.take(now):
                self._send(piece)
        if self.faults.rtcp and now >= self._report_at:
            self._report_at = now + rtcp.INTERVAL
            self._report(now)

    def stall(self, on: bool = True) -> None:
        if self.stalled and not on:
            self.skip_ahead()
        self.stalled = on

    def skip_ahead(self) -> None:
        """Frames that were not sent in time are gone; go on with the next key frame."""
        now = self._clock.seconds()
        for number, track in self.tracks.items():
            track.begin(now, at_key=number == 1)

    def cut(self) -> None:
        """Part of a packet, then a reset."""
        self._wire.write(b"$\x00\x05\x78" + self._chance.randbytes(700))
        self._wire.reset()

    def repeat_frame(self, on: bool = True) -> None:
        video = self.tracks.get(1)
        if video is None:
            return
        if not on and self._own_reel is not None:
            video.switch(self._own_reel)
            self._own_reel = None
        elif on and self._own_reel is None and isinstance(video.reel, LoopReel):
            self._own_reel = video.heading
            newest = video.next if video.next is not None else video.reel.due(self._clock.seconds())
            video.switch(video.reel.frozen(newest))

    def jump_timestamp(self, seconds: float) -> None:
        for track in self.tracks.values():
            track.jump(seconds)

    def send_garbage(self, size: int = 500) -> None:
        """No '$', no 'R': a client must find its way back to the next framing, or give up."""
        self._wire.write(bytes(self._chance.choices(range(0x80, 0x100), k=size)))

    def switch(self, reel: Reel) -> None:
        """Another reel from its next key frame on; while the picture is frozen, afterwards."""
        if self._own_reel is not None:
            self._own_reel = reel
        elif 1 in self.tracks:
            self.tracks[1].switch(reel)

    def report_soon(self) -> None:
        self._report_at = 0.0

    def _send(self, piece: memoryview) -> None:
        faults = self.faults
        mangled = faults.loss or faults.swap or faults.damage
        self._wire.write(mangle(piece, faults, self._chance) if mangled else piece)

    def _report(self, now: float) -> None:
        for track in self.tracks.values():
            at = self._clock.time_of_day() + self.faults.skew
            self._wire.write(rtcp.sender_report(track.channel + 1, track.ssrc, at, track.timestamp(now), track.packets, track.octets))
