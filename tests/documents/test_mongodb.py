"""What is MongoDB's own: loss outside, half-done switches, several processes, refusals."""
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from pymongo.errors import AutoReconnect

from tests.backends.places import MongoPlace, mongodb_url
from vonglau.deadline import within
from vonglau.documents import Changes, Checkpoint, Condition, Index, Overtaken, Write, building, open_documents
from vonglau.documents.mongo import MongoDocuments
from vonglau.errors import Unavailable
from vonglau.settings import PlatformSettings
from vonglau.testing.waiting import eventually
from vonglau.testing.wire import Wire

pytestmark = [pytest.mark.backends, pytest.mark.parametrize("place", [MongoPlace], indirect=True)]

LOG = "es_test"


@pytest.fixture
def database(place: MongoPlace) -> Any:
    return place.database


def write(name: str, value: Any, sequence: int, base: int = 0, *, collection: str = "things") -> Write:
    return Write(collection, name, {"v": value}, LOG, sequence, {LOG: base} if base else {}, "k")


def checkpoint(sequence: int, projection: str = "p") -> Checkpoint:
    return Checkpoint(projection, LOG, sequence, created_ns=11, updated_ns=22)


def lies_at(database: Any, name: str = "things") -> str:
    return str(database["vonglau.names"].find_one({"_id": name})["at"])


async def test_a_collection_that_somebody_dropped_takes_the_checkpoints_and_its_neighbours_with_it(store: MongoDocuments, database: Any) -> None:
    await store.prepare("others")
    await store.apply(Changes([write("a", 1, 5), write("a", 1, 5, collection="others")], checkpoint(5)))
    database.drop_collection(lies_at(database))
    with pytest.raises(Overtaken):
        await store.apply(Changes([write("b", 2, 6)], checkpoint(6), follows=5))
    await store.prepare("things")
    assert await store.checkpoints("p") == {}
    assert await store.get("others", "a") is None  # a seed finds nothing in its way
    await store.prepare("others")
    await store.apply(Changes([write("a", 1, 5), write("b", 2, 6)], checkpoint(6)))
    assert await store.count("things") == 2


class Killed(Exception):
    pass


