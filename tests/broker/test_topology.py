"""Streams and buckets come out as declared, whoever declares them, and however often."""
from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from nats.js.errors import APIError

from vonglau.broker import Broker, Entry, KeyValue, NatsServer, connect
from vonglau.broker.topology import ES_REGISTRY, FACT_INGEST, declared, ensure
from vonglau.errors import Invalid
from vonglau.eventlog import LostRace
from vonglau.testing.waiting import eventually

pytestmark = pytest.mark.loopback


async def test_declaring_twice_changes_nothing(broker: Broker) -> None:
    before = [(await broker.js.stream_info(str(config.name))).config for config in declared()]
    await ensure(broker)
    assert [(await broker.js.stream_info(str(config.name))).config for config in declared()] == before


async def test_many_processes_may_declare_at_once(nats_server: NatsServer) -> None:
    async with AsyncExitStack() as stack:
        brokers = [await stack.enter_async_context(connect(nats_server.url, name=f"process-{number}", within=5)) for number in range(6)]
        await asyncio.gather(*(ensure(broker) for broker in brokers))
        assert len(await brokers[0].js.streams_info()) == len(declared())


async def test_nothing_can_be_purged_from_a_stream_of_record(broker: Broker) -> None:
    await broker.js.publish("es.registry.owner.ward-1", b"")
    with pytest.raises(APIError):
        await broker.js.purge_stream(ES_REGISTRY)
    with pytest.raises(APIError):
        await broker.js.delete_msg(ES_REGISTRY, 1)


async def test_the_server_puts_the_partition_into_a_facts_subject(broker: Broker) -> None:
    await broker.js.publish("fact.segment.cam-1", b"x")
    stored = await broker.js.get_msg(FACT_INGEST, 1)
    kind, partition, camera = str(stored.subject).split(".")[1:]
    assert (kind, camera) == ("segment", "cam-1")
    assert 0 <= int(partition) < 16


async def test_epochs_start_at_the_clock(broker: Broker) -> None:
    revision = await KeyValue(broker, "claims").put("slot.default.1", b"{}")
    assert abs(revision - time.time() * 1000) < 60_000


async def test_a_key_is_written_only_on_the_revision_that_was_read(broker: Broker) -> None:
    bucket = KeyValue(broker, "claims")
    assert await bucket.get("slot.default.7") is None
    first = await bucket.update("slot.default.7", b"one", 0)
    second = await bucket.update("slot.default.7", b"two", first)
    with pytest.raises(LostRace):
        await bucket.update("slot.default.7", b"three", first)
    assert await bucket.get("slot.default.7") == ("slot.default.7", b"two", second)


async def test_a_value_that_no_message_holds_is_refused_and_the_connection_stays(broker: Broker) -> None:
    bucket = KeyValue(broker, "claims")
    with pytest.raises(Invalid) as refused:
        await bucket.put("slot.1", b"x" * 1_048_577)
    assert refused.value.reason == "MESSAGE_TOO_LARGE"
    assert await bucket.put("slot.1", b"x" * 999_900)


async def test_a_deleted_key_can_be_written_again_on_its_marker(broker: Broker) -> None:
    bucket = KeyValue(broker, "claims")
    await bucket.put("slot.default.7", b"one")
    marker = await bucket.delete("slot.default.7")
    entry = await bucket.get("slot.default.7")
    assert entry == ("slot.default.7", None, marker)
    assert await bucket.update("slot.default.7", b"two", marker) > marker


async def test_a_watch_gives_what_is_there_then_what_changes(broker: Broker) -> None:
    bucket = KeyValue(broker, "access_state")
    await bucket.put("owner.ward-1", b"1")
    await bucket.put("camera.cam-1", b"2")
    watch = bucket.watch()
    present = [await anext(watch), await anext(watch)]
    assert [entry and (entry.key, entry.value) for entry in present] == [("owner.ward-1", b"1"), ("camera.cam-1", b"2")]
    assert await anext(watch) is None
    await bucket.put("owner.ward-1", b"3")
    changed = await anext(watch)
    assert changed is not None
    assert (changed.key, changed.value) == ("owner.ward-1", b"3")
    await watch.aclose()


async def test_a_watch_of_an_empty_bucket_says_so_at_once(broker: Broker) -> None:
    watch = KeyValue(broker, "access_state").watch()
    assert await asyncio.wait_for(anext(watch), 20) is None
    await watch.aclose() # an async generator


async def test_a_watch_goes_on_after_the_server_was_killed(broker: Broker, nats_server: NatsServer) -> None:
    bucket = KeyValue(broker, "access_state")
    await bucket.put("owner.ward-1", b"1")
    watch = bucket.watch()
    assert await anext(watch) is not None
    assert await anext(watch) is None
    waiting = asyncio.ensure_future(until(watch, b"2"))
    await nats_server.kill()
    await nats_server.start()
    await eventually(lambda: broker.connections > 1)
    await bucket.put("owner.ward-1", b"2")
    assert await asyncio.wait_for(waiting, 15)


async def until(watch: AsyncIterator[Entry | None], value: bytes) -> bool:
    async for entry in watch:
        if entry is not None and entry.value == value:
            return True
    return False
