"""What every event source does: in memory, and on a real NATS server."""
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from nats.js.api import StreamConfig

from vonglau.broker import Broker, NatsServer, connect
from vonglau.errors import Unavailable
from vonglau.eventlog import Recorded
from vonglau.subscription import EventSource, Interrupted, JetStreamEvents, MemoryEvents, Source, pull

LOG = "es_test"
CAMERAS = Source(LOG, ("es.test.camera.*",))
BOTH = Source(LOG, ("es.test.camera.*", "es.test.site.*"))


class Memory:
    def __init__(self) -> None:
        self.source: EventSource = MemoryEvents([])

    async def publish(self, *subjects: str) -> None:
        assert isinstance(self.source, MemoryEvents)
        for subject in subjects:
            sequence = len(self.source.events) + 1
            self.source.events.append(Recorded(LOG, sequence, f"es.test.{subject}", {"n": str(sequence)}, f"{sequence}".encode()))


class JetStream:
    def __init__(self, broker: Broker) -> None:
        self.source: EventSource = JetStreamEvents(broker.nc)
        self.broker = broker
        self._count = 0

    async def publish(self, *subjects: str) -> None:
        for subject in subjects:
            self._count += 1
            await self.broker.js.publish(f"es.test.{subject}", f"{self._count}".encode(), headers={"n": str(self._count)})


