from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vonglau.testing.scenes.junction import LINE, Junction

SEEDS = st.integers(0, 1000)


@given(seed=SEEDS, t=st.floats(0, 200))
def test_every_box_lies_inside_the_picture_and_is_not_empty(seed: int, t: float) -> None:
    for seen in Junction(seed, 20).seen(t):
        left, top, right, bottom = seen.box
        assert 0 <= left < right <= 1
        assert 0 <= top < bottom <= 1


@given(seed=SEEDS, t=st.floats(0, 60))
def test_two_objects_seen_at_once_never_share_a_track(seed: int, t: float) -> None:
    tracks = [seen.track for seen in Junction(seed, 20).seen(t)]
    assert len(tracks) == len(set(tracks))


@given(seed=SEEDS)
def test_nobody_jumps_at_the_loops_seam(seed: int) -> None:
    before = {seen.track: seen.box for seen in Junction(seed, 20).seen(19.999)}
    after = {seen.track: seen.box for seen in Junction(seed, 20).seen(20.001)}
    stayed = before.keys() & after.keys()
    assert stayed
    assert all(abs(a - b) < 0.01 for track in stayed for a, b in zip(before[track], after[track], strict=True))


@given(seed=SEEDS)
def test_the_loop_shows_the_same_places_each_turn_under_new_tracks(seed: int) -> None:
    first, second = Junction(seed, 20).seen(3.3), Junction(seed, 20).seen(23.3)
    assert [s.box for s in first] == [pytest.approx(s.box) for s in second]
    assert not {s.track for s in first} & {s.track for s in second}


@given(seed=SEEDS, begin=st.integers(0, 30), length=st.integers(1, 30))
def test_crossings_are_what_somebody_counts_who_watches_each_middle_pass_the_line(seed: int, begin: int, length: int) -> None:
    junction = Junction(seed, Fraction(20))
    counted = 0
    for actor in junction.actors:
        for step in range(begin * 20, (begin + length) * 20):
            (lap, one), (next_lap, two) = (actor.progress(s / 20, junction.loop) for s in (step, step + 1))
            counted += lap == next_lap and (one < LINE <= two or one > LINE >= two)
    # A middle exactly on the line at the edge of the range may be counted in the neighbouring range.
    assert abs(len(junction.crossings(begin, begin + length)) - counted) <= 1


def test_crossings_of_two_halves_are_those_of_the_whole() -> None:
    junction = Junction(1, 20)
    assert junction.crossings(0, 7.5) + junction.crossings(7.5, 20) == junction.crossings(0, 20)


def test_each_turn_of_the_loop_has_the_same_crossings() -> None:
    junction = Junction(4, 20)
    first, second = junction.crossings(0, 20), junction.crossings(20, 40)
    assert len(first) == sum(actor.laps for actor in junction.actors)
    assert [(c.kind, c.direction) for c in first] == [(c.kind, c.direction) for c in second]
