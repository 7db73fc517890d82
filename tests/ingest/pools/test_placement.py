"""Laws of the placement: nothing moves without need, the dead are replaced at once, newcomers get their share, and no more moves than may."""
from __future__ import annotations

from collections import Counter
from itertools import cycle, islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.pools.placement import Candidate, Load, Slots, placed
from services.ingest.pools.table import NOBODY, SlotTable, decode
from services.ingest.slots import SLOTS

MUCH = Load(10**6, 10**15)
IDLE = Slots({}, {}, {})
BUSY = Slots({slot: Load(1, 4_000_000) for slot in range(SLOTS)}, dict.fromkeys(range(SLOTS), 1), {})


def members(*numbers: int, bound: Load = MUCH, leaving: tuple[int, ...] = ()) -> list[Candidate]:
    return [Candidate(f"ingest-{number}", bound, number in leaving) for number in numbers]


def moved(before: tuple[str, ...], after: tuple[str, ...]) -> int:
    return sum(one != other for one, other in zip(before, after, strict=True))


@given(st.sets(st.integers(0, 60), min_size=1, max_size=12))
@settings(max_examples=15)
def test_every_slot_has_a_living_holder_and_the_same_question_the_same_answer(numbers: set[int]) -> None:
    first = placed(IDLE, members(*numbers), NOBODY, 0)
    assert set(first) <= {f"ingest-{number}" for number in numbers}
    assert placed(IDLE, reversed(members(*numbers)), NOBODY, 0) == first
    assert placed(BUSY, members(*numbers), first, 10**6) == first, "nothing moves without need"


@given(st.integers(2, 12), st.data())
@settings(max_examples=15)
def test_a_death_moves_the_slots_of_the_dead_and_no_other(count: int, data: st.DataObject) -> None:
    dead = data.draw(st.integers(0, count - 1))
    before = placed(BUSY, members(*range(count)), NOBODY, 0)
    after = placed(BUSY, members(*(number for number in range(count) if number != dead)), before, 0)
    assert {slot for slot in range(SLOTS) if before[slot] != after[slot]} == {slot for slot in range(SLOTS) if before[slot] == f"ingest-{dead}"}


def test_slots_spread_evenly_and_by_weight() -> None:
    even = Counter(placed(IDLE, members(*range(8)), NOBODY, 0))
    assert max(even.values()) < 1.25 * SLOTS / 8
    uneven = Counter(placed(IDLE, [Candidate("large", Load(300, 10**15)), Candidate("small", Load(100, 10**15))], NOBODY, 0))
    assert 2.5 < uneven["large"] / uneven["small"] < 3.6


def test_a_newcomer_gets_its_share_and_takes_nothing_else_away() -> None:
    before = placed(BUSY, members(0, 1, 2), NOBODY, 0)
    after = placed(BUSY, members(0, 1, 2, 3), before, SLOTS)
    assert 0.8 * SLOTS / 4 < moved(before, after) < 1.2 * SLOTS / 4
    assert {after[slot] for slot in range(SLOTS) if before[slot] != after[slot]} == {"ingest-3"}


@pytest.mark.parametrize("movable", [0, 1, 50])
def test_no_more_recorded_cameras_begin_to_move_than_may(movable: int) -> None:
    before = placed(BUSY, members(0, 1), NOBODY, 0)
    assert moved(before, placed(BUSY, members(0, 1, 2), before, movable)) == movable


def test_what_nobody_records_yet_moves_freely() -> None:
    before = placed(IDLE, members(0), NOBODY, 0)
    assert moved(before, placed(IDLE, members(0, 1), before, 0)) > SLOTS / 3


def test_who_leaves_is_relieved_and_gets_nothing_while_another_stays() -> None:
    before = placed(BUSY, members(0, 1), NOBODY, 0)
    after = placed(BUSY, members(0, 1, leaving=(0,)), before, SLOTS)
    assert set(after) == {"ingest-1"}
    assert placed(BUSY, members(0, 1, leaving=(0, 1)), before, SLOTS) == before, "where everybody leaves, everybody keeps"
    assert placed(BUSY, [], before, SLOTS) == before, "where nobody is, the table stands"


def test_a_member_carries_no_more_than_its_bound_while_another_has_room() -> None:
    bound = Load(SLOTS // 2 + 100, 10**15)
    crowded = placed(BUSY, members(0), NOBODY, 0)
    after = Counter(placed(BUSY, members(0, 1, bound=bound), crowded, SLOTS))
    assert max(after.values()) <= bound.cameras


def test_where_nobody_has_room_the_least_loaded_carries_more() -> None:
    after = Counter(placed(BUSY, members(0, 1, bound=Load(10, 10**15)), NOBODY, 0))
    assert "" not in after
    assert max(after.values()) - min(after.values()) <= 2


def test_a_pin_holds_while_its_member_lives() -> None:
    pinned = Slots(BUSY.loads, BUSY.recorded, {7: "ingest-0", 8: "ingest-9"})
    loose = placed(BUSY, members(0, 1), NOBODY, 0)
    after = placed(pinned, members(0, 1), loose, SLOTS)
    assert after[7] == "ingest-0"
    assert after[8] == loose[8], "a pin to a member that does not live says nothing"
    assert placed(pinned, members(1), after, SLOTS)[7] == "ingest-1"


@given(st.lists(st.sampled_from(["", "ingest-0", "ingest-12", "pod-a"]), min_size=1, max_size=9))
def test_a_table_is_read_as_it_was_written(pattern: list[str]) -> None:
    table = SlotTable(7, tuple(islice(cycle(pattern), SLOTS)))
    assert decode(7, table.encode()) == table
    assert list(table.moved(table)) == []


@pytest.mark.parametrize(
    "value", [b"", b"[]", b"{}", b'{"members": [], "slots": "AAA="}', b'{"members": [], "slots": "!"}', b'{"members": ["a"], "slots": "CQAJAA=="}'],
)
def test_what_is_no_table_is_not_taken_for_one(value: bytes) -> None:
    with pytest.raises(ValueError, match="slot"):
        decode(1, value)
