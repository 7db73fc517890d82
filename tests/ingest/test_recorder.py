"""Where objects begin and end, and what is said of them."""
from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import pairwise
from typing import Protocol

import pytest

from services.ingest.data_plane_settings import DataPlaneSettings
from services.ingest.media.gop import Gop, ParameterSets
from services.ingest.recorder import Recorder, Recording
from services.ingest.segment import ClosedSegment
from services.ingest.spool import Spool
from vonglau.media.fragments import fragments
from vonglau.testing.rtp import H264_PPS, H264_SPS

SECOND = 1_000_000_000
NOW = 1_767_225_600 * SECOND
MS = 90                                                      # ticks

Gops = Callable[..., Gop]


class ToldLike(Protocol):
    closed: list[ClosedSegment]


class Desk:
    """A recorder with what it reports, and a way to its closed segments."""

    def __init__(self, spool: Spool, told: ToldLike, recording: Recording | None = None) -> None:
        self.recorded: list[int] = []
        self.missing: list[tuple[int, int]] = []
        self._spool, self._told = spool, told
        self.recorder = Recorder(
            recording or Recording("cam-1", "hanoi-police", 7), spool, DataPlaneSettings(segment_s=3), self.recorded.append,
            lambda begun, ended: self.missing.append((begun, ended)),
        )
        self.recorder.connected(None, None)

    def take(self, gops: Iterable[Gop]) -> Desk:
        for gop in gops:
            self.recorder.take(gop)
        return self

    def closed(self) -> list[ClosedSegment]:
        self.recorder.disconnected()
        self._spool.close()
        return self._told.closed


@pytest.fixture
def desk(spooling: Callable[..., Spool], told: ToldLike) -> Desk:
    return Desk(spooling(), told)


def spans(segments: list[ClosedSegment]) -> list[tuple[float, float]]:
    return [((one.head.start_ns - NOW) / SECOND, (one.end_ns - NOW) / SECOND) for one in segments]


def test_objects_are_cut_on_a_key_frame_after_their_length_and_follow_each_other(desk: Desk, gop: Gops) -> None:
    segments = desk.take(gop(number) for number in range(8)).closed()
    assert spans(segments) == [(0, 3), (3, 6), (6, 8)]
    assert [one.fragments for one in segments] == [3, 3, 2]
    assert [one.head.number for one in segments] == [0, 1, 2]
    assert [one.head.contiguous for one in segments] == [False, True, True]
    assert desk.recorded == [NOW + number * SECOND for number in range(8)]


def test_each_object_names_the_hash_of_the_one_before(spooling: Callable[..., Spool], told: ToldLike, gop: Gops) -> None:
    desk = Desk(spooling(), told, Recording("cam-1", "hanoi-police", 7, previous_sha256="ab" * 32))
    segments = desk.take(gop(number) for number in range(8)).closed()
    assert [one.head.previous_sha256 for one in segments] == ["ab" * 32, segments[0].sha256, segments[1].sha256]


