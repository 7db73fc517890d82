"""Whole apps inside the test's event loop: what a Faust user writes, and what must come of it."""
# mypy: disable-error-code="untyped-decorator"

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import faust
import pytest
from nats.js import JetStreamContext, api

from faust_jetstream import existing, in_state
from faust_jetstream.testkit import TableReader, running, until

pytestmark = pytest.mark.loopback

MakeApp = Callable[..., Any]


@pytest.mark.parametrize("guarantee", ["exactly_once", "at_least_once"])
async def test_agents_tables_windows_repartitions_timers_and_outputs_work(
    make_app: MakeApp, js: JetStreamContext, name: str, guarantee: str
) -> None:
    app = make_app(processing_guarantee=guarantee)
    orders = app.topic("orders", key_type=str, value_type=int, partitions=2)
    large = app.topic("large", key_type=str, value_type=int, partitions=2)
    sums = app.Table("sums", default=int, partitions=2)
    tumbling = app.Table("tumbling", default=int, partitions=2).tumbling(timedelta(minutes=1), expires=timedelta(hours=1))
    hopping = app.Table("hopping", default=int, partitions=2).hopping(60, 30, expires=timedelta(hours=1))
    parity = app.Table("parity", default=int, partitions=2)
    ticks: list[int] = []

    @app.agent(orders)
    async def sum_up(stream: Any) -> None:
        async for event in stream.events():
            sums[event.key] += event.value
            tumbling[event.key] += event.value
            hopping[event.key] += event.value
            if event.value >= 90:
                await large.send(key=event.key, value=event.value)

    @app.agent(orders)
    async def by_parity(stream: Any) -> None:
        async for value in stream.group_by(lambda number: str(number % 2), name="parity", partitions=2):
            parity[str(value % 2)] += value

    @app.timer(0.1)
    async def tick() -> None:
        ticks.append(1)

    async with running(app):
        for number in range(100):
            await orders.send(key=f"customer-{number % 5}", value=number)
        await until(lambda: sum(parity.values()) == 4950 and sum(sums.values()) == 4950, 20)
        assert sums["customer-1"] == sum(range(1, 100, 5))
        await until(lambda: len(ticks) > 1, 10)
    stored = TableReader(js, name, name)
    assert await stored.table("sums") == {f"customer-{c}": sum(range(c, 100, 5)) for c in range(5)}
    assert sum((await stored.table("tumbling")).values()) == 4950
    assert sum((await stored.table("hopping")).values()) == 2 * 4950
    assert await stored.table("parity") == {"0": 2450, "1": 2500}
    bodies = [(await js.get_msg(f"{name.upper()}_large_{p}", n)).data for p in range(2) for n in range(1, (await ends(js, f"{name.upper()}_large_{p}")) + 1)]
    assert sorted(int(body or b"0") for body in bodies) == list(range(90, 100))


async def ends(js: JetStreamContext, stream: str) -> int:
    return int((await js.stream_info(stream)).state.last_seq)


async def test_what_one_worker_stored_the_next_one_finds_in_its_tables(make_app: MakeApp) -> None:
    def build() -> tuple[faust.App, Any, Any]:
        app = make_app()
        numbers = app.topic("numbers", key_type=str, value_type=int)
        best = app.Table("best", default=int)

        @app.agent(numbers)
        async def keep(stream: Any) -> None:
            async for event in stream.events():
                if event.value < 0:
                    del best[event.key]
                else:
                    best[event.key] = event.value

        return app, numbers, best

    first, numbers, best = build()
    async with running(first):
        for number in range(20):
            await numbers.send(key=f"k{number}", value=number)
        await numbers.send(key="k3", value=-1)
        await until(lambda: len(best) == 19, 20)
    second, _, again = build()
    async with running(second):
        assert dict(again.items()) == {f"k{number}": number for number in range(20) if number != 3}


@pytest.mark.long
async def test_a_caller_gets_the_answer_of_an_agent(make_app: MakeApp) -> None:
    app = make_app(reply_create_topic=True)
    questions = app.topic("questions", value_type=int)

    @app.agent(questions)
    async def double(stream: Any) -> Any:
        async for number in stream:
            yield number * 2

    async with running(app):
        assert await asyncio.wait_for(double.ask(21), 20) == 42


