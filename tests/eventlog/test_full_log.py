"""A log without room: nothing is half stored, nothing half stored is taken for accepted, and what is missing follows."""
from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path

import pytest
from nats.js.api import StreamConfig

from tests.eventlog.test_decide import CALL, OWNER, Interposed, log_on
from vonglau.broker import Broker, NatsServer, connect
from vonglau.broker.server import room_of
from vonglau.broker.topology import ES_REGISTRY, FACT_INGEST, declared, ensure
from vonglau.errors import Refused, Unavailable
from vonglau.eventlog import Append, Call, Event, EventStore, JetStreamStore, On, OutcomeUnknown, aggregate_stream
from vonglau.registry.v1.events_pb2 import OwnerRegistered, OwnerRenamed

SMALL_GB = 0.01
MAIN, OTHER = (aggregate_stream("registry", "owner", name) for name in ("ward-1", "ward-2"))
OTHERS_CALL = Call("person:other", "RegisterOwner", "11111111-0000-4000-8000-000000000000", "1" * 32)


def both(name: str | None, _other: str | None) -> Iterable[Event | On]:
    return [OwnerRegistered(display_name="one"), OwnerRenamed(display_name="two"), On(OTHER, OwnerRegistered(display_name="three"))]


class Tearing(Interposed):
    """Stores so many events of a batch and does not answer; then it has no room for anything, until it has."""

    def __init__(self, inner: EventStore, most: int) -> None:
        super().__init__(inner)
        self.most, self.has_room = most, True

    async def append(self, events: Sequence[Append]) -> list[int]:
        if not self.has_room:
            raise Unavailable("LOG_FULL", "no room")
        if self.most < len(events):
            self.has_room = False
            if self.most:
                await self.inner.append(events[: self.most])
            raise OutcomeUnknown
        return await self.inner.append(events)

    def gets_room(self) -> None:
        self.most, self.has_room = 1000, True


async def kinds(store: EventStore) -> list[list[str]]:
    return [[event.headers["ce-type"].rpartition(".")[2] for event in await store.read(stream)] for stream in (MAIN, OTHER)]


@pytest.mark.parametrize("most", [1, 2])
async def test_a_command_that_is_stored_in_part_is_not_accepted_before_all_of_it_is(store: EventStore, most: int) -> None:
    tearing = Tearing(store, most)
    log = log_on(tearing)
    for _ in range(2):
        with pytest.raises(Unavailable):
            await log.decide(MAIN, OWNER, both, call=CALL, alongside=[(OTHER, OWNER)])
    with pytest.raises(Unavailable):  # the name could be given twice
        await log.decide(OTHER, OWNER, lambda _: [OwnerRegistered(display_name="again")], call=OTHERS_CALL)
    tearing.gets_room()
    version = await log.decide(MAIN, OWNER, both, call=CALL, alongside=[(OTHER, OWNER)])
    assert await kinds(store) == [["OwnerRegistered", "OwnerRenamed"], ["OwnerRegistered"]]
    assert version.sequence == await store.last_sequence(MAIN)


async def test_commands_on_other_aggregates_go_on_meanwhile(store: EventStore) -> None:
    tearing = Tearing(store, 1)
    log = log_on(tearing)
    with pytest.raises(Unavailable) as refused:
        await log.decide(MAIN, OWNER, both, call=CALL, alongside=[(OTHER, OWNER)])
    assert refused.value.reason in ("LOG_TORN", "LOG_FULL")
    third = aggregate_stream("registry", "owner", "ward-3")
    await log_on(store).decide(third, OWNER, lambda _: [OwnerRegistered(display_name="x")], call=OTHERS_CALL)
    assert await log.load(third, OWNER)
    assert await log.decide(third, OWNER, lambda _: [], call=Call("person:a"))


async def test_what_is_missing_is_not_put_behind_somebody_elses_event(store: EventStore, caplog: pytest.LogCaptureFixture) -> None:
    tearing = Tearing(store, 1)
    log = log_on(tearing)
    with pytest.raises(Unavailable):
        await log.decide(MAIN, OWNER, both, call=CALL, alongside=[(OTHER, OWNER)])
    await log_on(store).decide(MAIN, OWNER, lambda _: [OwnerRenamed(display_name="theirs")], call=OTHERS_CALL)
    tearing.gets_room()
    await log.decide(MAIN, OWNER, both, call=CALL, alongside=[(OTHER, OWNER)])
    assert await kinds(store) == [["OwnerRegistered", "OwnerRenamed"], []]
    assert "1 of 3 events that belong together are stored, and others follow them" in caplog.text


