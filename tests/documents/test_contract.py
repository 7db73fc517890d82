"""What every document store does, whatever it is made of."""
from __future__ import annotations

import asyncio
from typing import Any

import pytest

from vonglau.documents import Changes, Checkpoint, Condition, Document, Documents, Index, Overtaken, Write, building, cursor
from vonglau.errors import Invalid

LOG = "es_test"


def write(name: str, document: Document | None, sequence: int, base: int = 0, *, collection: str = "things", key: str = "k") -> Write:
    return Write(collection, name, document, LOG, sequence, {LOG: base} if base else {}, key)


def checkpoint(sequence: int, projection: str = "p") -> Checkpoint:
    return Checkpoint(projection, LOG, sequence, created_ns=11, updated_ns=22)


async def filled(store: Documents, documents: list[Document]) -> None:
    await store.apply(Changes([write(document.pop("_id", f"id-{number:03d}"), document, number + 1) for number, document in enumerate(documents)]))


async def test_what_was_never_written_is_not_there(store: Documents) -> None:
    assert await store.get("things", "a") is None
    assert await store.get("nowhere", "a") is None
    assert await store.find("nowhere") == []
    assert await store.count("nowhere") == 0
    assert await store.checkpoints("p") == {}


async def test_a_document_comes_back_as_it_was_written_with_its_guard(store: Documents) -> None:
    document = {"name": "Cầu Giấy", "size": 2**53 + 1, "parts": [{"n": 1.5, "ok": True, "none": None}]}
    await store.apply(Changes([write("a", document, 7)]))
    assert await store.get("things", "a") == {**document, "_id": "a", "_seq": {LOG: 7}}


async def test_get_many_gives_those_that_are_there(store: Documents) -> None:
    await filled(store, [{"_id": "a"}, {"_id": "b"}])
    assert set(await store.get_many("things", ["a", "b", "c"])) == {"a", "b"}


async def test_a_write_that_the_guard_has_reached_is_skipped_and_the_others_stand(store: Documents) -> None:
    await store.apply(Changes([write("a", {"v": 1}, 5)]))
    await store.apply(Changes([write("a", {"v": 0}, 5), write("b", {"v": 2}, 6), write("a", {"v": 0}, 3)]))
    assert [document["v"] for document in await store.find("things")] == [1, 2]


async def test_a_write_computed_from_an_outdated_state_is_overtaken_and_the_checkpoint_stays(store: Documents) -> None:
    await store.apply(Changes([write("a", {"v": 1}, 5)], checkpoint(5)))
    with pytest.raises(Overtaken):
        await store.apply(Changes([write("a", {"v": 9}, 9, base=4)], checkpoint(9), follows=5))
    assert (await store.get("things", "a") or {})["v"] == 1
    assert (await store.checkpoints("p"))[LOG].sequence == 5


async def test_each_log_has_its_own_place_in_the_guard(store: Documents) -> None:
    await store.apply(Changes([write("a", {"v": 1}, 5)]))
    await store.apply(Changes([Write("things", "a", {"v": 2}, "fact_test", 2, {LOG: 5})]))
    assert (await store.get("things", "a") or {})["_seq"] == {LOG: 5, "fact_test": 2}


async def test_a_tombstone_hides_the_document_and_keeps_its_guard(store: Documents) -> None:
    await store.apply(Changes([write("a", {"v": 1}, 5)]))
    await store.apply(Changes([write("a", None, 6, base=5)]))
    assert await store.get("things", "a") is None
    assert await store.find("things") == []
    assert await store.count("things") == 0
    stored = (await store.read("things", ["a"]))["a"]
    assert (stored.document, stored.guard, stored.key) == (None, {LOG: 6}, "k")
    await store.apply(Changes([write("a", {"v": 1}, 5)]))
    assert await store.get("things", "a") is None


async def test_what_is_forgotten_leaves_no_guard(store: Documents) -> None:
    await store.apply(Changes([write("a", {"v": 1}, 5)]))
    await store.apply(Changes(forgotten=[("things", "a"), ("things", "never")]))
    assert await store.read("things", ["a"]) == {}


