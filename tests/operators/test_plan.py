"""How many pods: laws that hold for any pool, demand and past, and the cases that people will ask about."""
from __future__ import annotations

import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.ingest_fleet.plan import CROWDED_S, Demand, Past, plan, pods_for
from operators.ingest_fleet.pool import Bounds
from operators.ingest_fleet.present import NOTHING, Present, Upload

BOUNDS = Bounds(cameras_per_pod=20, bitrate_per_pod=800_000_000, min_pods=1, max_pods=50, headroom=0, settle_s=60)
MEGA = 1_000_000
LARGEST = 5_000


def needing(cameras: int, unassigned: int = 0, members: int = 1000) -> Demand:
    return Demand(cameras, cameras * MEGA, unassigned=unassigned, members=members)


def standing(replicas: int, **more: object) -> Present:
    every = frozenset(range(replicas))
    return replace(Present(replicas, replicas, every, every), **more)  # type: ignore[arg-type]


@st.composite
def bounds(draw: st.DrawFn) -> Bounds:
    least = draw(st.integers(1, 50))
    capacity = draw(st.integers(1, 2000)), draw(st.integers(1, 20_000)) * MEGA
    return Bounds(*capacity, least, draw(st.integers(least, 200)), draw(st.integers(0, 200)), draw(st.floats(0, 900)))


demands = st.builds(Demand, st.integers(0, 50_000), st.integers(0, 200_000 * MEGA), unassigned=st.integers(0, 50), members=st.integers(0, 300))
some = st.frozensets(st.integers(0, 260), max_size=8)
uploads = st.dictionaries(st.integers(0, 260), st.sampled_from(Upload), max_size=8)
presents = st.builds(Present, st.none() | st.integers(0, 250), st.integers(0, 250), some, some, uploads)
pasts = st.builds(Past, st.lists(st.tuples(st.floats(0, 1000), st.integers(0, 250)), max_size=5).map(tuple), st.none() | st.floats(0, 1000))


@settings(max_examples=50)
@given(bounds(), st.none() | demands, presents, pasts, st.booleans())
def test_no_pool_has_more_pods_than_it_may_unless_they_are_on_their_way_out(
    bounds: Bounds, demand: Demand | None, present: Present, past: Past, is_ending: bool,
) -> None:
    made = plan(bounds, demand, present, past, 1000.0, is_ending=is_ending)
    assert made.replicas <= max(bounds.max_pods, present.replicas or 0)
    assert is_ending or made.replicas >= min(bounds.min_pods, present.replicas or bounds.min_pods)


@settings(max_examples=50)
@given(bounds(), demands, presents, pasts)
def test_what_is_needed_comes_at_once_as_far_as_the_bounds_allow(bounds: Bounds, demand: Demand, present: Present, past: Past) -> None:
    assert plan(bounds, demand, present, past, 1000.0).replicas >= min(pods_for(bounds, demand), bounds.max_pods)


@settings(max_examples=50)
@given(bounds(), presents, pasts)
def test_nothing_falls_while_ingest_is_silent(bounds: Bounds, present: Present, past: Past) -> None:
    assert plan(bounds, None, present, past, 1000.0).replicas >= (present.replicas or 0)


@settings(max_examples=50)
@given(bounds(), st.none() | demands, presents, pasts, st.booleans())
def test_a_claim_goes_only_when_its_pod_has_gone_and_its_spool_is_empty(
    bounds: Bounds, demand: Demand | None, present: Present, past: Past, is_ending: bool,
) -> None:
    made = plan(bounds, demand, present, past, 1000.0, is_ending=is_ending)
    for each in made.release:
        assert each >= made.replicas
        assert each not in present.pods
        assert present.uploads[each] is Upload.DONE
    assert not set(made.upload) & set(made.release)
    assert all(each >= made.replicas and each not in present.pods for each in made.upload)


