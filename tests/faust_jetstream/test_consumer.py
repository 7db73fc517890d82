"""Ways in which stock Faust loses, waits or commits wrongly, each with the app that shows it."""
# mypy: disable-error-code="untyped-decorator"
# ruff: noqa: PERF401  the loop is an agent's, not a list's

import asyncio
import inspect
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from aiokafka.errors import IllegalStateError
from faust.tables import recovery as stock_recovery
from faust.transport import consumer as stock
from faust.transport import producer as stock_producer
from faust.types import TP
from nats.js import JetStreamContext

from faust_jetstream.operations import reset
from faust_jetstream.testkit import TableReader, committed_offsets, running, until

pytestmark = pytest.mark.loopback

MakeApp = Callable[..., Any]
MakeCollector = Callable[..., tuple[Any, Any, list[int]]]


async def test_a_worker_with_two_agents_and_a_backlog_stops_without_waiting_for_what_is_queued(make_app: MakeApp) -> None:
    """Stock ``wait_empty`` waits for messages that one agent has done and that were cleared from the other's queue: for ever."""
    app = make_app()
    numbers = app.topic("numbers", key_type=str, value_type=int)
    done: list[int] = []

    @app.agent(numbers)
    async def quick(stream: Any) -> None:
        async for number in stream:
            done.append(number)

    @app.agent(numbers)
    async def slow(stream: Any) -> None:
        async for _ in stream:
            await asyncio.sleep(0.05)

    async with running(app):
        for number in range(200):
            await numbers.send(key="k", value=number)
        await until(lambda: len(done) == 200, 20)
        begun = time.monotonic()
    assert time.monotonic() - begun < 20


async def test_an_agent_with_concurrency_commits_nothing_that_is_in_work(make_app: MakeApp, js: JetStreamContext, name: str) -> None:
    app = make_app()
    numbers = app.topic("numbers", key_type=str, value_type=int, partitions=1)
    hold, seen = asyncio.Event(), set()

    @app.agent(numbers, concurrency=4)
    async def work(stream: Any) -> None:
        async for number in stream:
            if number == 10:
                await hold.wait()
            seen.add(number)

    async with running(app):
        for number in range(30):
            await numbers.send(key="k", value=number)
        await until(lambda: len(seen) == 29, 20)

        async def stored() -> Any:
            return (await committed_offsets(js, name, "numbers", 1, name))[0]

        async def committed_up_to_it() -> bool:
            return bool(await stored() == 10)

        await until(committed_up_to_it, 10)
        await asyncio.sleep(0.5)            # two more commits
        assert await stored() == 10
        hold.set()
        await until(lambda: len(seen) == 30, 10)
    assert await stored() == 30


async def test_offsets_wait_until_the_outputs_before_them_are_stored(make_app: MakeApp, js: JetStreamContext, name: str) -> None:
    assert "timeout=0.1" in inspect.getsource(stock_producer.ProducerBuffer.flush_atmost), "pitfall 4 is mended"
    app = make_app(processing_guarantee="at_least_once")
    numbers = app.topic("numbers", key_type=str, value_type=int, partitions=1)
    results = app.topic("results", key_type=str, value_type=int, partitions=1)
    sent: list[int] = []

    @app.agent(numbers)
    async def forward(stream: Any) -> None:
        async for number in stream:
            results.send_soon(key="k", value=number)
            sent.append(number)

    async with running(app):
        publisher = app.producer.publisher
        answer = publisher._on_answer
        kept: list[Any] = []

        async def late(message: Any) -> None:
            kept.append(message)

        await numbers.send(key="k", value=0)
        async def committed(offset: int) -> bool:
            return bool((await committed_offsets(js, name, "numbers", 1, name))[0] == offset)

        await until(partial(committed, 1), 20)
        publisher._sub._cb = late
        sending = await numbers.send(key="k", value=1)
        await until(lambda: len(sent) == 2, 10)
        await asyncio.sleep(0.6)            # several commit intervals
        assert await committed(1)
        publisher._sub._cb = answer
        for message in kept:
            await answer(message)
        await sending
        await until(partial(committed, 2), 20)


