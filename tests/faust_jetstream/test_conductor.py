"""How far ahead of its agents a worker decodes, and that nobody waits for it."""
# mypy: disable-error-code="untyped-decorator"
# ruff: noqa: PERF401  the loop is an agent's, not a list's

import asyncio
from collections.abc import Callable
from typing import Any
from weakref import WeakSet

import pytest
from faust.types import TP

from faust_jetstream.conductor import AHEAD, InWork
from faust_jetstream.testkit import running, until

pytestmark = pytest.mark.loopback

MakeApp = Callable[..., Any]
MakeCollector = Callable[..., tuple[Any, Any, list[int]]]
MANY = 5 * AHEAD


async def send_many(app: Any, topic: Any) -> None:
    for number in range(MANY):
        await topic.send(key="k", value=number)
    await app.producer.flush()


async def test_few_events_lie_ready_for_an_agent_and_the_rest_waits_as_it_came(make_app: MakeApp) -> None:
    app = make_app()
    numbers = app.topic("numbers", key_type=str, value_type=int, partitions=1)
    seen: list[int] = []
    most, go_on = 0, asyncio.Event()

    @app.agent(numbers)
    async def work(stream: Any) -> None:
        nonlocal most
        async for number in stream:
            await go_on.wait()
            seen.append(number)
            most = max(most, stream.channel.queue.qsize())

    async with running(app):
        await send_many(app, numbers)
        await until(lambda: app.consumer.readers[TP("numbers", 0)].end == MANY, 10, 0.01)
        go_on.set()
        await until(lambda: len(seen) == MANY, 20, 0.01)
    assert seen == list(range(MANY))
    assert 1 < most <= AHEAD


async def test_an_agent_takes_more_events_together_than_ever_lie_ready(make_app: MakeApp) -> None:
    app = make_app()
    numbers = app.topic("numbers", key_type=str, value_type=int, partitions=1)
    batches: list[list[int]] = []

    @app.agent(numbers)
    async def work(stream: Any) -> None:
        async for batch in stream.take(MANY, within=60):
            batches.append(batch)

    async with running(app):
        await send_many(app, numbers)
        await until(lambda: len(batches) == 1, 20, 0.01)
    assert batches == [list(range(MANY))]


async def test_a_slow_agent_does_not_hold_up_another_one_that_reads_the_same_topic(make_app: MakeApp) -> None:
    app = make_app()
    numbers = app.topic("numbers", key_type=str, value_type=int, partitions=1)
    quick_saw: list[int] = []
    slow_saw: list[int] = []
    go_on = asyncio.Event()

    @app.agent(numbers)
    async def quick(stream: Any) -> None:
        async for number in stream:
            quick_saw.append(number)

    @app.agent(numbers)
    async def slow(stream: Any) -> None:
        async for number in stream:
            await go_on.wait()
            slow_saw.append(number)

    async with running(app):
        await send_many(app, numbers)
        await until(lambda: len(quick_saw) == MANY, 20, 0.01)
        assert slow_saw == []
        go_on.set()
        await until(lambda: len(slow_saw) == MANY, 20, 0.01)
    assert quick_saw == slow_saw == list(range(MANY))


async def test_events_that_are_taken_past_any_stream_are_followed_by_others(make_collector: MakeCollector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(InWork, "add", WeakSet.add)        # nobody says that events were taken
    app, numbers, seen = make_collector()
    async with running(app):
        await send_many(app, numbers)
        await until(lambda: len(seen) == MANY, 20, 0.01)
    assert seen == list(range(MANY))
