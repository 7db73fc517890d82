"""How a write becomes MongoDB's, and how many go together: no server is asked."""
from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vonglau.documents import Condition, Write, cursor
from vonglau.documents.mongo_query import THERE, behind, filtered, ordered, place
from vonglau.documents.mongo_writes import document, guard, replacement, stored, without_repetitions

LOG = "es_test"


def write(name: str, sequence: int, base: dict[str, int] | None = None, body: dict[str, Any] | None = None) -> Write:
    return Write("things", name, body, LOG, sequence, base or {}, "k")


@given(st.lists(st.sampled_from("abcd"), max_size=20))
def test_batches_keep_the_order_and_name_no_document_twice(names: list[str]) -> None:
    writes = [write(name, number) for number, name in enumerate(names)]
    batches = list(without_repetitions(writes))
    assert [each for batch in batches for each in batch] == writes
    assert all(len({each.id for each in batch}) == len(batch) > 0 for batch in batches)


@given(st.dictionaries(st.text(min_size=1, max_size=8), st.integers(0, 2**53), max_size=4))
def test_a_guard_is_the_same_text_in_whatever_order_its_logs_come(logs: dict[str, int]) -> None:
    assert guard(logs) == guard(dict(reversed(logs.items())))
    assert stored({"_id": "a", "seq": guard(logs), "key": "k"}).guard == logs


def test_a_write_replaces_the_state_that_it_was_computed_from_and_no_other() -> None:
    made = replacement(write("a", 7, {LOG: 5, "fact": 3}, {"_id": "a", "_seq": {LOG: 5}, "v": 1}))
    assert made._filter == {"_id": "a", "seq": guard({LOG: 5, "fact": 3})}
    assert made._doc == {"_id": "a", "seq": guard({LOG: 7, "fact": 3}), "key": "k", "body": {"v": 1}}
    assert document(dict(made._doc)) == {"_id": "a", "_seq": {LOG: 7, "fact": 3}, "v": 1}


def test_a_tombstone_keeps_its_guard_and_has_no_body() -> None:
    made = replacement(write("a", 7, {LOG: 5}))
    assert "body" not in made._doc
    assert stored(dict(made._doc)).document is None


@pytest.mark.parametrize("path", ["", "a..b", ".a", "a.", "$where", "a.$b", "a b"])
def test_what_is_no_field_path_reaches_no_filter(path: str) -> None:
    with pytest.raises(ValueError, match="not a field path"):
        place(path)
    with pytest.raises(ValueError, match="not a field path"):
        filtered([Condition(path, "=", 1)])


def test_tombstones_are_found_by_nothing() -> None:
    for where in ([], [Condition("a", "=", None)], [Condition("a.b", "contains", 1), Condition("c", "<", 2)]):
        assert filtered(where)["$and"][0] == THERE


@pytest.mark.parametrize(("order", "fields"), [("_id", ["_id"]), ("name", ["body.name", "_id"])])
@pytest.mark.parametrize(("descending", "direction"), [(False, 1), (True, -1)])
def test_an_order_ends_with_the_id_so_that_a_cursor_stands_at_one_place(order: str, fields: list[str], descending: bool, direction: int) -> None:
    assert ordered(order, descending=descending) == [(field, direction) for field in fields]


@pytest.mark.parametrize(("descending", "expected"), [(False, {"_id": {"$gt": "b"}}), (True, {"_id": {"$lt": "b"}})])
def test_a_page_by_id_begins_behind_the_last_id(descending: bool, expected: dict[str, Any]) -> None:
    assert behind("_id", cursor({"_id": "b"}, "_id"), descending=descending) == expected
