import asyncio
from collections.abc import AsyncIterator

import pytest
from faust.types import TP
from nats.js import JetStreamContext, api

from faust_jetstream.connection import Connection
from faust_jetstream.reader import Reader
from faust_jetstream.testkit import until

pytestmark = pytest.mark.loopback


@pytest.fixture
async def reader(connection: Connection, js: JetStreamContext, name: str) -> AsyncIterator[Reader]:
    await js.add_stream(api.StreamConfig(name=name, subjects=[name]))
    for number in range(30):
        await js.publish(name, str(number).encode())
    made = Reader(connection, TP(name, 0), (name, None), position=5, fetch=10, arrived=lambda: None)
    yield made
    await made.close()


async def filled(reader: Reader) -> None:
    reader.start()
    await until(lambda: len(reader) >= 10, 10, 0.01)


async def test_records_come_from_the_position_on_and_move_it(reader: Reader) -> None:
    await filled(reader)
    assert [record.body for record in reader.take(3)] == [b"5", b"6", b"7"]
    assert (reader.position, reader.end) == (8, 30)


async def test_the_buffer_is_filled_again_as_it_empties_and_never_beyond_its_bound(reader: Reader) -> None:
    taken: list[bytes] = []
    reader.start()
    while len(taken) < 25:
        await until(lambda: len(reader) > 0, 10, 0.01)
        assert len(reader) <= 2 * 10
        taken += [record.body for record in reader.take(4)]
    assert taken == [str(number).encode() for number in range(5, 30)]


async def test_a_seek_drops_what_was_read_ahead(reader: Reader) -> None:
    await filled(reader)
    reader.take(2)
    reader.seek(20)
    assert len(reader) == 0
    await filled(reader)
    assert reader.take(1)[0].body == b"20"


async def test_a_seek_to_where_it_stands_keeps_a_fresh_reader_going(reader: Reader) -> None:
    reader.start()
    feed = reader._feed
    reader.seek(5)
    assert reader._feed is feed


async def test_a_resting_reader_takes_nothing_and_goes_on_where_it_was(reader: Reader, js: JetStreamContext, name: str) -> None:
    await filled(reader)
    reader.take(4)
    reader.rest()
    await asyncio.sleep(0.1)
    assert (len(reader), reader.position) == (0, 9)
    await filled(reader)
    assert reader.take(1)[0].body == b"9"


async def test_the_server_forgets_the_consumer_of_a_closed_reader(reader: Reader, js: JetStreamContext, name: str) -> None:
    await filled(reader)
    await reader.close()

    async def none_left() -> bool:
        return (await js.stream_info(name)).state.consumer_count == 0

    await until(none_left, 10)