@pytest.fixture(params=["memory", pytest.param("jetstream", marks=pytest.mark.loopback)])
async def log(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    if request.param == "memory":
        yield Memory()
        return
    async with NatsServer(tmp_path / "nats") as server, connect(server.url, name="tests", within=5) as broker:
        await broker.js.add_stream(StreamConfig(name=LOG, subjects=["es.test.>"], allow_direct=True))
        yield JetStream(broker)


async def taken(reading: Any, count: int, limit: int = 100) -> list[Recorded]:
    events: list[Recorded] = []
    while len(events) < count:
        delivered = await reading.fetch(limit, 5.0)
        assert delivered.events, f"{len(events)} of {count} came"
        events += delivered.events
    return events


async def test_events_come_whole_and_in_order(log: Any) -> None:
    await log.publish("camera.a", "owner.x", "camera.b", "camera.a")
    reading = await log.source.open("reader", CAMERAS, 0)
    events = await taken(reading, 3)
    assert events[2] == Recorded(LOG, 4, "es.test.camera.a", {"n": "4"}, b"4")
    assert [event.sequence for event in events] == [1, 3, 4]
    await reading.close()


async def test_several_filters_keep_the_order_of_the_log(log: Any) -> None:
    await log.publish("camera.a", "site.s", "owner.x", "camera.b", "site.t")
    reading = await log.source.open("reader", BOTH, 0)
    assert [event.sequence for event in await taken(reading, 4)] == [1, 2, 4, 5]
    await reading.close()


async def test_reading_goes_on_behind_the_given_sequence_wherever_the_consumer_stood(log: Any) -> None:
    await log.publish(*["camera.a"] * 10)
    for after in (0, 5, 2, 9):
        reading = await log.source.open("reader", CAMERAS, after)
        events = await taken(reading, 10 - after)
        assert [event.sequence for event in events] == list(range(after + 1, 11))
        await reading.done()
        await reading.close()


async def test_a_fetch_brings_no_more_than_asked_and_counts_what_is_left(log: Any) -> None:
    await log.publish(*["camera.a", "owner.x"] * 10)
    reading = await log.source.open("reader", CAMERAS, 0)
    left = 10
    while left:
        delivered = await reading.fetch(3, 5.0)
        assert 1 <= len(delivered.events) <= 3
        left -= len(delivered.events)
        assert delivered.pending == left
    await reading.close()


async def test_nothing_comes_within_the_wait_and_later_something_does(log: Any) -> None:
    reading = await log.source.open("reader", CAMERAS, 0)
    assert (await reading.fetch(10, 0.05)).events == []
    await log.publish("camera.a")
    assert [event.sequence for event in await taken(reading, 1)] == [1]
    await reading.close()


async def test_the_next_event_that_is_read_is_told(log: Any) -> None:
    await log.publish("owner.x", "camera.a", "owner.x", "site.s", "owner.x")
    assert [await log.source.next_after(BOTH, sequence) for sequence in range(6)] == [2, 2, 4, 4, None, None]


async def test_the_state_names_first_and_last_sequence_and_stays_the_same_stream(log: Any) -> None:
    before = await log.source.state(LOG)
    await log.publish("owner.x", "camera.a")
    after = await log.source.state(LOG)
    assert (after.first_sequence, after.last_sequence) == (1, 2)
    assert before.last_sequence == 0
    assert before.created_ns == after.created_ns > 0


async def test_a_forgotten_consumer_is_made_anew_and_forgetting_twice_is_harmless(log: Any) -> None:
    await log.publish("camera.a", "camera.b")
    reading = await log.source.open("reader", CAMERAS, 0)
    await taken(reading, 2)
    await reading.close()
    for _ in range(2):
        await log.source.forget("reader", LOG)
    reading = await log.source.open("reader", CAMERAS, 1)
    assert [event.sequence for event in await taken(reading, 1)] == [2]
    await reading.close()


async def has_consumer(broker: Broker, name: str) -> Any:
    return await broker.js.consumer_info(LOG, name)


@pytest.fixture
async def stream(broker: Broker) -> JetStream:
    await broker.js.add_stream(StreamConfig(name=LOG, subjects=["es.test.>"], allow_direct=True))
    return JetStream(broker)


@pytest.mark.loopback
async def test_a_consumer_that_stands_where_the_checkpoint_is_is_kept(stream: JetStream) -> None:
    await stream.publish(*["camera.a"] * 5)
    reading = await stream.source.open("reader", CAMERAS, 0)
    await taken(reading, 5)
    await reading.done()
    await reading.close()
    made = (await has_consumer(stream.broker, "reader")).created
    await (await stream.source.open("reader", CAMERAS, 5)).close()
    assert (await has_consumer(stream.broker, "reader")).created == made
    await (await stream.source.open("reader", CAMERAS, 4)).close()
    assert (await has_consumer(stream.broker, "reader")).created != made


@pytest.mark.loopback
async def test_a_consumer_with_other_subjects_is_made_anew(stream: JetStream) -> None:
    await (await stream.source.open("reader", CAMERAS, 0)).close()
    await (await stream.source.open("reader", BOTH, 0)).close()
    assert sorted((await has_consumer(stream.broker, "reader")).config.filter_subjects) == sorted(BOTH.subjects)


@pytest.mark.loopback
async def test_deliveries_that_went_to_somebody_else_are_noticed(stream: JetStream) -> None:
    """Else a second process on the same consumer would make a hole that nobody sees: sequences may have gaps."""
    reading = await stream.source.open("reader", CAMERAS, 0)
    thief = await stream.broker.js.pull_subscribe_bind(consumer="reader", stream=LOG)
    await stream.publish("camera.a", "camera.a", "camera.a")
    await thief.fetch(1, timeout=5)
    with pytest.raises(Interrupted, match="deliveries 1 to 1 went elsewhere"):
        await reading.fetch(10, 5.0)
    await reading.close()


@pytest.mark.loopback
async def test_a_deleted_consumer_interrupts_at_once(stream: JetStream) -> None:
    reading = await stream.source.open("reader", CAMERAS, 0)
    await reading.fetch(10, 0.05)
    await stream.broker.js.delete_consumer(LOG, "reader")
    with pytest.raises(Interrupted):
        await reading.fetch(10, 5.0)
    await reading.close()


@pytest.mark.loopback
async def test_a_log_that_is_not_there_is_unavailable(broker: Broker) -> None:
    events = JetStreamEvents(broker.nc)
    for ask in (events.state("nothing"), events.open("reader", Source("nothing", ("a",)), 0), events.next_after(Source("nothing", ("a",)), 0)):
        with pytest.raises(Unavailable) as refusal:
            await ask
        assert refusal.value.reason == "LOG_UNAVAILABLE"


@pytest.mark.loopback
async def test_a_stream_made_again_under_its_name_is_another_one(stream: JetStream) -> None:
    before = await stream.source.state(LOG)
    await stream.broker.js.delete_stream(LOG)
    await stream.broker.js.add_stream(StreamConfig(name=LOG, subjects=["es.test.>"]))
    assert (await stream.source.state(LOG)).created_ns != before.created_ns


@pytest.mark.loopback
async def test_whoever_takes_long_over_a_batch_has_not_lost_the_consumer(nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """When all that was asked for has come, the server has nothing to say until more is asked for."""
    monkeypatch.setattr(pull, "SILENCE_S", 0.2)
    async with connect(nats_server.url, name="tests", within=5) as broker:
        await broker.js.add_stream(StreamConfig(name=LOG, subjects=["es.test.>"], allow_direct=True))
        log = JetStream(broker)
        await log.publish(*["camera.a"] * 20)
        reading = await log.source.open("reader", CAMERAS, 0)
        events = await taken(reading, 5, limit=5)
        await asyncio.sleep(0.4)  # the time that the batch takes
        events += await taken(reading, 5, limit=5)
        assert [event.sequence for event in events] == list(range(1, 11))
        await reading.close()
