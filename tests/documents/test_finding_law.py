"""Finding is filtering: whatever the conditions, a page holds what a scan by hand would."""
from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.backends.places import Place
from vonglau.documents import Changes, Condition, Document, Documents, Index, Write, cursor, value_at

WORDS = st.sampled_from(["", "ward", "wards", "Phường", "đường", "a'b", "100%", "_", '"', "\\"])
NUMBERS = st.integers(-3, 3) | st.sampled_from([2**53, -(2**62), 1.5])
INNER = st.fixed_dictionaries({"n": NUMBERS})
ROW = st.fixed_dictionaries({}, optional={"n": NUMBERS | st.none(), "word": WORDS, "tags": st.lists(WORDS, max_size=3), "in": INNER})
CONDITION = st.one_of(
    st.tuples(st.sampled_from(["n", "in.n"]), st.sampled_from(["=", "<", "<=", ">", ">="]), NUMBERS),
    st.tuples(st.sampled_from(["n", "in.n"]), st.just("in"), st.lists(NUMBERS, max_size=3)),
    st.tuples(st.just("word"), st.sampled_from(["=", "<", ">=", "contains"]), WORDS),
    st.tuples(st.just("tags"), st.just("contains"), WORDS),
    st.tuples(st.sampled_from(["n", "word", "in.n", "in.none"]), st.just("="), st.none()),
)
HOLDS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda found, value: bool(found == value),
    "in": lambda found, value: found is not None and found in value,
    "<": lambda found, value: found is not None and bool(found < value),
    "<=": lambda found, value: found is not None and bool(found <= value),
    ">": lambda found, value: found is not None and bool(found > value),
    ">=": lambda found, value: found is not None and bool(found >= value),
    "contains": lambda found, value: found is not None and value in found,
}


def by_hand(rows: list[Document], where: list[Condition], order: str, descending: bool) -> list[Document]:
    found = [row for row in rows if all(HOLDS[operator](value_at(row, path), value) for path, operator, value in where)]

    def place(row: Document) -> tuple[Any, ...]:
        value = value_at(row, order)
        return (value is not None, 0 if value is None else value, row["_id"])

    return sorted(found, key=place, reverse=descending)


async def paged(place: Place, rows: list[Document], where: list[Condition], order: str, descending: bool, indexes: list[Index]) -> tuple[list[Document], int]:
    place.empty()
    store: Documents = place.open()
    await store.prepare("rows", indexes)
    await store.apply(Changes([Write("rows", row["_id"], row, "log", 1, {}) for row in rows]))
    found: list[Document] = []
    after = ""
    while page := await store.find("rows", *where, order=order, descending=descending, after=after, limit=2):
        found += page
        after = cursor(page[-1], order)
    counted = await store.count("rows", *where)
    await store.close()
    return [{name: value for name, value in document.items() if name != "_seq"} for document in found], counted


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(ROW, max_size=8),
    st.lists(CONDITION, max_size=2),
    st.sampled_from(["_id", "n", "in.n", "word"]),
    st.booleans(),
    st.lists(st.sampled_from([Index(("n",)), Index(("word", "n")), Index(("in.n",))]), unique=True),
)
def test_pages_hold_what_a_scan_by_hand_would(
    place: Place, rows: list[Document], where: list[Any], order: str, descending: bool, indexes: list[Index]
) -> None:
    rows = [{**row, "_id": f"{number:02d}"} for number, row in enumerate(rows)]
    conditions = [Condition(*each) for each in where]
    expected = by_hand(rows, conditions, order, descending)
    assert asyncio.run(paged(place, rows, conditions, order, descending, indexes)) == (expected, len(expected))
