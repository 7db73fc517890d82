"""What leaves an app under exactly_once: which id an output carries, and what a forgotten assignment takes with it."""
# mypy: disable-error-code="untyped-decorator"

from collections.abc import Callable
from typing import Any

import pytest
from faust.types import TP
from nats.js import JetStreamContext

from faust_jetstream import in_state
from faust_jetstream.errors import CommitTooLarge, MessageTooLarge
from faust_jetstream.offsets import Offsets
from faust_jetstream.places import Names
from faust_jetstream.testkit import TableReader, running, until

pytestmark = pytest.mark.loopback

MakeApp = Callable[..., Any]


async def from_start(tp: TP, stored: int | None) -> int:
    return stored or 0


async def ids(js: JetStreamContext, stream: str) -> list[str]:
    last = (await js.stream_info(stream)).state.last_seq
    return [((await js.get_msg(stream, sequence)).headers or {})["Nats-Msg-Id"] for sequence in range(1, last + 1)]


async def test_an_output_carries_the_same_id_when_its_event_is_processed_again(make_app: MakeApp, js: JetStreamContext, name: str) -> None:
    def build(guarded: str) -> tuple[Any, Any, list[int]]:
        app = make_app()
        orders = app.topic("orders", key_type=str, value_type=int, partitions=1)
        bills = app.topic("bills", key_type=str, value_type=int, partitions=1)
        seen: list[int] = []

        @app.agent(orders, name="billing")
        async def bill(stream: Any) -> None:
            async for event in stream.events():
                await bills.send(key=event.key, value=event.value)
                await bills.send(key=event.key, value=-event.value)
                bills.send_soon(key="soon", value=event.value)
                seen.append(event.value)

        return app, orders, seen

    first, orders, seen = build("first")
    async with running(first):
        first.consumer._fenced = True           # nothing is committed: the next worker processes it all again
        for number in range(1, 6):
            await orders.send(key="k", value=number)
        await until(lambda: len(seen) == 5, 20)
        await first.producer.flush()
    stored = await ids(js, f"{name.upper()}_bills_0")
    assert (len(stored), len(set(stored))) == (15, 15)
    second, _, again = build("second")
    async with running(second):
        await until(lambda: len(again) == 5, 20)
        await second.producer.flush()
    assert await ids(js, f"{name.upper()}_bills_0") == stored


def summing(make_app: MakeApp) -> tuple[Any, Any, Any]:
    """An app that commits only when it is told, its topic, and the table of its sums by key."""
    app = make_app(broker_commit_interval=60)
    orders = app.topic("orders", key_type=str, value_type=int)
    table = app.Table("sums", default=int)

    @app.agent(orders)
    async def count(stream: Any) -> None:
        async for event in stream.events():
            table[event.key] += event.value

    return app, orders, table


async def test_what_an_assignment_did_not_commit_is_not_stored_later(make_app: MakeApp) -> None:
    app, orders, table = summing(make_app)
    async with running(app):
        await orders.send(key="k", value=5)
        await until(lambda: table["k"] == 5, 20)
        manager = app.consumer.transactions
        assert len(manager._pending) == 1
        await manager.on_rebalance(set(), set(), set())
        assert (len(manager._pending), manager.due, manager.contended) == (0, {}, False)


async def test_a_commit_while_partitions_are_claimed_again_stores_nothing(make_app: MakeApp, js: JetStreamContext, name: str) -> None:
    """A worker that thawed held finished events of its last assignment, and stored them under the new claim, which began before them."""
    app, orders, table = summing(make_app)
    async with running(app):
        for _ in range(3):
            await orders.send(key="k", value=5)
        await until(lambda: table["k"] == 15, 20)
        offsets = app.consumer.offsets
        read, tried = offsets.read, list[bool]()

        async def committing(tp: Any) -> Any:
            found = await read(tp)
            tried.append(await app.consumer.force_commit())
            return found

        other = Offsets(app.transport.connection, Names(name, name), "other", 5.0)
        await other.claim([TP("orders", 0), TP("orders", 1)], 1, from_start)
        offsets.read = committing
        assert not await app.consumer.commit()          # fenced: what it would have stored is still due
        await until(lambda: app.consumer_generation_id == 2 and not app.rebalancing and table["k"] == 15, 20)
        assert not any(tried)
    assert await TableReader(js, name, name).table("sums") == {"k": 15}