def test_the_times_in_the_file_are_those_of_arrival(desk: Desk, gop: Gops) -> None:
    (segment,) = desk.take([gop(0), gop(1)]).closed()
    assert [run.tfdt for fragment in fragments(segment.path.read_bytes()) for run in fragment.tracks] == [NOW // SECOND * 90_000, (NOW // SECOND + 1) * 90_000]


def test_other_parameter_sets_begin_another_object(desk: Desk, gop: Gops) -> None:
    other = ParameterSets("h264", (H264_SPS[:3] + b"\x1e" + H264_SPS[4:], H264_PPS))
    segments = desk.take([gop(0), gop(1, parameters=other), gop(2, parameters=other)]).closed()
    assert spans(segments) == [(0, 1), (1, 3)]
    assert [one.head.codec for one in segments] == ["avc1.64000c", "avc1.64001e"]
    assert (segments[0].head.width, segments[0].head.height) == (320, 180)


def test_a_small_step_of_media_time_is_drift_at_the_next_object(desk: Desk, gop: Gops) -> None:
    late = [gop(number, late=number * 20 * MS) for number in range(16)]
    segments = desk.take(late).closed()
    drifts = [one.head.drift_ns for one in segments]
    assert drifts[0] == 0
    assert all(0 <= drift <= 200_000_000 for drift in drifts)
    assert sum(drifts) > 0
    assert not any(one.head.discontinuity for one in segments)
    assert all(earlier.end_ns == later.head.start_ns for earlier, later in pairwise(segments))


def test_a_larger_step_is_a_discontinuity_and_cuts_at_once(desk: Desk, gop: Gops) -> None:
    segments = desk.take([gop(0), gop(1), gop(2, late=-5000 * MS)]).closed()
    assert [one.head.discontinuity for one in segments] == [False, True]
    assert segments[1].head.drift_ns == -5 * SECOND


def test_media_that_stays_behind_arrival_is_a_discontinuity_once_it_is_certain(desk: Desk, gop: Gops) -> None:
    segments = desk.take([*map(gop, range(3)), *(gop(number, late=5000 * MS) for number in range(3, 20))]).closed()
    (jumped,) = [one for one in segments if one.head.discontinuity]
    assert jumped.head.drift_ns == 5 * SECOND
    assert all(earlier.end_ns == later.head.start_ns for earlier, later in pairwise(segments))


def test_a_burst_that_comes_late_once_changes_nothing(desk: Desk, gop: Gops) -> None:
    segments = desk.take(gop(number, late=2000 * MS if number in (4, 5) else 0) for number in range(9)).closed()
    assert [one.head.drift_ns for one in segments] == [0, 0, 0]


def test_a_jump_of_the_media_clock_marks_its_object_and_ends_it(desk: Desk, gop: Gops) -> None:
    segments = desk.take([gop(0), gop(1, jumps=1), gop(2)]).closed()
    assert spans(segments) == [(0, 2), (2, 3)]
    assert [one.head.discontinuity for one in segments] == [True, False]


def test_missing_frames_between_two_objects_are_a_gap_that_is_told(desk: Desk, gop: Gops) -> None:
    segments = desk.take([gop(0), gop(1), gop(2), gop(5, hole=True), gop(6)]).closed()
    assert spans(segments) == [(0, 3), (5, 7)]
    assert [one.head.contiguous for one in segments] == [False, False]
    assert desk.missing == [(NOW + 3 * SECOND, NOW + 5 * SECOND)]


def test_a_lost_connection_ends_the_object_with_its_last_sample(desk: Desk, gop: Gops) -> None:
    desk.take([gop(0), gop(1, count=4)])
    desk.recorder.disconnected()
    assert desk.recorder.until_ns == NOW + round(1.4 * SECOND)
    desk.recorder.connected(None, None)
    segments = desk.take([replace(gop(0), delay=gop(0).delay + 9000 * MS)]).closed()
    assert spans(segments) == [(0, 1.4), (9, 10)]
    assert [one.head.contiguous for one in segments] == [False, False]


def test_a_new_connection_never_begins_before_the_old_one_ended(desk: Desk, gop: Gops) -> None:
    desk.take([gop(0)])
    desk.recorder.disconnected()
    desk.recorder.connected(None, None)
    segments = desk.take([gop(0, late=900 * MS), gop(1, late=900 * MS)]).closed()
    assert spans(segments) == [(0, 1), (1, 3)]


def test_a_stream_whose_sets_can_not_be_read_is_not_written(desk: Desk, gop: Gops) -> None:
    nonsense = ParameterSets("h264", (b"\x67\x64\x00", H264_PPS))
    assert desk.take([gop(0, parameters=nonsense)]).closed() == []


def test_losses_and_media_time_are_summed_per_object(desk: Desk, gop: Gops) -> None:
    segments = desk.take(replace(gop(number), lost=2, damaged=1) for number in range(4)).closed()
    assert [(one.lost_packets, one.damaged_access_units, one.media_duration_ns) for one in segments] == [(6, 3, 3 * SECOND), (2, 1, SECOND)]
