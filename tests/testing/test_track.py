"""Which frames a client gets at which camera time, and with which numbers on them."""

import itertools
import struct
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vonglau.testing.cameras.packets import split_framing
from vonglau.testing.cameras.reels import BLOCK_LIMIT, Frame, LoopReel, bounds
from vonglau.testing.cameras.track import Run, Track


def reel(frames: int = 10, gop: int = 5, fps: Fraction = Fraction(10), name: str = "a", order: list[int] | None = None) -> LoopReel:
    """Frame n has n % 3 + 1 packets; each says which frame it is."""
    shown = order or [*range(frames)]
    made = [Frame([f"{name}{n}".encode()] * (n % 3 + 1), shown[n], n % gop == 0) for n in range(frames)]
    return LoopReel(name, made, fps, 90_000, 96)


def track(of: LoopReel, *, base: int = 0, sequence: int = 0) -> Track:
    return Track(of, channel=0, ssrc=1, sequence=sequence, base=base)


def told(pieces: list[memoryview]) -> list[tuple[int, int, str]]:
    """(sequence number, time stamp, which frame) of each packet."""
    return [(*struct.unpack(">HI", p[6:12]), p[16:].decode()) for piece in pieces for p in split_framing(piece)]


def frames(pieces: list[memoryview]) -> list[str]:
    return list(dict.fromkeys(text for _, _, text in told(pieces)))


def test_a_client_begins_with_the_next_key_frame() -> None:
    one = track(reel())
    one.begin(0.25, at_key=True)
    assert one.take(0.49) == []
    assert frames(one.take(0.5)) == ["a5"]


def test_a_camera_may_begin_in_the_middle_of_a_gop() -> None:
    one = track(reel())
    one.begin(0.25, at_key=False)
    assert frames(one.take(0.31)) == ["a3"]


def test_nothing_is_sent_before_it_was_taken_and_nothing_twice() -> None:
    one = track(reel())
    one.begin(-0.01, at_key=True)
    assert [frames(one.take(t)) for t in (0.0, 0.05, 0.1, 0.35)] == [["a0"], [], ["a1"], ["a2", "a3"]]


@given(begin=st.floats(0, 50), steps=st.lists(st.floats(0, 3), max_size=20))
def test_sequence_numbers_and_time_stamps_run_on_over_every_seam(begin: float, steps: list[float]) -> None:
    one = track(reel(), base=2**32 - 100_000, sequence=65_530)
    one.begin(begin, at_key=True)
    packets = []
    for step in steps:
        begin += step
        packets += told(one.take(begin))
    assert [seq for seq, _, _ in packets] == [(65_530 + i) % 65_536 for i in range(len(packets))]
    stamps = list(dict.fromkeys(stamp for _, stamp, _ in packets))
    assert {(two - first) % 2**32 for first, two in itertools.pairwise(stamps)} <= {9000}


def test_time_stamps_of_a_fractional_frame_rate_never_drift() -> None:
    one = track(reel(fps=Fraction(30000, 1001)))
    one.begin(0.0, at_key=False)
    one.take(3600.0)
    last = told(one.take(3600.1))[-1]
    assert last[1] == pytest.approx(3600.1 * 90_000, abs=3003)


def test_b_frames_are_sent_in_decode_order_once_all_they_need_was_taken() -> None:
    one = track(reel(frames=4, gop=4, order=[0, 3, 1, 2]))
    one.begin(-0.11, at_key=True)
    assert one.take(0.19) == []
    packets = told(one.take(0.55))
    assert list(dict.fromkeys(stamp // 9000 for _, stamp, _ in packets)) == [0, 3, 1, 2]


def test_the_first_time_stamp_is_known_before_the_first_frame_is_sent() -> None:
    one = track(reel(), base=1000)
    one.begin(0.25, at_key=True)
    promised = one.first_timestamp()
    assert told(one.take(0.5))[0][1] == promised == 1000 + 45_000


def test_a_jump_moves_time_stamps_and_leaves_sequence_numbers() -> None:
    one = track(reel())
    one.begin(0.0, at_key=False)
    before = told(one.take(0.2))
    one.jump(-10.0)
    after = told(one.take(0.3))
    assert after[0][0] == before[-1][0] + 1
    assert after[0][1] == (27_000 - 900_000) % 2**32


def test_a_switch_waits_for_the_other_reels_key_frame_and_loses_nothing() -> None:
    one = track(reel())
    one.begin(-0.01, at_key=True)
    one.take(0.2)
    one.switch(reel(name="b", fps=Fraction(20), gop=10))
    packets = told(one.take(0.61))
    assert list(dict.fromkeys(text for _, _, text in packets)) == ["a3", "a4", "b0", "b1", "b2"]
    assert [seq for seq, _, _ in packets] == [*range(6, 6 + len(packets))]
    stamps = list(dict.fromkeys(stamp for _, stamp, _ in packets))
    assert stamps == [27_000, 36_000, 45_000, 49_500, 54_000]


def test_a_switch_shows_in_the_runs() -> None:
    one = track(reel())
    one.begin(-0.01, at_key=True)
    one.take(0.2)
    one.switch(reel(name="b"))
    one.take(0.7)
    assert one.runs == [Run("a", 0, 5), Run("b", 5, 8)]


def test_what_was_skipped_is_a_hole_in_the_runs() -> None:
    one = track(reel())
    one.begin(-0.01, at_key=True)
    one.take(0.2)
    one.begin(0.8, at_key=True)
    one.take(1.2)
    assert one.runs == [Run("a", 0, 3), Run("a", 10, 13)]


def test_a_frozen_camera_repeats_the_newest_key_frame_with_running_time() -> None:
    one = track(reel())
    one.begin(-0.01, at_key=True)
    one.take(0.7)
    one.switch(one.reel.frozen(8) if isinstance(one.reel, LoopReel) else one.reel)
    packets = told(one.take(1.0))
    assert {text for _, _, text in packets} == {"a5"}
    assert list(dict.fromkeys(stamp for _, stamp, _ in packets)) == [72_000, 81_000, 90_000]


def test_sender_reports_count_what_was_sent() -> None:
    one = track(reel())
    one.begin(-0.01, at_key=True)
    packets = told(one.take(0.25))
    assert (one.packets, one.octets) == (len(packets), sum(len(text) for _, _, text in packets))


@given(st.lists(st.booleans(), min_size=1, max_size=400))
def test_blocks_cover_every_frame_and_none_is_too_long(keys: list[bool]) -> None:
    marks = bounds(keys)
    assert (marks[0], marks[-1]) == (0, len(keys))
    assert all(0 < two - one <= BLOCK_LIMIT for one, two in itertools.pairwise(marks))
