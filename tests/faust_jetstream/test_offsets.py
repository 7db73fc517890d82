import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from faust.types import TP
from nats.errors import NoRespondersError
from nats.errors import TimeoutError as NatsTimeout
from nats.js import JetStreamContext, api

from faust_jetstream import batch, offsets
from faust_jetstream.batch import Outgoing
from faust_jetstream.connection import Connection
from faust_jetstream.errors import NotStored, Refused
from faust_jetstream.offsets import Fenced, Offsets, Superseded
from faust_jetstream.places import Names

pytestmark = pytest.mark.loopback

TP0, TP1 = TP("orders", 0), TP("orders", 1)


@pytest.fixture
async def names(js: JetStreamContext, name: str) -> Names:
    made = Names(name, "app")
    await js.add_stream(
        api.StreamConfig(name=made.state_stream, subjects=[f"{made.state_root}.>"], max_msgs_per_subject=1, allow_atomic=True, allow_direct=True)
    )
    return made


def owner(connection: Connection, names: Names, who: str, patience: float = 5.0) -> Offsets:
    return Offsets(connection, names, who, patience)


async def from_start(tp: TP, stored: int | None) -> int:
    return stored or 0


def change(names: Names, key: str, body: bytes) -> Outgoing:
    return Outgoing(f"{names.state_root}.cl.t.0.{key}", body, {})


async def test_a_commit_stores_offsets_and_changes_together(connection: Connection, names: Names, js: JetStreamContext) -> None:
    mine = owner(connection, names, "me")
    await mine.claim([TP0, TP1], 1, from_start)
    await mine.store({TP0: 7, TP1: 9}, [change(names, "x", b"1")], 1)
    assert await owner(connection, names, "next").claim([TP0, TP1], 2, from_start) == {TP0: 7, TP1: 9}
    assert (await js.get_last_msg(names.state_stream, f"{names.state_root}.cl.t.0.x")).data == b"1"


async def test_a_worker_that_lost_its_partition_can_store_nothing(connection: Connection, names: Names, js: JetStreamContext) -> None:
    old, new = owner(connection, names, "old"), owner(connection, names, "new")
    await old.claim([TP0, TP1], 1, from_start)
    await new.claim([TP0], 2, from_start)
    with pytest.raises(Fenced):
        await old.store({TP0: 5, TP1: 5}, [change(names, "x", b"stale")], 1)
    assert (await old.read(TP1))[0] is not None
    assert (await owner(connection, names, "z").claim([TP1], 3, from_start)) == {TP1: 0}
    with pytest.raises(Exception, match="no message found"):
        await js.get_last_msg(names.state_stream, f"{names.state_root}.cl.t.0.x")


async def test_changes_without_an_event_are_fenced_too(connection: Connection, names: Names) -> None:
    old = owner(connection, names, "old")
    await old.claim([TP0], 1, from_start)
    await owner(connection, names, "new").claim([TP0], 2, from_start)
    with pytest.raises(Fenced):
        await old.store({}, [change(names, "x", b"stale")], 1)


async def test_what_was_made_under_an_older_claim_is_not_stored_under_a_newer_one(connection: Connection, names: Names, js: JetStreamContext) -> None:
    """Its events are processed again: beside the newer claim's offsets it would count them twice."""
    mine = owner(connection, names, "me")
    await mine.claim([TP0], 1, from_start)
    await mine.claim([TP0], 2, from_start)
    with pytest.raises(Superseded):
        await mine.store({TP0: 5}, [change(names, "x", b"stale")], 1)
    assert (mine.committed, await owner(connection, names, "next").claim([TP0], 3, from_start)) == ({TP0: 0}, {TP0: 0})
    with pytest.raises(Exception, match="no message found"):
        await js.get_last_msg(names.state_stream, f"{names.state_root}.cl.t.0.x")