async def test_every_worker_sees_the_whole_of_a_global_table(make_app: MakeApp) -> None:
    def build(part: str) -> tuple[faust.App, Any, Any]:
        app = make_app(datadir=f"/tmp/{part}")  # noqa: S108  nothing is written there by memory stores
        names = app.topic("names", key_type=str, value_type=str)
        table = app.GlobalTable("names", default=str, recovery_buffer_size=1)      # as Faust itself advises

        @app.agent(names)
        async def keep(stream: Any) -> None:
            async for event in stream.events():
                table[event.key] = event.value

        return app, names, table

    one, names, here = build("one")
    two, _, there = build("two")
    async with running(one), running(two):
        for number in range(12):
            await names.send(key=f"k{number}", value="x")
        await until(lambda: len(here) == 12 and len(there) == 12, 30)


async def test_standby_copies_follow_the_active_ones(make_app: MakeApp) -> None:
    def build(part: str) -> tuple[faust.App, Any, Any]:
        app = make_app(table_standby_replicas=1, datadir=f"/tmp/{part}")  # noqa: S108
        numbers = app.topic("numbers", key_type=str, value_type=int)
        table = app.Table("table", default=int, standby_buffer_size=1)

        @app.agent(numbers)
        async def keep(stream: Any) -> None:
            async for event in stream.events():
                table[event.key] += 1

        return app, numbers, table

    one, numbers, here = build("one")
    two, _, there = build("two")
    async with running(one), running(two):
        for number in range(20):
            await numbers.send(key=f"k{number}", value=1)
        await until(lambda: len(here) == 20 and len(there) == 20, 30)


async def test_plain_events_of_other_programs_are_read_with_the_servers_partitions(
    make_app: MakeApp, js: JetStreamContext, name: str
) -> None:
    transform = api.SubjectTransform(src=f"{name}.fact.*", dest=f"{name}.fact.{{{{partition(2,1)}}}}.{{{{wildcard(1)}}}}")
    await js.add_stream(api.StreamConfig(name=f"{name}F", subjects=[f"{name}.fact.*"], subject_transform=transform))
    app = make_app()
    facts = app.topic("facts", key_type=str, value_type=int, partitions=2, config=existing(f"{name}F", f"{name}.fact.{{partition}}.{{key}}"))
    counts = app.Table("counts", default=int, partitions=2)

    @app.agent(facts)
    async def count(stream: Any) -> None:
        async for event in stream.events():
            counts[event.key] += event.value

    async with running(app):
        for number in range(40):
            await js.publish(f"{name}.fact.camera-{number % 8}", b"1")
        await until(lambda: sum(counts.values()) == 40, 20)
    assert await TableReader(js, name, name).table("counts") == {f"camera-{number}": 5 for number in range(8)}


async def test_two_agents_that_change_the_same_keys_commit_only_what_agrees(make_app: MakeApp, js: JetStreamContext, name: str) -> None:
    app = make_app(broker_commit_interval=0.05)
    numbers = app.topic("numbers", key_type=str, value_type=int)
    table = app.Table("table", default=int)

    @app.agent(numbers)
    async def quick(stream: Any) -> None:
        async for event in stream.events():
            table[event.key] += 1

    @app.agent(numbers)
    async def slow(stream: Any) -> None:
        async for event in stream.events():
            await asyncio.sleep(0.001)
            table[event.key] += 1

    async with running(app):
        for number in range(300):
            await numbers.send(key=f"k{number % 4}", value=number)
        await until(lambda: sum(table.values()) == 600, 30)
        stored = TableReader(js, name, name)

        async def all_stored() -> bool:
            return bool(sum((await stored.table("table")).values()) == 600)

        await until(all_stored, 20)


async def test_outputs_that_ride_on_commits_are_consumed_and_dropped(make_app: MakeApp, js: JetStreamContext, name: str) -> None:
    app = make_app()
    numbers = app.topic("numbers", key_type=str, value_type=int)
    alarms = app.topic("alarms", key_type=str, value_type=int, config=in_state())
    seen = app.Table("seen", default=int)

    @app.agent(numbers)
    async def alarm(stream: Any) -> None:
        async for event in stream.events():
            sent = await alarms.send(key=event.key, value=event.value)
            assert (await sent).offset == -1

    @app.agent(alarms)
    async def take(stream: Any) -> None:
        async for value in stream:
            seen[str(value)] += 1

    async with running(app):
        for number in range(50):
            await numbers.send(key=f"k{number}", value=number)
        await until(lambda: len(seen) == 50, 20)

        async def dropped() -> bool:
            info = await js.stream_info(f"{name.upper()}_{name}_STATE", subjects_filter=f"{name}-state.{name}.out.>")
            return not info.state.subjects

        await until(dropped, 10)
    assert await TableReader(js, name, name).table("seen") == {str(number): 1 for number in range(50)}
