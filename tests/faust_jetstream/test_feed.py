import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from nats.js import JetStreamContext, api

from faust_jetstream import feed
from faust_jetstream.connection import Connection
from faust_jetstream.feed import Feed, Record
from faust_jetstream.settings import Access
from faust_jetstream.testkit import Proxy, Server, until

pytestmark = pytest.mark.loopback


class Reading:
    def __init__(self, connection: Connection, source: tuple[str, str | None], start: int = 1, room: Callable[[], int] = lambda: 100) -> None:
        self.records: list[Record] = []
        self.feed = Feed(connection, source, start=start, deliver=self.records.append, room=room)
        self.feed.start()

    @property
    def bodies(self) -> list[int]:
        return [int(record.body) for record in self.records]

    async def up_to(self, count: int) -> None:
        await until(lambda: len(self.records) >= count, 20, 0.01)


async def filled(js: JetStreamContext, name: str, count: int) -> None:
    await js.add_stream(api.StreamConfig(name=name, subjects=[f"{name}.>"]))
    await more(js, name, 0, count)


async def more(js: JetStreamContext, name: str, begin: int, end: int) -> None:
    for number in range(begin, end):
        await js.publish(f"{name}.{number % 2}", str(number).encode())


@pytest.fixture
async def read(connection: Connection) -> AsyncIterator[Callable[..., Reading]]:
    made: list[Reading] = []

    def start(*args: Any, **kwargs: Any) -> Reading:
        made.append(Reading(connection, *args, **kwargs))
        return made[-1]

    yield start
    for one in made:
        await one.feed.stop()


async def ten_read(read: Callable[..., Reading], js: JetStreamContext, name: str) -> Reading:
    await filled(js, name, 10)
    reading = read((name, None))
    await reading.up_to(10)
    return reading


async def test_everything_comes_once_and_in_order_and_goes_on(read: Any, js: JetStreamContext, name: str) -> None:
    await filled(js, name, 250)
    reading = read((name, None))
    await reading.up_to(250)
    await more(js, name, 250, 260)
    await reading.up_to(260)
    assert reading.bodies == list(range(260))
    assert reading.records[-1].pending == 0


async def test_a_filter_leaves_other_partitions_out(read: Any, js: JetStreamContext, name: str) -> None:
    await filled(js, name, 20)
    reading = read((name, f"{name}.1"), start=5)
    await reading.up_to(8)
    assert reading.bodies == [5, 7, 9, 11, 13, 15, 17, 19]


async def test_no_more_comes_than_there_is_room_for(read: Any, js: JetStreamContext, name: str) -> None:
    await filled(js, name, 50)
    holder: list[Reading] = []
    reading = read((name, None), room=lambda: 10 if not holder or len(holder[0].records) < 10 else 0)
    holder.append(reading)
    await reading.up_to(10)
    await asyncio.sleep(0.3)
    assert len(reading.records) == 10


async def test_messages_purged_under_a_reader_are_skipped_without_a_stop(read: Any, js: JetStreamContext, name: str) -> None:
    await filled(js, name, 30)
    room = [10]
    reading = read((name, None), room=lambda: room.pop() if room else 0)
    await reading.up_to(10)
    await js.purge_stream(name, seq=26)
    room.append(100)
    reading.feed.more()
    await reading.up_to(15)
    assert reading.bodies == [*range(10), *range(25, 30)]


async def test_a_consumer_that_the_server_dropped_is_made_again_where_it_was(read: Any, js: JetStreamContext, name: str) -> None:
    reading = await ten_read(read, js, name)
    (consumer,) = await js.consumers_info(name)
    await js.delete_consumer(name, consumer.name)
    await more(js, name, 10, 20)
    await reading.up_to(20)
    assert reading.bodies == list(range(20))


async def test_a_delivery_that_is_missing_is_fetched_again(read: Any, js: JetStreamContext, name: str) -> None:
    reading = await ten_read(read, js, name)
    reading.feed._count += 1
    await more(js, name, 10, 20)
    await reading.up_to(20)
    assert reading.bodies == list(range(20))
    assert reading.feed.restarts >= 1        # a stalled server may cost one more


async def test_the_last_messages_that_went_with_their_connection_are_fetched_though_nothing_follows(
    read: Any, js: JetStreamContext, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "HEARTBEAT", 0.2)
    reading = await ten_read(read, js, name)
    del reading.records[7:]         # as if they had never come: the server counts them as delivered
    reading.feed._count, reading.feed._next = 7, 8
    await reading.up_to(10)
    assert reading.bodies == list(range(10))


async def test_a_message_that_was_not_taken_is_read_again_and_the_client_reads_on(
    connection: Connection, js: JetStreamContext, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The client reads its socket in the same task: an error must not end that, and no message may go by."""
    await filled(js, name, 10)
    taken: list[int] = []
    failures = [4, 7, 7]

    def deliver(record: Record) -> None:
        if record.sequence in failures:
            failures.remove(record.sequence)
            raise ArithmeticError
        taken.append(record.sequence)

    one = Feed(connection, (name, None), start=1, deliver=deliver, room=lambda: 100)
    one.start()
    await until(lambda: taken[-1:] == [10], 10, 0.01)
    await one.stop()
    assert (taken, one.restarts) == (list(range(1, 11)), 3)
    assert f"message 4 of stream {name} is not taken" in caplog.text


@pytest.mark.long
async def test_a_loop_that_stood_still_takes_its_server_for_no_less_alive(
    read: Any, js: JetStreamContext, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "HEARTBEAT", 0.3)
    reading = await ten_read(read, js, name)
    time.sleep(1.2)  # noqa: ASYNC251  more than the heartbeats that may be missed
    await more(js, name, 10, 20)
    await reading.up_to(20)
    assert reading.feed.restarts == 0


@pytest.mark.long
async def test_a_restarted_server_is_read_on(tmp_path: Path, name: str, reconnects: None) -> None:
    with Server(tmp_path) as server:
        connection = Connection(Access((server.url,)), "test")
        await connection.open()
        await filled(connection.js, name, 10)
        reading = Reading(connection, (name, None))
        await reading.up_to(10)
        server.kill()
        server.start()
        await until(lambda: connection.nc.stats["reconnects"] and connection.nc.is_connected, 10)
        await more(connection.js, name, 10, 20)
        await reading.up_to(20)
        await reading.feed.stop()
        await connection.close()
    assert reading.bodies == list(range(20))


async def test_a_server_that_gives_no_sign_of_life_is_asked_anew(server: Server, js: JetStreamContext, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "HEARTBEAT", 0.2)
    await filled(js, name, 10)
    async with Proxy(server.port) as proxy:
        connection = Connection(Access((proxy.url,)), "test")
        await connection.open()
        reading = Reading(connection, (name, None))
        await reading.up_to(10)
        await asyncio.sleep(1.0)            # longer than the silence: heartbeats stand for messages
        assert reading.feed.restarts == 0
        proxy.pause()
        await more(js, name, 10, 20)
        await until(lambda: reading.feed.restarts == 1, 10)
        proxy.resume()
        await reading.up_to(20)
        await reading.feed.stop()
        await connection.close()
    assert reading.bodies == list(range(20))


async def test_nothing_is_delivered_after_the_end(read: Any, js: JetStreamContext, name: str) -> None:
    await filled(js, name, 5)
    reading = read((name, None))
    await reading.up_to(5)
    await reading.feed.stop()
    await more(js, name, 5, 10)
    await asyncio.sleep(0.1)
    assert len(reading.records) == 5