@pytest.mark.parametrize("step", ["names", "checkpoints", "sweep"])
async def test_a_switch_that_a_kill_cut_short_is_finished_at_the_next_start(
    store: MongoDocuments, place: MongoPlace, database: Any, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def killed(*args: Any, **more: Any) -> None:
        raise Killed

    collections = ["things", "parked"]
    await store.prepare("parked")
    await store.apply(Changes([write("a", "old", 5), write("a", "old", 5, collection="parked")], checkpoint(5)))
    for name in collections:
        await store.prepare(building(name))
    both = [write("a", "new", 9, collection=building(name)) for name in collections]
    await store.apply(Changes(both, checkpoint(9, building("p"))))
    if step == "names":
        once = store._catalogue.switch
        monkeypatch.setattr(store._catalogue, "switch", lambda names: once(names[:1]))
        monkeypatch.setattr(store._checkpoints, "switch", killed)
    else:
        monkeypatch.setattr(*{"checkpoints": (store._checkpoints, "switch"), "sweep": (store._catalogue, "_sweep")}[step], killed)
    with pytest.raises(Killed):
        await store.swap("p", collections)
    restarted = place.open()
    await restarted.prepare("things")
    assert [(await restarted.get(name, "a") or {})["v"] for name in collections] == ["new", "new"]
    assert await restarted.checkpoints("p") == {LOG: checkpoint(9)}
    assert await restarted.checkpoints(building("p")) == {}
    assert len([name for name in database.list_collection_names() if not name.startswith("vonglau.")]) == 2
    await restarted.close()


async def test_whoever_wrote_beside_a_switch_cannot_move_the_new_checkpoint(store: MongoDocuments) -> None:
    """As when a lease was thought lost and was not: the sequences are the same, the documents are not."""
    await store.apply(Changes([write("a", "old", 5)], checkpoint(5)))
    line = await store._checkpoints.standing(checkpoint(6), 5)
    await store.prepare(building("things"))
    await store.apply(Changes([write("a", "new", 5, collection=building("things"))], checkpoint(5, building("p"))))
    await store.swap("p", ["things"])
    with pytest.raises(Overtaken):
        await store._checkpoints.advance(checkpoint(6), 5, line)
    assert (await store.checkpoints("p"))[LOG].sequence == 5


async def test_another_process_that_knew_where_a_collection_lay_reads_the_one_that_was_switched_in(store: MongoDocuments, place: MongoPlace) -> None:
    other = place.open()
    await store.apply(Changes([write("a", "old", 5)]))
    assert (await other.get("things", "a") or {})["v"] == "old"
    await store.prepare(building("things"))
    await store.apply(Changes([write("a", "new", 5, collection=building("things"))]))
    await store.swap("p", ["things"])
    assert (await other.get("things", "a") or {})["v"] == "new"
    assert await other.count("things") == 1
    await other.close()


async def test_replicas_that_start_at_the_same_time_make_one_collection(place: MongoPlace, database: Any) -> None:
    replicas = [place.open() for _ in range(4)]
    await asyncio.gather(*(replica.prepare("things", [Index(("v",))]) for replica in replicas))
    await replicas[0].apply(Changes([write("a", 1, 1)]))
    assert [await replica.count("things") for replica in replicas] == [1] * 4
    assert len([name for name in database.list_collection_names() if not name.startswith("vonglau.")]) == 1
    for replica in replicas:
        await replica.close()


async def test_of_two_processes_at_the_same_state_one_write_stands_and_the_other_is_overtaken(store: MongoDocuments, place: MongoPlace) -> None:
    other = place.open()
    await store.apply(Changes([write("a", 0, 1)], checkpoint(1)))
    outcomes = await asyncio.gather(
        *(each.apply(Changes([write("a", number, 2 + number, base=1)])) for number, each in enumerate([store, other] * 4)), return_exceptions=True
    )
    assert {type(each) for each in outcomes} <= {type(None), Overtaken}
    stood = (await store.get("things", "a") or {})["v"]
    assert outcomes[stood] is None
    assert all(outcomes[later] is not None for later in range(stood + 1, 8))
    await other.close()


async def test_a_document_written_twice_in_one_batch_ends_as_the_later_write_says(store: MongoDocuments) -> None:
    await store.apply(Changes([write("a", 1, 5), write("b", 1, 5), write("a", 2, 6, base=5)]))
    assert [document["v"] for document in await store.find("things")] == [2, 1]


async def test_declared_indexes_are_there_and_an_administrators_stay(store: MongoDocuments, database: Any) -> None:
    at = lies_at(database)
    database[at].create_index("body.v", name="of_the_administrator")
    await store.prepare("things", [Index(("v", "w")), Index(("w",))])
    await store.prepare("things", [Index(("v", "w"))])
    fields = {name: [field for field, _ in about["key"]] for name, about in database[at].index_information().items()}
    assert fields.pop("of_the_administrator") == ["body.v"]
    assert sorted(fields.values()) == [["_id"], ["body.v", "body.w"]]


LOOKS = [("list", "x", 0), ("list.n", 1, 0), ("list.0", "x", 0), ("list.n", None, 1), ("word", "a\0b", 1), ("word", "", 1)]


@pytest.mark.parametrize(("path", "value", "found"), LOOKS)
async def test_a_path_does_not_look_into_lists(store: MongoDocuments, path: str, value: Any, found: int) -> None:
    await store.apply(Changes([Write("things", "a", {"list": ["x", {"n": 1}], "word": "a\0b"}, LOG, 1, {})]))
    assert await store.count("things", Condition(path, "contains" if path == "word" else "=", value)) == found


async def test_an_acknowledgement_that_got_lost_is_made_good_by_the_repetition(store: MongoDocuments, monkeypatch: pytest.MonkeyPatch) -> None:
    advance, lost = store._checkpoints.advance, list[bool]()

    async def advance_once_in_silence(*args: Any) -> None:
        await advance(*args)
        if not lost:
            lost.append(True)
            raise AutoReconnect("connection closed")

    monkeypatch.setattr(store._checkpoints, "advance", advance_once_in_silence)
    changes = Changes([write("a", 1, 5)], checkpoint(5))
    with pytest.raises(Unavailable):
        await store.apply(changes)
    with pytest.raises(Overtaken):  # so that whoever writes reads the checkpoint anew
        await store.apply(changes)
    assert (await store.checkpoints("p"))[LOG].sequence == 5
    assert (await store.get("things", "a") or {})["_seq"] == {LOG: 5}


@pytest.fixture
async def wire(place: MongoPlace) -> AsyncIterator[Wire]:
    server = urlsplit(mongodb_url())
    made = Wire((server.hostname or "", server.port or 27017))
    await made.join()
    yield made
    await made.cut()


async def test_a_server_that_went_silent_and_came_back_is_found_within_seconds(wire: Wire, database: Any) -> None:
    """As when a pod goes and its address answers nothing until the next one has it: connections that began meanwhile never hear."""
    store = open_documents(PlatformSettings(documents=f"mongodb://127.0.0.1:{wire.port}/{database.name}?directConnection=true"), "tests")

    async def is_there() -> bool:
        try:
            with within(0.5):
                return await store.count("things") == 0
        except Unavailable:
            return False

    assert await is_there()
    await wire.fall_silent()
    await eventually(lambda: wire.ends)
    assert not await is_there()
    await wire.join()
    await eventually(is_there, within=8.0)
    await store.close()
