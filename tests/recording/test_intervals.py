"""Intervals behave as sets of instants."""
from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from services.recording.days import HOUR_NS, as_date, day_name, day_of_name, day_of_path, hour_bits, hour_name, hour_of_name, hours_between, hours_of_bits
from services.recording.intervals import Interval, common, minus, union, within

intervals = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 12)).map(lambda each: (each[0], each[0] + each[1])), max_size=8)


def instants(found: list[Interval]) -> set[int]:
    return {at for start, end in found for at in range(start, end)}


def is_proper(found: list[Interval]) -> bool:
    return all(end > start for start, end in found) and all(one[1] <= other[0] for one, other in pairwise(found))


@given(one=intervals)
def test_a_union_has_the_same_instants_and_no_overlap(one: list[Interval]) -> None:
    found = union(one)
    assert instants(found) == instants(one)
    assert is_proper(found)


@given(one=intervals, tolerance=st.integers(0, 5))
def test_a_tolerance_closes_exactly_the_holes_that_are_not_longer(one: list[Interval], tolerance: int) -> None:
    whole = [each for each in one if each[1] > each[0]]
    found = union(whole, tolerance)
    assert instants(found) >= instants(whole)
    assert all(other[0] - one[1] > tolerance for one, other in pairwise(found))


@given(one=intervals, other=intervals)
def test_minus_and_common_are_difference_and_intersection(one: list[Interval], other: list[Interval]) -> None:
    left, right = union(one), union(other)
    assert instants(minus(left, right)) == instants(left) - instants(right)
    assert instants(common(left, right)) == instants(left) & instants(right)
    assert is_proper(minus(left, right))


@given(one=intervals, start=st.integers(0, 40), length=st.integers(1, 12))
def test_within_keeps_what_lies_in_the_range(one: list[Interval], start: int, length: int) -> None:
    assert instants(within(union(one), start, start + length)) == instants(one) & set(range(start, start + length))


@given(hour=st.integers(0, 1_000_000))
def test_an_hour_is_found_again_by_its_name(hour: int) -> None:
    assert hour_of_name(hour_name(hour)) == hour


@given(day=st.integers(0, 40_000), hours=st.sets(st.integers(0, 23)))
def test_days_and_their_hours_are_found_again(day: int, hours: set[int]) -> None:
    stated = as_date(day)
    assert day_of_name(day_name(day)) == day
    assert day_of_path(f"cam-1/{stated['year']:04}/{stated['month']:02}/{stated['day']:02}/archive-0") == day
    assert hours_of_bits(day, hour_bits(day * 24 + hour for hour in hours)) == [day * 24 + hour for hour in sorted(hours)]


def test_a_span_touches_the_hours_up_to_its_last_instant() -> None:
    assert list(hours_between(0, HOUR_NS)) == [0]
    assert list(hours_between(HOUR_NS - 1, HOUR_NS + 1)) == [0, 1]
    assert list(hours_between(HOUR_NS, HOUR_NS)) == [1]


def test_other_paths_name_no_day() -> None:
    assert [day_of_path(key) for key in ("cam-1/clip.mp4", "cam-1/2026/13/01/x", "cam-1/2026/x/01/y", "x")] == [None] * 4