async def test_a_rebalance_commits_what_was_done_while_another_commit_was_under_way(make_collector: MakeCollector) -> None:
    """Stock Faust takes the commit under way for the last one: all that was done meanwhile is processed again by the next owner."""
    app, numbers, done = make_collector(processing_guarantee="at_least_once")
    async with running(app):
        store, begun, answered = app.consumer.offsets.store, asyncio.Event(), asyncio.Event()

        async def slow(*args: Any) -> Any:
            begun.set()
            await answered.wait()
            return await store(*args)

        app.consumer.offsets.store = slow
        await numbers.send(key="k", value=0)
        await begun.wait()
        await numbers.send(key="k", value=1)
        await until(lambda: len(done) == 2, 10)
        await app.consumer._group.ask_for_a_new_generation()
        await until(lambda: app.rebalancing, 10)
        asyncio.get_running_loop().call_later(0.3, answered.set)
        await until(lambda: app.consumer_generation_id == 2 and not app.rebalancing, 20)
        await numbers.send(key="k", value=2)
        await until(lambda: done[-1] == 2, 10)
    assert done == [0, 1, 2]


@pytest.mark.parametrize("guarantee", ["exactly_once", pytest.param("at_least_once", marks=pytest.mark.long)])
async def test_a_stopping_worker_waits_for_its_grace_period_and_leaves_the_rest_to_the_next_one(
    make_app: MakeApp, js: JetStreamContext, name: str, guarantee: str
) -> None:
    """Faust counts an event as done when its agent is cancelled (stream_ack_cancelled_tasks)."""
    app = make_app(query="&grace=1", processing_guarantee=guarantee)
    numbers = app.topic("numbers", key_type=str, value_type=int, partitions=1)
    begun: list[int] = []

    @app.agent(numbers)
    async def work(stream: Any) -> None:
        async for number in stream:
            begun.append(number)
            await asyncio.sleep(number)

    async with running(app):
        await numbers.send(key="k", value=0)
        await numbers.send(key="k", value=600)
        await until(lambda: len(begun) == 2, 10)
        stopped = time.monotonic()
    assert 1 <= time.monotonic() - stopped < 60
    assert (await committed_offsets(js, name, "numbers", 1, name))[0] == 1


async def test_a_buffer_that_empties_is_filled_at_once_and_not_a_second_later(make_app: MakeApp) -> None:
    assert "self.sleep(1)" in inspect.getsource(stock.Consumer._wait_next_records), "pitfall 5 is mended"
    app = make_app(stream_buffer_maxsize=8, topic_disable_leader=True)      # no other partition keeps stock Faust awake
    numbers = app.topic("numbers", key_type=str, value_type=int, partitions=1)
    seen: list[int] = []

    @app.agent(numbers)
    async def work(stream: Any) -> None:
        async for number in stream:
            seen.append(number)
            await asyncio.sleep(0.001)

    async with running(app):
        for number in range(400):
            await numbers.send(key="k", value=number)
        await until(lambda: len(seen) == 400, 20)       # 50 times full, and a second each in stock Faust


