import asyncio

import pytest
from nats.js import JetStreamContext, api

from faust_jetstream.batch import MAX_BATCH, Outgoing, send_batch
from faust_jetstream.codec import EXPECTED, TTL
from faust_jetstream.connection import Connection, insist
from faust_jetstream.errors import NotStored, Refused

pytestmark = pytest.mark.loopback


@pytest.fixture
async def stream(js: JetStreamContext, name: str) -> str:
    await js.add_stream(api.StreamConfig(name=name, subjects=[f"{name}.>"], max_msgs_per_subject=1, allow_atomic=True, allow_msg_ttl=True))
    return name


def message(stream: str, key: int, **headers: str) -> Outgoing:
    return Outgoing(f"{stream}.{key}", b"x", headers)


@pytest.mark.parametrize("size", [1, 2, MAX_BATCH])
async def test_a_batch_is_stored_whole_and_adjacent(connection: Connection, js: JetStreamContext, stream: str, size: int) -> None:
    last = await send_batch(connection, [message(stream, key) for key in range(size)])
    assert (last, (await js.stream_info(stream)).state.messages) == (size, size)


async def test_a_wrong_expectation_stores_nothing(connection: Connection, js: JetStreamContext, stream: str) -> None:
    await js.publish(f"{stream}.0", b"before")
    stale = Outgoing(f"{stream}.0", b"stale", {EXPECTED: "0"})
    with pytest.raises(Refused) as refused:
        await send_batch(connection, [stale, message(stream, 1)])
    assert refused.value.lost_race
    assert (await js.stream_info(stream)).state.messages == 1


async def test_messages_of_a_batch_can_have_a_lifetime(connection: Connection, js: JetStreamContext, stream: str) -> None:
    await send_batch(connection, [message(stream, 0), Outgoing(f"{stream}.1", b"x", {TTL: "1s"})])
    for _ in range(60):
        if (await js.stream_info(stream)).state.messages == 1:
            return
        await asyncio.sleep(0.1)
    pytest.fail("the message did not expire")


async def test_a_batch_that_cannot_be_stored_now_is_no_lost_race(connection: Connection, js: JetStreamContext, name: str) -> None:
    await js.add_stream(api.StreamConfig(name=name, subjects=[f"{name}.>"]))
    with pytest.raises(NotStored):
        await send_batch(connection, [message(name, 0), message(name, 1)])


async def test_insisting_ends_with_the_first_answer_or_the_patience() -> None:
    refusals = [NotStored("no leader"), NotStored("no leader")]

    async def call() -> int:
        if refusals:
            raise refusals.pop()
        return 7

    assert await insist(call, patience=5, pause=0.01) == 7

    async def never() -> int:
        raise NotStored("no leader")

    with pytest.raises(NotStored):
        await insist(never, patience=0.05, pause=0.01)
