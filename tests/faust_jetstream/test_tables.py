"""Tables over changes of assignment: nothing uncommitted survives, nothing cold vanishes, recovery ends, windows close."""
# mypy: disable-error-code="untyped-decorator"

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from faust.tables.recovery import Recovery
from faust.types import TP
from nats.js import JetStreamContext

from faust_jetstream import tables
from faust_jetstream.admin import Topics
from faust_jetstream.errors import BadSetting
from faust_jetstream.tables import MissingEnd
from faust_jetstream.testkit import TableReader, running, until

pytestmark = pytest.mark.loopback

MakeApp = Callable[..., Any]


def counting(make_app: MakeApp, part: str = "one", **conf: Any) -> tuple[Any, Any, Any]:
    app = make_app(datadir=f"/tmp/{part}", **conf)  # noqa: S108  memory stores write nothing there
    numbers = app.topic("numbers", key_type=str, value_type=int)
    table = app.Table("counts", default=int)

    @app.agent(numbers)
    async def count(stream: Any) -> None:
        async for event in stream.events():
            table[event.key] += 1

    return app, numbers, table


@pytest.mark.parametrize("guarantee", ["exactly_once", pytest.param("at_least_once", marks=pytest.mark.long)])
async def test_keys_that_never_change_again_are_there_after_others_came_and_went(make_app: MakeApp, guarantee: str) -> None:
    one, numbers, here = counting(make_app, processing_guarantee=guarantee)
    async with running(one):
        for number in range(100):
            await numbers.send(key=f"cold-{number}", value=1)
        await until(lambda: len(here) == 100, 20)
        for round_ in ("two", "three"):
            other, _, there = counting(make_app, round_, processing_guarantee=guarantee)
            async with running(other):
                await until(lambda: len(here) + len(there) == 100, 20)  # noqa: B023  used before the next round
            await until(lambda: len(here) == 100 and not one.rebalancing, 20)
        for number in range(100):
            await numbers.send(key=f"cold-{number}", value=1)
        await until(lambda: sum(here.values()) == 200, 20)
    assert set(here.values()) == {2}


def recovery_of(table: Any) -> Any:
    """A recovery that has read to offset 9, over a table."""
    known = SimpleNamespace(active_offsets={TP("cl", 0): 9}, standby_offsets={TP("cl", 1): 4})
    return SimpleNamespace(tables=SimpleNamespace(values=lambda: [table], recovery=known))


def test_an_emptied_table_is_recovered_from_the_beginning(make_app: MakeApp) -> None:
    """Emptied alone, recovery would go on at offset 9 and leave out every key that did not change since."""
    app = make_app()
    table = app.Table("counts", default=int)
    table.data.data["uncommitted"] = 7
    stub = recovery_of(table)
    tables.empty(stub)
    assert (dict(table.data.data), stub.tables.recovery.active_offsets, stub.tables.recovery.standby_offsets) == ({}, {}, {})


async def test_the_stock_memory_store_keeps_what_was_never_committed(make_app: MakeApp) -> None:
    """The reason for emptying; when this fails, upstream has mended pitfall 9."""
    table = make_app().Table("counts", default=int)
    table.data.data["uncommitted"] = 7
    await table.data.on_recovery_completed(set(), set())
    assert table.data.data == {"uncommitted": 7}


@pytest.mark.long
async def test_recovered_windows_close(make_app: MakeApp, js: JetStreamContext, name: str) -> None:
    closed: list[Any] = []

    def build() -> tuple[Any, Any, Any]:
        app = make_app(table_cleanup_interval=0.2)
        numbers = app.topic("numbers", key_type=str, value_type=int)
        windows = app.Table("windows", default=int, on_window_close=lambda key, value: closed.append((key[0], value))).tumbling(1.0, expires=3.0)

        @app.agent(numbers)
        async def count(stream: Any) -> None:
            async for event in stream.events():
                windows[event.key] += event.value

        return app, numbers, windows

    first, numbers, _ = build()
    async with running(first):
        await numbers.send(key="k", value=5)

        async def stored() -> bool:
            return len(await TableReader(js, name, name).table("windows")) == 1

        await until(stored, 10)
    assert closed == []
    second, _, windows = build()
    async with running(second):
        assert list(windows.table.data.values()) == [5]
        await until(lambda: closed == [("k", 5)], 15)
        assert list(windows.table.data.values()) == []


def test_stock_recovery_leaves_keys_off_the_expiry_list(make_app: MakeApp) -> None:
    """The reason for restoring it; when this fails, upstream has mended pitfall 10."""
    table = make_app().Table("windows", default=int).tumbling(1.0, expires=3.0).table
    event = SimpleNamespace(key=["k", [0.0, 0.9]], value=5, message=SimpleNamespace(value=b"5", partition=0))
    table.apply_changelog_batch([event])
    assert (len(table.data), dict(table._partition_timestamps)) == (1, {})


async def test_recovered_keys_of_windows_are_put_on_the_expiry_list(make_app: MakeApp) -> None:
    app = make_app()
    table = app.Table("windows", default=int).tumbling(1.0, expires=3.0).table
    tables.watch_recovery(app)
    table.apply_changelog_batch([SimpleNamespace(key=["k", [0.0, 0.9]], value=5, message=SimpleNamespace(value=b"5", partition=1))])
    for recovered in table._recover_callbacks:
        await recovered()
    assert set(table._partition_timestamps) == {1}


