from typing import Any

import pytest
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from faust_jetstream.changes import Change, Cut, PendingChanges
from faust_jetstream.errors import CommitTooLarge

A, B = TP("a", 0), TP("b", 0)


def change(source: TP | None, offset: int, key: str, value: int = 0) -> Change:
    return Change(source, offset, key, str(value).encode(), {}, TP("cl", 0), None)


def pending(*changes: Change) -> PendingChanges:
    made = PendingChanges()
    for one in changes:
        made.add(one)
    return made


def test_a_commit_carries_the_last_change_of_each_key_below_its_offset() -> None:
    made = pending(change(A, 0, "x", 1), change(A, 1, "x", 2), change(A, 2, "x", 3))
    (portion,) = made.portions({A: 2}, 1000)
    assert {key: one.body for key, one in portion.changes.items()} == {"x": b"2"}
    assert portion.offsets == {A: 2}


def test_what_a_commit_covered_is_not_written_again() -> None:
    made = pending(change(A, 0, "x"), change(A, 1, "x"))
    (portion,) = made.portions({A: 1}, 1000)
    made.remove(portion.covered)
    assert len(made) == 1


def test_a_value_that_contains_an_unfinished_event_is_not_written() -> None:
    """Agent one has done A@5, agent two builds B@0 on it: B@0 alone would count A@5 twice after a crash."""
    made = pending(change(A, 5, "x", 1), change(B, 0, "x", 2))
    assert made.closed({A: 5, B: 1}) == {A: 5, B: 0}


def test_a_lowered_cut_lowers_what_was_built_on_it() -> None:
    made = pending(change(A, 5, "x"), change(B, 0, "x"), change(B, 1, "y"), change(A, 2, "y"))
    assert made.closed({A: 4, B: 2}) == {A: 2, B: 0}


def test_changes_outside_of_streams_are_always_written() -> None:
    (portion,) = pending(change(None, -1, "x")).portions({}, 1000)
    assert (set(portion.changes), portion.offsets) == ({"x"}, {})


def test_a_commit_without_changes_still_stores_its_offsets() -> None:
    (portion,) = PendingChanges().portions({A: 7}, 1000)
    assert (portion.offsets, portion.changes) == ({A: 7}, {})


def test_one_event_that_changes_more_than_a_batch_holds_says_so() -> None:
    made = pending(*(change(A, 0, f"k{number}") for number in range(20)))
    with pytest.raises(CommitTooLarge, match="split the event"):
        list(made.portions({A: 1}, 10))


def test_a_large_commit_is_split_between_events() -> None:
    made = pending(*(change(A, number // 3, f"k{number}") for number in range(30)))
    portions = list(made.portions({A: 10}, 8))
    assert [portion.offsets[A] for portion in portions] == [2, 4, 6, 8, 10]
    assert all(len(portion.changes) + len(portion.offsets) <= 8 for portion in portions)


def test_agents_that_work_far_apart_are_committed_together_bit_by_bit() -> None:
    """Agent one has done a hundred events before agent two does the first of them: no moment lies between two events."""
    made = pending(*(change(A, number, f"{agent}{number}") for agent in "pq" for number in range(100)))
    portions = list(made.portions({A: 100}, 30))
    assert all(len(portion.changes) + len(portion.offsets) <= 30 for portion in portions)
    covered = [change for portion in portions for change in portion.covered]
    assert sorted(one.subject for one in covered) == sorted(f"{agent}{number}" for agent in "pq" for number in range(100))
    assert portions[-1].offsets == {A: 100}


events = st.lists(st.tuples(st.sampled_from([A, B]), st.integers(0, 12), st.sampled_from("xyz")), max_size=40)


@given(events, st.integers(0, 13), st.integers(0, 13))
def test_replaying_after_any_cut_gives_what_no_crash_would_have_given(history: list[tuple[TP, int, str]], a: int, b: int) -> None:
    """Counting events per key: stored values plus the replay of everything not covered equals counting once."""
    made, live = PendingChanges(), dict.fromkeys("xyz", 0)
    for source, offset, key in history:
        live[key] += 1
        made.add(change(source, offset, key, live[key]))
    cut = made.closed({A: a, B: b})
    stored: dict[str, Any] = dict.fromkeys("xyz", 0)
    at: Cut = {}
    for portion in made.portions(cut, 10):
        stored.update({key: int(one.body) for key, one in portion.changes.items()})
        at.update(portion.offsets)
    for source, offset, key in history:
        if offset >= at.get(source, -1):
            stored[key] += 1
    assert stored == live


many = st.lists(st.tuples(st.sampled_from([A, B]), st.integers(0, 12), st.sampled_from("qrstuvwxyz")), max_size=60)


@given(many, st.integers(0, 13), st.integers(0, 13), st.integers(5, 9))
def test_a_crash_between_two_batches_of_one_commit_is_a_consistent_cut_too(history: list[tuple[TP, int, str]], a: int, b: int, most: int) -> None:
    made, live = PendingChanges(), dict.fromkeys("qrstuvwxyz", 0)
    for source, offset, key in history:
        live[key] += 1
        made.add(change(source, offset, key, live[key]))
    cut = made.closed({A: a, B: b})
    stored = dict.fromkeys(live, 0)
    at: Cut = {}
    try:
        for portion in made.portions(cut, most):
            assert len(portion.changes) + len(portion.offsets) <= most
            assert all(offset >= at.get(tp, 0) for tp, offset in portion.offsets.items())
            stored.update({key: int(one.body) for key, one in portion.changes.items()})
            at.update(portion.offsets)
            again = dict(stored)
            for source, offset, key in history:
                if offset >= at.get(source, -1):
                    again[key] += 1
            assert again == live
    except CommitTooLarge:
        return                  # some events hang together and are more than a batch holds; what was stored before was consistent
    assert at == cut