@pytest.fixture
async def small(tmp_path: Path) -> AsyncIterator[Broker]:
    async with NatsServer(tmp_path / "nats", sync="2m", streams_gb=SMALL_GB) as server, connect(server.url, name="tests", within=5) as broker:
        await ensure(broker, total_gb=SMALL_GB)
        yield broker


@pytest.mark.loopback
async def test_what_a_full_server_tore_is_whole_once_it_has_room(small: Broker) -> None:
    """A stream that nobody bounded fills it up to its own limit."""
    store = JetStreamStore(small.nc, timeout=0.5)
    log = log_on(store)
    await small.js.add_stream(StreamConfig(name="JUNK", subjects=["junk"]))
    while (left := room_of(SMALL_GB) - (await small.js.account_info()).storage) > 9_000:
        await small.js.publish("junk", b"x" * (900_000 if left > 1_000_000 else 8_000))

    def long(_: str | None) -> Iterable[Event]:
        return [OwnerRegistered(display_name="one"), *(OwnerRenamed(display_name="y" * 500) for _ in range(19))]

    with pytest.raises(Unavailable) as refused:
        await log.decide(MAIN, OWNER, long, call=CALL)
    assert refused.value.reason in ("LOG_TORN", "LOG_FULL")
    torn = len(await store.read(MAIN))
    assert 0 < torn < 20, "the server no longer tears a batch, and this can go"
    await small.js.delete_stream("JUNK")
    await log.decide(MAIN, OWNER, long, call=CALL)
    assert [event.headers["vl-position"] for event in await store.read(MAIN)] == [str(number) for number in range(1, 21)]


@pytest.mark.loopback
async def test_a_stream_that_reaches_its_bound_refuses_a_command_whole(small: Broker) -> None:
    store = JetStreamStore(small.nc, timeout=2)
    log = log_on(store)
    await log.decide(OTHER, OWNER, lambda _: [OwnerRegistered(display_name="x" * 900_000)], call=OTHERS_CALL)
    with pytest.raises(Unavailable) as refused:
        await log.decide(MAIN, OWNER, lambda _: [OwnerRegistered(display_name="y" * 30_000) for _ in range(10)], call=CALL)
    assert refused.value.reason == "LOG_FULL"
    assert await store.read(MAIN) == []


@pytest.mark.loopback
async def test_facts_make_room_for_newer_ones(small: Broker) -> None:
    for _ in range(9):
        await small.js.publish("fact.segment.cam-1", b"x" * 900_000)
    state = (await small.js.stream_info(FACT_INGEST)).state
    assert (state.messages, state.last_seq) == (7, 9)


@pytest.mark.loopback
async def test_a_lower_bound_drops_no_fact(small: Broker) -> None:
    for _ in range(5):
        await small.js.publish("fact.segment.cam-1", b"x" * 900_000)
    with pytest.raises(Refused, match=f"{FACT_INGEST} holds 45") as refused:
        await ensure(small, total_gb=SMALL_GB / 2)
    assert refused.value.reason == "LOG_STORAGE_TOO_SMALL"
    assert (await small.js.stream_info(FACT_INGEST)).state.messages == 5


@pytest.mark.loopback
async def test_bounds_below_what_is_stored_or_above_the_servers_room_are_refused(small: Broker) -> None:
    await log_on(JetStreamStore(small.nc)).decide(OTHER, OWNER, lambda _: [OwnerRegistered(display_name="x" * 900_000)], call=OTHERS_CALL)
    for total_gb, words in ((SMALL_GB / 2, "holds 9"), (SMALL_GB * 4, "has to fit into its max_file_store")):
        with pytest.raises(Refused, match=words) as refused:
            await ensure(small, total_gb=total_gb)
        assert refused.value.reason == "LOG_STORAGE_TOO_SMALL"
    assert (await small.js.stream_info(ES_REGISTRY)).state.messages == 1


def test_every_stream_is_bounded_below_the_room_of_its_server() -> None:
    for total_gb in (0.05, 3.0, 400.0):
        bounds = [config.max_bytes or 0 for config in declared(total_gb)]
        assert min(bounds) > 0
        assert sum(bounds) <= total_gb * 1e9 < room_of(total_gb)