async def test_nothing_is_read_between_the_seek_and_the_flow_that_clears_queues(make_app: MakeApp) -> None:
    """What stock Faust's resume throws away never comes again to this worker: live deliveries, counted without commits or restarts."""
    app = make_app()
    numbers = app.topic("numbers", key_type=str, value_type=int)
    table = app.Table("table", default=int)
    seen: list[int] = []

    @app.agent(numbers)
    async def work(stream: Any) -> None:
        async for event in stream.events():
            table[event.key] += 1
            seen.append(event.value)
            await asyncio.sleep(0.005)      # so that a queue holds something when flow is resumed

    async with running(app):
        await numbers.send(key="k", value=0)
        await until(lambda: seen == [0], 20)
        sought, perform_seek = asyncio.Event(), app.consumer.perform_seek

        async def slow_seek() -> None:
            await perform_seek()
            sought.set()
            for number in range(1, 200):
                await numbers.send(key=f"k{number % 50}", value=number)
            await asyncio.sleep(0.3)        # long enough for a fast transport to deliver them

        app.consumer.perform_seek = slow_seek
        await app.consumer._group.ask_for_a_new_generation()
        await sought.wait()
        await until(lambda: len(seen) >= 200, 10)
    assert sorted(seen) == list(range(200))


async def test_a_seek_of_a_partition_that_is_gone_is_another_rebalance_and_no_crash(make_app: MakeApp) -> None:
    app = make_app()
    app.finalize()
    with pytest.raises(IllegalStateError):
        await app.consumer.seek_wait({TP("gone", 0): 5})
    assert "except IllegalStateError" in inspect.getsource(stock_recovery), "recovery does not take it for a rebalance any more"


async def test_a_stream_that_was_made_anew_is_read_from_its_beginning(make_collector: MakeCollector, js: JetStreamContext, name: str) -> None:
    app, numbers, seen = make_collector()
    async with running(app):
        for number in range(20):
            await numbers.send(key="k", value=number)
        await until(lambda: len(seen) == 20, 20)
    await js.delete_stream(f"{name.upper()}_numbers_0")
    app, numbers, seen = make_collector()
    async with running(app):
        await numbers.send(key="k", value=99)
        await until(lambda: seen == [99], 20)


@pytest.mark.parametrize("how", ["purged", pytest.param("expired", marks=pytest.mark.long)])
async def test_events_that_vanish_under_a_reader_cost_only_themselves(make_app: MakeApp, js: JetStreamContext, name: str, how: str) -> None:
    app = make_app(query="&fetch=20", stream_buffer_maxsize=10)
    numbers = app.topic("numbers", key_type=str, value_type=int, partitions=1, retention=1.5 if how == "expired" else None)
    table = app.Table("counts", default=int, partitions=1)
    go_on, seen = asyncio.Event(), list[int]()

    @app.agent(numbers)
    async def work(stream: Any) -> None:
        async for number in stream:
            seen.append(number)
            table[str(number)] += 1
            await go_on.wait()

    async with running(app):
        for number in range(400):
            await numbers.send(key="k", value=number)
        await until(lambda: len(seen) == 1, 10)
        stream = f"{name.upper()}_numbers_0"

        async def gone() -> bool:
            return (await js.stream_info(stream)).state.messages == 0

        await app.producer.flush()
        if how == "purged":
            await js.purge_stream(stream)
        await until(gone, 10)
        for number in range(400, 450):
            await numbers.send(key="k", value=number)
        go_on.set()
        await until(lambda: seen[-1] == 449, 10)
    assert set(range(400, 450)) <= set(seen)
    assert len(set(seen)) == len(seen) < 450
    assert await TableReader(js, name, name).table("counts") == {str(number): 1 for number in seen}


async def test_a_partition_whose_offsets_are_reset_while_it_is_worked_on_is_read_from_there(make_collector: MakeCollector) -> None:
    app, numbers, seen = make_collector()
    async with running(app):
        for number in range(10):
            await numbers.send(key="k", value=number)
        await until(lambda: len(seen) == 10, 20)
        await until(lambda: app.consumer.offsets.committed[TP("numbers", 0)] == 10, 10)
        await reset(app.consumer.topics, app.transport.connection, "numbers", {0: 4})
        await numbers.send(key="k", value=10)
        await until(lambda: seen[10:] and seen[-1] == 10 and seen.count(4) == 2, 20)
    assert sorted(set(seen)) == list(range(11))
