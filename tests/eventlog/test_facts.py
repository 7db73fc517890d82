"""Facts: stored once each, in the partition that the stream gives them, and read back by kind and key."""
from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from vonglau.broker import Broker, NatsServer
from vonglau.broker.bounds import MESSAGE_MOST
from vonglau.broker.topology import FACT_INGEST
from vonglau.errors import Invalid, Unavailable
from vonglau.eventlog import FactPublisher, FactReader, HeaderWriter
from vonglau.ingest.v1.events_pb2 import StreamChanged
from vonglau.testing.clock import SettableClock
from vonglau.testing.waiting import eventually

pytestmark = pytest.mark.loopback

SENT = "messaging.client.sent.messages"


@pytest.fixture
def publisher(broker: Broker) -> FactPublisher:
    return FactPublisher(broker.nc, HeaderWriter("/vonglau/test/ingest", SettableClock()), "service:ingest", timeout=2.0)


@pytest.fixture
def reader(broker: Broker) -> FactReader:
    return FactReader(broker.nc, FACT_INGEST, timeout=2.0)


def changed(camera: str, width: int = 1920) -> StreamChanged:
    return StreamChanged(camera=camera, width_px=width)


async def test_a_fact_is_stored_with_who_saw_it_and_in_its_keys_partition(broker: Broker, publisher: FactPublisher) -> None:
    sequence = await publisher.publish("stream", "cam-1", changed("cam-1"), "1")
    stored = await broker.js.get_msg(FACT_INGEST, sequence)
    prefix, kind, partition, key = str(stored.subject).split(".")
    assert (prefix, kind, partition.isdecimal(), key) == ("fact", "stream", True, "cam-1")
    assert stored.headers is not None
    assert stored.headers["ce-type"] == "vonglau.ingest.v1.StreamChanged"
    assert (stored.headers["ce-subject"], stored.headers["vl-actor"]) == ("cam-1", "service:ingest")
    assert StreamChanged.FromString(stored.data or b"") == changed("cam-1")


async def test_a_fact_that_is_told_twice_is_stored_once_and_has_one_sequence(broker: Broker, publisher: FactPublisher) -> None:
    first = await publisher.publish("stream", "cam-1", changed("cam-1"), "1")
    assert await publisher.publish("stream", "cam-1", changed("cam-1"), "1") == first
    assert (await broker.js.stream_info(FACT_INGEST)).state.messages == 1


@pytest.mark.parametrize(("kind", "key", "identity"), [("clock", "cam-1", "1"), ("stream", "cam-2", "1"), ("stream", "cam-1", "2")])
async def test_another_kind_key_or_identity_is_another_fact(publisher: FactPublisher, kind: str, key: str, identity: str) -> None:
    first = await publisher.publish("stream", "cam-1", changed("cam-1"), "1")
    assert await publisher.publish(kind, key, changed(key), identity) > first


async def test_the_newest_fact_of_a_kind_and_key_is_read_whatever_came_after_it_elsewhere(publisher: FactPublisher, reader: FactReader) -> None:
    for number, (kind, camera) in enumerate([("stream", "cam-1"), ("stream", "cam-1"), ("stream", "cam-2"), ("clock", "cam-1")]):
        await publisher.publish(kind, camera, changed(camera, number), str(number))
    newest = await reader.newest("stream", "cam-1")
    assert newest is not None
    assert StreamChanged.FromString(newest).width_px == 1


async def test_of_a_key_without_facts_there_is_no_newest(reader: FactReader) -> None:
    assert await reader.newest("stream", "cam-1") is None


async def test_a_log_that_does_not_know_the_stream_is_unavailable_and_not_empty(broker: Broker) -> None:
    with pytest.raises(Unavailable) as refused:
        await FactReader(broker.nc, "fact_nothing").newest("stream", "cam-1")
    assert refused.value.reason == "LOG_REFUSED"


async def test_a_subject_that_no_stream_takes_is_unavailable(publisher: FactPublisher) -> None:
    with pytest.raises(Unavailable):
        await publisher.publish("stream", "cam.with.dots", changed("cam-1"), "1")


async def test_a_fact_that_no_message_would_hold_is_refused_and_the_connection_stands(broker: Broker, publisher: FactPublisher) -> None:
    with pytest.raises(Invalid) as refused:
        await publisher.publish("stream", "cam-1", StreamChanged(camera="cam-1", codec="x" * MESSAGE_MOST), "1")
    assert refused.value.reason == "MESSAGE_TOO_LARGE"
    await publisher.publish("stream", "cam-1", changed("cam-1"), "1")
    assert (broker.nc.stats["reconnects"], (await broker.js.stream_info(FACT_INGEST)).state.messages) == (0, 1)


async def test_without_the_log_facts_are_refused_at_once(nats_server: NatsServer, broker: Broker, publisher: FactPublisher, reader: FactReader) -> None:
    await nats_server.kill()
    await eventually(lambda: not broker.is_connected)
    calls: list[Callable[[], Awaitable[Any]]] = [lambda: publisher.publish("stream", "cam-1", changed("cam-1"), "1"), lambda: reader.newest("stream", "cam-1")]
    for call in calls:
        with pytest.raises(Unavailable) as refused:
            await asyncio.wait_for(call(), 4.0)  # one that waited for an answer would take 5 s
        assert refused.value.reason == "LOG_UNAVAILABLE"


async def test_a_publish_is_told_by_its_kind_and_never_by_its_camera(exported: Any, publisher: FactPublisher) -> None:
    await publisher.publish("stream", "cam-1", changed("cam-1"), "1")
    assert exported.value(SENT, **{"messaging.destination.template": "fact.stream.{id}"}) == 1
    (span,) = exported.spans()
    assert span.name == "send fact.stream.{id}"
    assert "cam-1" not in str(dict(span.attributes))


async def test_the_fact_that_was_the_newest_at_some_time_is_read_back(publisher: FactPublisher, reader: FactReader) -> None:
    assert await reader.at("stream", "cam-1", time.time_ns()) is None
    times = [time.time_ns()]
    for width in (640, 1280):
        await publisher.publish("stream", "cam-1", changed("cam-1", width), str(width))
        await publisher.publish("stream", "cam-2", changed("cam-2", 1), str(width))
        await asyncio.sleep(0.002)  # the server's time of a message and ours differ by less
        times.append(time.time_ns())
    found = [await reader.at("stream", "cam-1", each) for each in (*times, times[-1] + 10**12)]
    assert [each and StreamChanged.FromString(each).width_px for each in found] == [None, 640, 1280, 1280]