async def test_changes_of_an_older_assignment_are_dropped(make_app: MakeApp) -> None:
    app = make_app(broker_commit_interval=60)
    orders = app.topic("orders", key_type=str, value_type=int)
    table = app.Table("sums", default=int)
    changed: list[int] = []

    @app.agent(orders)
    async def count(stream: Any) -> None:
        async for event in stream.events():
            event.message.generation_id -= 1
            table[event.key] += event.value
            event.message.generation_id += 1
            changed.append(event.value)

    async with running(app):
        await orders.send(key="k", value=5)
        await until(lambda: changed == [5], 20)
        assert len(app.consumer.transactions._pending) == 0


async def test_a_table_changed_by_a_timer_is_committed_without_an_event(make_app: MakeApp, js: JetStreamContext, name: str) -> None:
    app = make_app()
    orders = app.topic("orders", key_type=str, value_type=int)
    table = app.Table("ticks", default=int, use_partitioner=True)

    @app.agent(orders)
    async def read(stream: Any) -> None:
        async for _ in stream:
            pass

    @app.timer(0.2)
    async def tick() -> None:
        table["clock"] = 1

    async def stored() -> bool:
        return await TableReader(js, name, name).table("ticks") == {"clock": 1}

    async with running(app):
        await until(stored, 20)


async def test_a_value_too_large_for_the_server_fails_in_the_agent_and_not_in_the_commit(make_app: MakeApp) -> None:
    app = make_app()
    orders = app.topic("orders", key_type=str, value_type=int)
    table = app.Table("blobs", default=str)
    errors: list[Exception] = []

    @app.agent(orders)
    async def store(stream: Any) -> None:
        async for event in stream.events():
            try:
                table[event.key] = "x" * 2_000_000
            except MessageTooLarge as exc:
                errors.append(exc)

    async with running(app):
        await orders.send(key="k", value=1)
        await until(lambda: len(errors) == 1, 20)


async def test_an_event_that_changes_too_many_keys_ends_the_worker_with_advice(make_app: MakeApp) -> None:
    app = make_app(broker_commit_interval=0.3)
    orders = app.topic("orders", key_type=str, value_type=int, partitions=1)
    table = app.Table("keys", default=int, partitions=1)

    @app.agent(orders)
    async def spread(stream: Any) -> None:
        async for _ in stream:
            for number in range(1200):
                table[f"k{number}"] = 1

    async with running(app):
        await orders.send(key="k", value=1)
        await until(lambda: app.crash_reason is not None, 20)
    assert isinstance(app.crash_reason, CommitTooLarge)
    assert "keep the many values under one key" in str(app.crash_reason)


async def test_an_output_that_rides_on_a_commit_is_not_there_before_it(make_app: MakeApp, js: JetStreamContext, name: str) -> None:
    app = make_app(broker_commit_interval=60)
    orders = app.topic("orders", key_type=str, value_type=int)
    alarms = app.topic("alarms", key_type=str, value_type=int, config=in_state())
    sent: list[int] = []

    @app.agent(orders)
    async def alarm(stream: Any) -> None:
        async for event in stream.events():
            await alarms.send(key=event.key, value=event.value)
            sent.append(event.value)

    @app.agent(alarms)
    async def take(stream: Any) -> None:
        async for _ in stream:
            pass

    async def stored() -> int:
        info = await js.stream_info(f"{name.upper()}_{name}_STATE", subjects_filter=f"{name}-state.{name}.out.>")
        return len(info.state.subjects or {})

    async with running(app):
        await orders.send(key="k", value=1)
        await until(lambda: sent == [1], 20)
        assert await stored() == 0
        await until(lambda: not app.consumer.unacked, 10)
        await app.consumer.commit()
        assert await stored() == 1