async def test_a_checkpoint_must_follow_the_saved_one(store: Documents) -> None:
    await store.apply(Changes(checkpoint=checkpoint(5)))
    for follows in (None, 4, 6):
        with pytest.raises(Overtaken):
            await store.apply(Changes([write("a", {}, 9)], checkpoint(9), follows))
    await store.apply(Changes(checkpoint=checkpoint(9), follows=5))
    assert await store.checkpoints("p") == {LOG: checkpoint(9)}


async def test_a_write_to_a_collection_that_somebody_dropped_is_overtaken(store: Documents) -> None:
    await store.drop("p", ["things"])
    with pytest.raises(Overtaken):
        await store.apply(Changes([write("a", {}, 1)]))


ROWS: list[dict[str, Any]] = [
    {"n": 1, "tags": ["north", "old"], "place": {"ward": "Dịch Vọng"}},
    {"n": 2, "tags": ["south"], "place": {"ward": "Mỹ Đình"}},
    {"n": 3, "tags": [], "place": {"ward": "Dịch Vọng Hậu"}, "gone": None},
    {"n": None, "tags": "northern"},
]


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        (("n", "=", 2), [1]),
        (("n", "=", None), [3]),
        (("n", "in", [1, 3, 99]), [0, 2]),
        (("n", "in", []), []),
        (("n", "<", 2), [0]),
        (("n", "<=", 2), [0, 1]),
        (("n", ">", 2), [2]),
        (("n", ">=", 2), [1, 2]),
        (("place.ward", "contains", "Dịch Vọng"), [0, 2]),
        (("place.ward", "contains", "dịch"), []),
        (("tags", "contains", "north"), [0, 3]),
        (("tags", "contains", "outh"), []),
        (("n", "contains", 2), []),
        (("_id", ">", "id-001"), [2, 3]),
        (("absent.deeper", "=", None), [0, 1, 2, 3]),
        (("absent", "<", 5), []),
    ],
)
async def test_a_condition_finds(store: Documents, condition: tuple[Any, Any, Any], found: list[int]) -> None:
    await filled(store, [dict(row) for row in ROWS])
    assert [document["_id"] for document in await store.find("things", Condition(*condition))] == [f"id-{number:03d}" for number in found]
    assert await store.count("things", Condition(*condition)) == len(found)


async def test_all_conditions_must_hold(store: Documents) -> None:
    await filled(store, [dict(row) for row in ROWS])
    assert await store.count("things", Condition("n", ">", 1), Condition("tags", "contains", "south")) == 1


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("order", ["_id", "n", "place.rank"])
async def test_pages_show_each_document_once_and_in_order(store: Documents, order: str, descending: bool) -> None:
    values = [3, None, 1, 3, None, 2, 3, 1, None, 5]
    await filled(store, [{"n": value, "place": {} if value is None else {"rank": value % 3}} for value in values])
    whole = await store.find("things", order=order, descending=descending)
    pages, after = [], ""
    while page := await store.find("things", order=order, descending=descending, after=after, limit=3):
        pages += page
        after = cursor(page[-1], order)
    assert pages == whole
    places = {"_id": lambda d: d["_id"], "n": lambda d: (d["n"] is not None, d["n"], d["_id"]), "place.rank": rank}
    assert whole == sorted(whole, key=places[order], reverse=descending)


def rank(document: Document) -> tuple[bool, Any, str]:
    value = document["place"].get("rank")
    return value is not None, value if value is not None else 0, document["_id"]


async def test_a_cursor_that_is_none_is_refused(store: Documents) -> None:
    for after in ("nonsense", "5", "[1]", '[{}, "a"]', '[[1], "a"]', "[1, 2]", "[1, null]", f'[{2**63}, "a"]'):
        with pytest.raises(Invalid) as refusal:
            await store.find("things", after=after)
        assert refusal.value.reason == "CURSOR_MALFORMED"


