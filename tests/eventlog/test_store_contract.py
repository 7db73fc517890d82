"""What every event store keeps to, whichever it is."""
from __future__ import annotations

import asyncio
from typing import Any

import pytest

from vonglau.broker import Broker, NatsServer
from vonglau.broker.bounds import MESSAGE_MOST
from vonglau.errors import Invalid, Unavailable
from vonglau.eventlog import AggregateStream, Append, EventStore, JetStreamStore, LostRace, aggregate_stream
from vonglau.testing.waiting import eventually

ONE, TWO = (aggregate_stream("registry", "owner", name) for name in ("ward-1", "ward-2"))


def event(stream: AggregateStream, expected: int, body: bytes = b"x", **headers: str) -> Append:
    return Append(stream, expected, headers, body)


async def test_an_aggregate_is_read_in_the_order_it_was_written(store: EventStore) -> None:
    (first,) = await store.append([event(ONE, 0, b"1", kind="a")])
    await store.append([event(TWO, 0, b"other")])
    (second,) = await store.append([event(ONE, first, b"2")])
    stored = await store.read(ONE)
    assert [(one.sequence, one.body) for one in stored] == [(first, b"1"), (second, b"2")]
    assert stored[0].headers["kind"] == "a"
    assert (stored[0].log, stored[0].subject) == ONE


async def test_a_load_from_a_sequence_gives_only_what_came_after_it(store: EventStore) -> None:
    (first,) = await store.append([event(ONE, 0, b"1")])
    (second,) = await store.append([event(ONE, first, b"2")])
    assert [one.body for one in await store.read(ONE, first)] == [b"2"]
    assert await store.read(ONE, second) == []


async def test_an_aggregate_without_events_is_empty(store: EventStore) -> None:
    assert await store.read(ONE) == []
    assert await store.last_sequence(ONE) == 0
    assert await store.read_many({ONE: 0, TWO: 0}) == {ONE: [], TWO: []}


async def test_a_stale_expectation_stores_nothing(store: EventStore) -> None:
    (first,) = await store.append([event(ONE, 0, b"1")])
    with pytest.raises(LostRace):
        await store.append([event(ONE, 0, b"2")])
    assert [one.body for one in await store.read(ONE)] == [b"1"]
    assert await store.last_sequence(ONE) == first


async def test_an_event_too_large_for_a_message_is_refused_whole_and_harms_nothing(store: EventStore) -> None:
    for large in (event(TWO, 0, b"x" * MESSAGE_MOST, kind="a"), event(TWO, 0, b"", kind="ă" * (MESSAGE_MOST // 2))):
        with pytest.raises(Invalid) as refused:
            await store.append([event(ONE, 0, b"1"), large])
        assert refused.value.reason == "MESSAGE_TOO_LARGE"
    assert await store.last_sequence(ONE) == 0
    (stored,) = await store.append([event(TWO, 0, b"x" * (MESSAGE_MOST - 8), kind="")])
    assert await store.last_sequence(TWO) == stored


async def test_a_batch_over_aggregates_is_stored_whole_and_in_order(store: EventStore) -> None:
    sequences = await store.append([event(ONE, 0, b"1"), event(TWO, 0, b"2"), event(ONE, 0, b"3")])
    assert sequences == list(range(sequences[0], sequences[0] + 3))
    assert [one.body for one in await store.read(ONE)] == [b"1", b"3"]
    assert await store.last_sequence(TWO) == sequences[1]


async def test_one_stale_expectation_refuses_the_whole_batch(store: EventStore) -> None:
    await store.append([event(TWO, 0, b"earlier")])
    with pytest.raises(LostRace):
        await store.append([event(ONE, 0, b"1"), event(TWO, 0, b"2")])
    assert await store.read(ONE) == []


async def test_many_aggregates_are_read_at_once_each_from_its_own_sequence(store: EventStore) -> None:
    streams = [aggregate_stream("registry", "camera", f"cam-{number}") for number in range(700)]
    for start in range(0, 700, 350):
        await store.append([event(stream, 0, stream.subject.encode()) for stream in streams[start : start + 350]])
    last = await store.last_sequence(streams[1])
    await store.append([event(streams[1], last, b"second")])
    news = await store.read_many({**dict.fromkeys(streams, 0), streams[0]: await store.last_sequence(streams[0])})
    assert [one.body for one in news[streams[1]]] == [streams[1].subject.encode(), b"second"]
    assert news[streams[0]] == []
    assert all(len(news[stream]) == 1 for stream in streams[2:])


async def test_of_many_writers_on_one_expectation_exactly_one_wins(store: EventStore) -> None:
    outcomes = await asyncio.gather(*(store.append([event(ONE, 0, str(number).encode())]) for number in range(8)), return_exceptions=True)
    assert sum(isinstance(outcome, list) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, LostRace) for outcome in outcomes) == 7


async def test_a_long_history_is_read_whole(store: EventStore) -> None:
    last = 0
    for _ in range(3):
        last = (await store.append([event(ONE, last, b"x") for _ in range(700)]))[-1]
    assert len(await store.read(ONE)) == 2100


@pytest.mark.loopback
async def test_while_the_log_is_away_nobody_waits_for_an_answer(nats_server: NatsServer, broker: Broker) -> None:
    store = JetStreamStore(broker.nc, timeout=60)
    await store.append([event(ONE, 0)])
    await nats_server.kill()
    await eventually(lambda: not broker.is_connected)
    for call in (store.read(ONE), store.read_many({ONE: 0, TWO: 0}), store.last_sequence(ONE), store.append([event(ONE, 1)])):
        with pytest.raises(Unavailable) as refused:
            await asyncio.wait_for(call, 20)
        assert refused.value.reason == "LOG_UNAVAILABLE"


@pytest.mark.loopback
async def test_an_atomic_batch_is_one_span_and_counts_its_messages_by_the_kind_of_aggregate(exported: Any, broker: Broker) -> None:
    await JetStreamStore(broker.nc).append([event(ONE, 0), event(TWO, 0)])
    own = {"messaging.destination.template": "es.registry.owner.{id}"}
    assert exported.value("messaging.client.sent.messages", **own) == 2
    assert [span.name for span in exported.spans()] == ["send es.registry.owner.{id}"]