def test_a_change_of_a_window_is_kept_until_nobody_can_ask_for_it(make_app: MakeApp) -> None:
    app = make_app()
    table = app.Table("windows", default=int).tumbling(10.0, expires=30.0).table
    app.Table("plain", default=int)
    assert tables.change_lifetimes(app) == {table.changelog_topic.get_topic_name(): 41}


@pytest.mark.long
async def test_a_changelog_of_windows_forgets_them_itself(make_app: MakeApp, js: JetStreamContext, name: str) -> None:
    app = make_app()
    numbers = app.topic("numbers", key_type=str, value_type=int)
    windows = app.Table("windows", default=int).tumbling(1.0, expires=1.0)

    @app.agent(numbers)
    async def count(stream: Any) -> None:
        async for event in stream.events():
            windows[event.key] += 1

    stored = TableReader(js, name, name)

    async def some() -> bool:
        return bool(await stored.table("windows"))

    async def none() -> bool:
        return not await stored.table("windows")

    async with running(app):
        await numbers.send(key="k", value=1)
        await until(some, 10)
        await until(none, 15)


class Gone:
    """A changelog whose last records were purged: it ends at 4."""

    async def next_offset(self, tp: TP, after: int) -> int | None:
        return None if after >= 4 else after + 1


def waiting_for(need: int, have: int) -> Any:
    tp = TP("cl", 0)
    recovery = SimpleNamespace(active_highwaters={tp: need}, active_offsets={tp: have})
    return SimpleNamespace(in_recovery=True, tables=SimpleNamespace(recovery=recovery))


async def test_a_recovery_that_waits_for_purged_records_goes_on() -> None:
    app = waiting_for(need=9, have=4)
    assert Recovery.need_recovery(cast(Any, SimpleNamespace(active_remaining=lambda: {TP("cl", 0): 5}))), "stock recovery would wait"
    watch = MissingEnd(app, cast(Topics, Gone()))
    await watch.check()
    await watch.check()
    assert app.tables.recovery.active_offsets == {TP("cl", 0): 9}


async def test_a_recovery_with_records_left_is_not_cut_short() -> None:
    app = waiting_for(need=9, have=2)
    watch = MissingEnd(app, cast(Topics, Gone()))
    for _ in range(3):
        await watch.check()
    assert app.tables.recovery.active_offsets == {TP("cl", 0): 2}


@pytest.mark.long
async def test_a_worker_recovers_from_a_changelog_that_lost_its_end(make_app: MakeApp, js: JetStreamContext, name: str) -> None:
    first, numbers, _ = counting(make_app)
    async with running(first):
        for number in range(20):
            await numbers.send(key=f"k{number}", value=1)

        async def stored() -> bool:
            return len(await TableReader(js, name, name).table("counts")) == 20

        await until(stored, 10)
    stream = f"{name.upper()}_{name}_STATE"
    second, _, table = counting(make_app)
    highwaters = type(second.consumer).highwaters

    async def then_purged(self: Any, *tps: TP) -> Any:
        found = await highwaters(self, *tps)
        await js.purge_stream(stream, subject=f"{name}-state.{name}.cl.>")
        return found

    type(second.consumer).highwaters = then_purged
    try:
        begun = time.monotonic()
        async with running(second, timeout=30):
            assert (len(table), time.monotonic() - begun < 20) == (0, True)
    finally:
        type(second.consumer).highwaters = highwaters


async def test_the_default_guarantee_is_told_once_with_the_way_out(make_app: MakeApp, caplog: pytest.LogCaptureFixture) -> None:
    app, numbers, table = counting(make_app, processing_guarantee="at_least_once")
    async with running(app):
        await numbers.send(key="k", value=1)
        await until(lambda: len(table) == 1, 20)
        await app.consumer._group.ask_for_a_new_generation()
        await until(lambda: app.consumer_generation_id == 2 and not app.rebalancing, 20)
    told = [record.getMessage() for record in caplog.records if "count them twice" in record.getMessage()]
    assert len(told) == 1
    assert "App(..., processing_guarantee='exactly_once')" in told[0]


async def test_a_changelog_holds_the_last_value_of_each_key_and_nothing_else(make_app: MakeApp, js: JetStreamContext, name: str) -> None:
    app, numbers, table = counting(make_app, broker_commit_interval=0.05)
    async with running(app):
        for number in range(1200):
            await numbers.send(key=f"k{number % 48}", value=1)
        await until(lambda: sum(table.values()) == 1200, 20)
        await until(lambda: not app.consumer.unacked, 10)
        await app.consumer.commit()
    info = await js.stream_info(f"{name.upper()}_{name}_STATE", subjects_filter=f"{name}-state.{name}.cl.>")
    assert sorted((info.state.subjects or {}).values()) == [1] * 48


async def test_a_store_that_writes_uncommitted_values_to_disk_is_refused(make_app: MakeApp) -> None:
    app, _, table = counting(make_app)
    app.in_worker = True
    table._data = SimpleNamespace()
    with pytest.raises(BadSetting, match="store='memory://'"):
        app.transport.check_guarantee()