@settings(max_examples=50)
@given(bounds(), st.lists(st.tuples(demands, st.floats(0.5, 100)), min_size=1, max_size=30))
def test_a_fall_waits_until_fewer_pods_were_enough_for_the_whole_time(bounds: Bounds, course: list[tuple[Demand, float]]) -> None:
    now, past, present = 1000.0, Past(), NOTHING
    needed: list[tuple[float, int]] = []
    for demand, seconds in course:
        here, now = present.replicas, now + seconds
        needed.append((now, min(pods_for(bounds, demand), bounds.max_pods)))
        made = plan(bounds, demand, present, past, now)
        assert made.replicas >= max(pods for then, pods in needed if now - then < bounds.settle_s or then == now)
        assert here is None or made.replicas >= here - max(1, here // 10) or here > bounds.max_pods
        present, past = standing(made.replicas), made.past


@pytest.mark.parametrize(("cameras", "pods"), [(0, 1), (1, 1), (20, 1), (21, 2), (40, 2), (200, 10), (LARGEST, 50)])
def test_pods_follow_cameras(cameras: int, pods: int) -> None:
    assert plan(BOUNDS, needing(cameras), standing(1), Past(), 0.0).replicas == pods


def test_few_cameras_of_many_bits_need_pods_too() -> None:
    assert plan(BOUNDS, Demand(10, 2_000 * MEGA), standing(1), Past(), 0.0).replicas == 3


def test_headroom_is_kept_free() -> None:
    assert plan(replace(BOUNDS, headroom=20), needing(200), standing(1), Past(), 0.0).replicas == 12


def test_what_is_beyond_the_bounds_is_known() -> None:
    made = plan(replace(BOUNDS, max_pods=3), needing(200), standing(1), Past(), 0.0)
    assert (made.replicas, made.wanted) == (3, 10)


def test_the_first_pods_come_before_ingest_can_answer() -> None:
    assert plan(replace(BOUNDS, min_pods=2), None, NOTHING, Past(), 0.0).replicas == 2


def test_a_camera_that_comes_and_goes_moves_no_pod() -> None:
    """At 20 a pod, 40 cameras fit two pods, but 41 need three: with 38 left three would still be near."""
    present, past = standing(3), Past()
    for turn in range(200):
        made = plan(BOUNDS, needing(41 if turn % 2 else 38), present, past, turn * 2.0)
        assert made.replicas == 3
        past = made.past


def test_pods_go_one_after_the_other_once_they_were_too_many_long_enough() -> None:
    present, past = standing(3), Past()
    replicas = []
    for turn in range(40):
        made = plan(BOUNDS, needing(2), present, past, turn * 2.0)
        replicas.append(made.replicas)
        present, past = standing(made.replicas), made.past
    assert replicas[:30] == [3] * 30
    assert replicas[30:32] == [2, 1]
    assert replicas[-1] == 1


def test_the_next_pod_waits_until_the_last_one_has_gone() -> None:
    over = Past(((0.0, 2),))
    still = standing(2, pods=frozenset({0, 1, 2}))
    assert plan(BOUNDS, needing(2), still, over, 100.0).replicas == 2
    assert plan(BOUNDS, needing(2), standing(2), over, 100.0).replicas == 1


def test_no_pod_goes_while_cameras_have_none() -> None:
    assert plan(BOUNDS, needing(2, unassigned=1), standing(2), Past(((0.0, 2),)), 100.0).replicas == 2


def test_a_lowered_bound_is_kept_without_waiting() -> None:
    assert plan(replace(BOUNDS, max_pods=2), needing(200, unassigned=160), standing(4), Past(), 0.0).replicas == 3


def test_cameras_that_nobody_takes_although_all_pods_are_there_get_one_pod_more() -> None:
    crowded = needing(40, unassigned=1, members=2)
    first = plan(BOUNDS, crowded, standing(2), Past(), 100.0)
    assert first.replicas == 2
    later = plan(BOUNDS, crowded, standing(2), first.past, 100.0 + CROWDED_S)
    assert later.replicas == 3
    assert later.past.crowded_since is None


def test_cameras_that_no_number_of_pods_would_take_do_not_fill_the_cluster() -> None:
    assert plan(BOUNDS, needing(40, unassigned=1, members=4), standing(4), Past((), 0.0), 100.0).replicas == 4


def test_a_new_operator_lets_nothing_fall_before_it_has_seen_enough() -> None:
    assert plan(BOUNDS, needing(2), standing(10), Past(), 5000.0).replicas == 10


def test_the_spool_of_a_pod_that_went_is_uploaded_then_its_claim_goes() -> None:
    gone = standing(1, claims=frozenset({0, 1, 2, 3}), pods=frozenset({0, 3}), uploads={2: Upload.DONE})
    made = plan(BOUNDS, needing(2), gone, Past(), 0.0)
    assert (made.upload, made.release, made.left) == ((1,), (2,), (1, 2))


def test_a_pod_that_is_needed_again_takes_its_volume_back() -> None:
    made = plan(BOUNDS, needing(40), standing(1, claims=frozenset({0, 1}), uploads={1: Upload.RUNNING}), Past(), 0.0)
    assert (made.replicas, made.forget, made.upload, made.release) == (2, (1,), (), ())


def test_an_upload_that_failed_begins_anew() -> None:
    left = standing(1, claims=frozenset({0, 1}), uploads={1: Upload.FAILED})
    assert plan(BOUNDS, needing(2), left, Past(), 0.0).forget == (1,)
    assert plan(BOUNDS, needing(2), replace(left, uploads={}), Past(), 0.0).upload == (1,)


def test_a_pool_that_ends_keeps_no_pod() -> None:
    assert plan(BOUNDS, None, standing(5), Past(), 0.0, is_ending=True).replicas == 0


def test_a_city_is_planned_in_a_tenth_of_a_second() -> None:
    cameras = [41] * 210 + [40] * 790  # 40,210 in 1,000 pools
    course = [(needing(each), standing(1 + each // 20), Past(((0.0, 9), (1.0, 3)))) for each in cameras]
    took = []
    for _ in range(5):
        begun = time.perf_counter()
        for demand, present, past in course:
            plan(BOUNDS, demand, present, past, 100.0)
        took.append(time.perf_counter() - begun)
    assert sum(demand.cameras for demand, _, _ in course) == 40_210
    assert min(took) <= 0.1