async def test_indexes_may_come_and_go_and_the_documents_stay(store: Documents) -> None:
    await filled(store, [dict(row) for row in ROWS])
    for indexes in ([Index(("n",)), Index(("place.ward", "n"))], [Index(("n",))], []):
        await store.prepare("things", indexes)
        assert await store.count("things", Condition("place.ward", "=", "Mỹ Đình")) == 1


async def test_a_switch_puts_the_new_documents_and_checkpoints_in_place(store: Documents) -> None:
    await store.apply(Changes([write("a", {"v": "old"}, 5)], checkpoint(5)))
    await store.prepare(building("things"))
    await store.apply(Changes([write("a", {"v": "new"}, 3, collection=building("things"))], checkpoint(3, building("p"))))
    assert (await store.get("things", "a") or {})["v"] == "old"
    for _ in range(2):  # a repetition changes nothing
        await store.swap("p", ["things"])
        assert (await store.get("things", "a") or {})["v"] == "new"
        assert await store.checkpoints("p") == {LOG: checkpoint(3)}
        assert await store.checkpoints(building("p")) == {}
        assert await store.get(building("things"), "a") is None


async def test_readers_see_the_old_or_the_new_during_a_switch(store: Documents) -> None:
    await filled(store, [{"_id": "a", "v": 0}])
    seen: set[int] = set()
    switched = asyncio.Event()

    async def look() -> None:
        while not switched.is_set():
            found = await store.get("things", "a")
            assert found is not None
            seen.add(found["v"])

    readers = [asyncio.create_task(look()) for _ in range(3)]
    for number in range(1, 10):
        await store.prepare(building("things"))
        await store.apply(Changes([write("a", {"v": number}, 1, collection=building("things"))]))
        await store.swap("p", ["things"])
    switched.set()
    await asyncio.gather(*readers)
    assert len(seen) > 1


async def test_a_drop_removes_documents_and_checkpoints(store: Documents) -> None:
    await store.apply(Changes([write("a", {"v": 1}, 5)], checkpoint(5)))
    await store.drop("p", ["things", "never"])
    assert await store.get("things", "a") is None
    assert await store.checkpoints("p") == {}


async def test_of_several_writers_on_one_state_one_wins(store: Documents) -> None:
    await store.apply(Changes([write("a", {"v": 0}, 1)], checkpoint(1)))
    tries = [store.apply(Changes([write("a", {"v": number}, number, base=1)], checkpoint(number), follows=1)) for number in range(2, 10)]
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    assert outcomes.count(None) == 1
    won = 2 + outcomes.index(None)
    assert (await store.get("things", "a") or {})["v"] == won
    assert (await store.checkpoints("p"))[LOG].sequence == won


async def test_a_copy_from_yesterday_has_yesterdays_documents_and_checkpoint(place: Any) -> None:
    documents = place.open()
    await documents.prepare("things")
    await documents.apply(Changes([write("a", {"v": "yesterday"}, 5)], checkpoint(5)))
    await documents.close()
    place.back_up()
    documents = place.open()
    await documents.apply(Changes([write("a", {"v": "today"}, 9, base=5)], checkpoint(9), follows=5))
    await documents.close()
    place.restore()
    documents = place.open()
    assert (await documents.get("things", "a"))["v"] == "yesterday"
    assert (await documents.checkpoints("p"))[LOG].sequence == 5
    await documents.close()


async def test_an_emptied_store_has_no_checkpoint_and_takes_writes_again(place: Any) -> None:
    documents = place.open()
    await documents.prepare("things")
    await documents.apply(Changes([write("a", {"v": 1}, 5)], checkpoint(5)))
    await documents.close()
    place.empty()
    documents = place.open()
    await documents.prepare("things")
    assert await documents.checkpoints("p") == {}
    await documents.apply(Changes([write("a", {"v": 1}, 5)], checkpoint(5)))
    assert await documents.count("things") == 1
    await documents.close()
