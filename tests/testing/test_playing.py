"""One client on a clock that the test moves."""

import random
from fractions import Fraction

import pytest

from vonglau.testing.cameras.clock import CameraClock, ntp
from vonglau.testing.cameras.faults import Faults
from vonglau.testing.cameras.packets import split_framing
from vonglau.testing.cameras.playing import BACKLOG_LIMIT, Playing, Wire
from vonglau.testing.cameras.reels import Frame, LoopReel
from vonglau.testing.cameras.track import Run, Track


class Stand:
    """A clock, a wire that remembers, and one playing client with a key frame every half second of ten frames per second."""

    def __init__(self, at: float = 0.0, **faults: str) -> None:
        self.now, self.backlog = 0.0, 0
        self.written: list[bytes] = []
        self.clock = CameraClock(monotonic=lambda: self.now, wall=lambda: 1_800_000_000.0)
        self.now = at
        reel = LoopReel("a", [Frame([b"frame"], n, n % 5 == 0) for n in range(20)], Fraction(10), 90_000, 96)
        track = Track(reel, channel=0, ssrc=1, sequence=0, base=0)
        wire = Wire(lambda data: self.written.append(bytes(data)), lambda: self.backlog, lambda: self.written.append(b"reset"))
        self.playing = Playing("main", self.clock, {1: track}, wire, Faults().told(faults), random.Random(1))

    def run(self, until: float) -> None:
        while self.now < until:
            self.now = round(self.now + 0.02, 2)
            self.playing.push()

    def packets(self, channel: int) -> list[bytes]:
        return [packet for data in self.written if data[:1] == b"$" for packet in split_framing(data) if packet[1] == channel]


def test_all_that_is_due_goes_out_and_nothing_twice() -> None:
    stand = Stand()
    stand.run(2.5)
    assert stand.playing.play.runs == [Run("a", 5, 26)]
    assert len(stand.packets(0)) == stand.playing.play.frames == 21


def test_sender_reports_come_at_once_and_every_five_seconds() -> None:
    stand = Stand()
    stand.run(12)
    assert [int.from_bytes(report[20:24], "big") // 90_000 for report in stand.packets(1)] == [0, 5, 10]


def test_a_camera_without_rtcp_sends_none() -> None:
    stand = Stand(rtcp="off")
    stand.run(6)
    assert stand.packets(1) == []


def test_for_a_client_that_does_not_read_frames_are_left_out_whole_and_counted() -> None:
    stand = Stand()
    stand.run(1.2)
    stand.backlog = BACKLOG_LIMIT + 1
    stand.run(2.2)
    stand.backlog = 0
    stand.run(3.0)
    assert stand.playing.play.runs == [Run("a", 5, 13), Run("a", 25, 31)]
    assert stand.playing.play.skipped > 0


def test_a_cut_writes_part_of_a_packet_and_then_resets() -> None:
    stand = Stand()
    stand.playing.cut()
    part, reset = stand.written
    assert len(part) < 4 + int.from_bytes(part[2:4], "big")
    assert reset == b"reset"


def test_a_client_that_comes_to_a_frozen_camera_gets_the_frozen_frame() -> None:
    stand = Stand(at=0.7)
    stand.playing.repeat_frame()
    stand.run(1.0)
    assert {run.reel for run in stand.playing.play.runs} == {"frozen"}


def test_a_drifting_clock_goes_on_from_where_it_was() -> None:
    stand = Stand()
    stand.now = 10.0
    stand.clock.drift(0.02)
    assert stand.clock.seconds() == 10.0
    stand.now = 110.0
    assert stand.clock.seconds() == pytest.approx(112.0)
    assert stand.clock.time_of_day() == pytest.approx(1_800_000_112.0)


def test_ntp_time_is_that_of_the_standard() -> None:
    assert ntp(0.5) == 2_208_988_800 << 32 | 1 << 31