async def test_a_claim_waits_for_the_write_under_way(connection: Connection, names: Names, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = owner(connection, names, "me")
    await mine.claim([TP0], 1, from_start)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(connection: Connection, messages: Sequence[Outgoing], answer_within: float) -> int:
        begun.set()
        await go_on.wait()
        return await batch.send_batch(connection, messages)

    monkeypatch.setattr(offsets, "send_batch", slow)
    commit = asyncio.create_task(mine.store({TP0: 5}, (), 1))
    await begun.wait()
    claim = asyncio.create_task(mine.claim([TP0], 2, from_start))
    await asyncio.sleep(0.1)
    go_on.set()
    await commit
    assert await claim == {TP0: 5}


async def test_two_workers_that_claim_at_once_end_with_one_owner(connection: Connection, names: Names) -> None:
    claims = [owner(connection, names, f"w{number}") for number in range(5)]
    await asyncio.gather(*(one.claim([TP0], 1, from_start) for one in claims))
    stored = []
    for one in claims:
        try:
            await one.store({TP0: 1}, (), 1)
        except Fenced:
            continue
        stored.append(one)
    assert len(stored) == 1


Failing = list[BaseException | None]


def flaky(monkeypatch: pytest.MonkeyPatch, failures: Failing, *, stores: bool) -> list[int]:
    """``send_batch`` that fails with each of ``failures`` in turn, before or after the server has stored the batch."""
    sent: list[int] = []

    async def send(connection: Connection, messages: Sequence[Outgoing], answer_within: float) -> int:
        failure = failures.pop(0) if failures else None
        sent.append(len(messages))
        sequence = 0
        if failure is None or stores:
            sequence = await batch.send_batch(connection, messages)
        if failure is not None:
            raise failure
        return sequence

    monkeypatch.setattr(offsets, "send_batch", send)
    monkeypatch.setattr(offsets, "PAUSE", 0.01)
    return sent


@pytest.mark.parametrize("failure", [NoRespondersError(), NatsTimeout(), NotStored("batch incomplete")])
async def test_a_commit_without_a_leader_is_sent_again(connection: Connection, names: Names, monkeypatch: pytest.MonkeyPatch, failure: Exception) -> None:
    mine = owner(connection, names, "me")
    await mine.claim([TP0], 1, from_start)
    sent = flaky(monkeypatch, [failure, failure], stores=False)
    await mine.store({TP0: 3}, (), 1)
    assert (len(sent), mine.committed) == (3, {TP0: 3})
    await mine.store({TP0: 4}, (), 1)


async def test_a_commit_whose_answer_was_lost_is_found_to_be_stored(connection: Connection, names: Names, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = owner(connection, names, "me")
    await mine.claim([TP0], 1, from_start)
    flaky(monkeypatch, [NatsTimeout()], stores=True)
    await mine.store({TP0: 3}, (), 1)
    await mine.store({TP0: 4}, (), 1)
    assert mine.committed == {TP0: 4}


async def test_a_commit_that_a_cluster_still_works_on_is_no_lost_race(connection: Connection, names: Names, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = owner(connection, names, "me")
    await mine.claim([TP0], 1, from_start)
    before = (await mine.read(TP0))[0]
    flaky(monkeypatch, [NatsTimeout(), Refused(10164, "wrong last sequence"), Refused(10164, "wrong last sequence")], stores=False)
    await mine.store({TP0: 3}, (), 1)
    assert before != (await mine.read(TP0))[0]
    assert mine.committed == {TP0: 3}


async def test_a_commit_that_the_server_tore_is_sent_again_as_a_whole(
    connection: Connection, names: Names, js: JetStreamContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = owner(connection, names, "me")
    await mine.claim([TP0, TP1], 1, from_start)
    kept = [1, 3, 4]                # messages of the batch that are stored, of two offsets and three changes

    async def torn(connection: Connection, messages: Sequence[Outgoing], answer_within: float) -> int:
        if not kept:
            return await batch.send_batch(connection, messages)
        await batch.send_batch(connection, messages[: kept.pop(0)])
        raise NatsTimeout

    monkeypatch.setattr(offsets, "send_batch", torn)
    monkeypatch.setattr(offsets, "PAUSE", 0.01)
    await mine.store({TP0: 3, TP1: 4}, [change(names, key, b"1") for key in "xyz"], 1)
    assert {(await js.get_last_msg(names.state_stream, f"{names.state_root}.cl.t.0.{key}")).data for key in "xyz"} == {b"1"}
    await mine.store({TP0: 5, TP1: 5}, (), 1)


async def test_a_server_that_never_answers_is_asked_twice_within_seconds(connection: Connection, names: Names, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer dies with its connection: waiting long for it would keep everything uncommitted that is done meanwhile."""
    mine = owner(connection, names, "me")
    await mine.claim([TP0], 1, from_start)
    waits: list[float] = []

    async def silent(connection: Connection, messages: Sequence[Outgoing], answer_within: float) -> int:
        waits.append(answer_within)
        if len(waits) < 4:
            raise NatsTimeout
        return await batch.send_batch(connection, messages)

    monkeypatch.setattr(offsets, "send_batch", silent)
    monkeypatch.setattr(offsets, "PAUSE", 0.01)
    await mine.store({TP0: 3}, (), 1)
    assert waits == [2.0, 4.0, 5.0, 5.0]


async def test_a_lost_answer_does_not_hide_that_another_worker_took_over(connection: Connection, names: Names, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = owner(connection, names, "me")
    await mine.claim([TP0], 1, from_start)
    await owner(connection, names, "other").claim([TP0], 2, from_start)
    flaky(monkeypatch, [NatsTimeout()], stores=False)
    with pytest.raises(Fenced):
        await mine.store({TP0: 3}, (), 1)


async def test_patience_with_a_server_that_never_answers_ends(connection: Connection, names: Names, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = owner(connection, names, "me", patience=0.05)
    await mine.claim([TP0], 1, from_start)
    endless: Any = [NoRespondersError() for _ in range(1000)]
    flaky(monkeypatch, endless, stores=False)
    with pytest.raises(NoRespondersError):
        await mine.store({TP0: 3}, (), 1)
