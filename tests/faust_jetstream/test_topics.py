"""Topics that exist with other settings, that other programs own, or that cannot be: a clear error naming the fix."""
# mypy: disable-error-code="untyped-decorator"
# ruff: noqa: PERF401  the loop is an agent's, not a list's

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import pytest
from faust.types import TP
from nats.js import JetStreamContext, api

from faust_jetstream import existing
from faust_jetstream.admin import Declared, Topics, declared_by_faust
from faust_jetstream.batch import Outgoing
from faust_jetstream.connection import Connection
from faust_jetstream.errors import BadSetting, MessageTooLarge, ReadOnlyTopic, TopicMismatch
from faust_jetstream.offsets import Offsets
from faust_jetstream.testkit import publish_events, running, until

pytestmark = pytest.mark.loopback

MakeApp = Callable[..., Any]


@pytest.fixture
async def topics_of(make_app: MakeApp) -> AsyncIterator[Callable[..., Any]]:
    opened = []

    async def build(*args: Any, **conf: Any) -> Topics:
        app = make_app(*args, **conf)
        await app.transport.connection.open()
        opened.append(app.transport.connection)
        topics: Topics = app.transport.topics
        return topics

    yield build
    for connection in opened:
        await connection.close()


@pytest.mark.parametrize("layout", ["partition", "topic"])
async def test_a_topic_is_made_once_and_found_again(topics_of: Any, layout: str) -> None:
    first = await topics_of(query=f"&layout={layout}")
    made = await first.declare("orders", Declared(partitions=3))
    found = await (await topics_of(query=f"&layout={layout}")).ensure("orders")
    assert (found, found.partitions) == (made, 3)


async def test_a_commit_that_crosses_the_bound_of_the_state_stream_is_refused_as_a_whole_and_stored_when_there_is_room(
    topics_of: Any, connection: Connection, js: JetStreamContext
) -> None:
    """Unlike one that crosses the server's own limit, which nats-server 2.15 tears."""
    topics = await topics_of(query="&state_bytes=100000")
    await topics.state_stream()
    names, tp = topics.names, TP("orders", 0)
    offsets = Offsets(connection, names, "me", 20.0)
    await offsets.claim([tp], 1, from_start)
    for number in range(80):
        await js.publish(f"{names.state_root}.cl.old.0.{number}", b"x" * 1000)
    changes = [Outgoing(f"{names.state_root}.cl.new.0.{number}", b"x" * 1000, {}) for number in range(40)]
    commit = asyncio.create_task(offsets.store({tp: 7}, changes, 1))

    async def stored() -> int:
        return len((await js.stream_info(names.state_stream, subjects_filter=f"{names.state_root}.cl.new.>")).state.subjects or {})

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(commit), 0.1)
    assert await stored() == 0
    await js.purge_stream(names.state_stream, subject=f"{names.state_root}.cl.old.>")
    await commit
    assert (await stored(), offsets.committed) == (40, {tp: 7})


async def from_start(tp: TP, stored: int | None) -> int:
    return stored or 0


async def test_a_topic_whose_maker_died_on_the_way_is_made_whole(topics_of: Any, js: JetStreamContext, name: str) -> None:
    first = await topics_of()
    add, made = first._add, list[str]()

    async def dies(config: api.StreamConfig, replicas: int) -> None:
        if len(made) == 2:
            raise asyncio.CancelledError
        made.append(str(config.name))
        await add(config, replicas)

    first._add = dies
    with pytest.raises(asyncio.CancelledError):
        await first.declare("orders", Declared(partitions=4))
    await (await topics_of()).declare("orders", Declared(partitions=4))
    for partition in range(4):
        await js.stream_info(f"{name.upper()}_orders_{partition}")


async def test_another_number_of_partitions_is_an_error_that_names_the_right_one(topics_of: Any) -> None:
    await (await topics_of()).declare("orders", Declared(partitions=3))
    with pytest.raises(TopicMismatch, match="declare 3, or use a new name"):
        await (await topics_of()).declare("orders", Declared(partitions=4))


async def test_faust_defaults_do_not_contradict_a_topic_that_exists(topics_of: Any) -> None:
    await (await topics_of()).declare("orders", Declared(partitions=3))
    assert (await (await topics_of()).declare("orders", Declared())).partitions == 3


async def test_a_compacted_topic_cannot_become_a_log(topics_of: Any) -> None:
    await (await topics_of()).declare("orders", Declared(compacting=True))
    with pytest.raises(TopicMismatch, match="use a new name"):
        await (await topics_of()).declare("orders", Declared(compacting=False))


async def test_a_stream_of_somebody_else_is_not_taken_over(topics_of: Any, js: JetStreamContext, name: str) -> None:
    await js.add_stream(api.StreamConfig(name=f"{name.upper()}_orders_0", subjects=[f"{name}.other"]))
    with pytest.raises(TopicMismatch, match="existing"):
        await (await topics_of()).declare("orders", Declared(partitions=1))


async def test_overlapping_subjects_name_the_prefix(topics_of: Any, js: JetStreamContext, name: str) -> None:
    await js.add_stream(api.StreamConfig(name=f"{name}ALL", subjects=[f"{name}.>"]))
    with pytest.raises(TopicMismatch, match="prefix="):
        await (await topics_of()).declare("orders", Declared(partitions=1))


async def test_a_state_stream_that_cannot_carry_commits_is_refused_at_start(topics_of: Any, js: JetStreamContext, name: str) -> None:
    await js.add_stream(api.StreamConfig(name=f"{name.upper()}_{name}_STATE", subjects=[f"{name}-state.{name}.>"]))
    with pytest.raises(TopicMismatch, match=r"allow_atomic is .*, max_msgs_per_subject -1; true and 1 are needed\): choose another prefix="):
        await (await topics_of()).state_stream()


async def test_more_replicas_than_servers_name_the_setting(topics_of: Any) -> None:
    with pytest.raises(BadSetting, match="topic_replication_factor"):
        await (await topics_of()).declare("orders", Declared(partitions=1, replicas=3))


async def test_a_missing_existing_stream_is_named(topics_of: Any) -> None:
    with pytest.raises(TopicMismatch, match="'NOWHERE', which does not exist"):
        await (await topics_of()).declare("facts", Declared(1, config=existing("NOWHERE", "fact.{partition}")))


async def test_an_existing_stream_is_not_written(make_app: MakeApp, js: JetStreamContext, name: str) -> None:
    await js.add_stream(api.StreamConfig(name=f"{name}F", subjects=[f"{name}.fact.>"]))
    app = make_app(processing_guarantee="at_least_once")
    facts = app.topic("facts", partitions=1, config=existing(f"{name}F", f"{name}.fact.{{partition}}"))
    app.topics.add(facts)
    app.finalize()
    await app.producer.start()
    with pytest.raises(ReadOnlyTopic, match="publish to its subjects"):
        await facts.send(value=b"x")
    await app.producer.stop()


async def test_two_apps_with_the_same_agent_names_do_not_share_a_repartition_topic_in_silence(topics_of: Any) -> None:
    """The name of a group_by topic is made of module and agent, without the app."""
    await (await topics_of("one")).declare("module.agent-orders-owner-repartition", Declared(partitions=2))
    with pytest.raises(TopicMismatch, match=r"belongs to app 'one'.*name="):
        await (await topics_of("two")).declare("module.agent-orders-owner-repartition", Declared(partitions=2))


async def test_a_changelog_with_another_number_of_partitions_is_refused(make_app: MakeApp) -> None:
    one = make_app()
    one.Table("counts", default=int, partitions=2)
    await one.transport.connection.open()
    await one.transport.topics.declare(f"{one.conf.id}-counts-changelog", Declared(2))
    two = make_app()
    two.Table("counts", default=int, partitions=4)
    await two.transport.connection.open()
    with pytest.raises(TopicMismatch, match="declare 2"):
        await two.transport.topics.declare(f"{two.conf.id}-counts-changelog", Declared(4))
    await one.transport.connection.close()
    await two.transport.connection.close()


def test_kafkas_configuration_names_are_understood() -> None:
    wanted = declared_by_faust(2, 0, {"retention.ms": "60000", "cleanup.policy": "compact"}, None, None)
    assert (wanted.retention, wanted.compacting, wanted.replicas) == (60.0, True, None)


async def test_retention_becomes_the_age_of_messages(topics_of: Any, js: JetStreamContext, name: str) -> None:
    await (await topics_of()).declare("orders", Declared(partitions=1, retention=30.0))
    config = (await js.stream_info(f"{name.upper()}_orders_0")).config
    assert (config.max_age, config.duplicate_window) == (30.0, 30.0)


@pytest.mark.parametrize("layout", ["partition", "topic"])
async def test_bounds_are_kafkas(topics_of: Any, js: JetStreamContext, name: str, layout: str) -> None:
    topics = await topics_of(query=f"&layout={layout}")
    place = await topics.declare("orders", Declared(partitions=2))
    tp = TP("orders", 1)
    assert await topics.bounds(tp) == (0, 0)
    for _ in range(3):
        await js.publish(place.subject(1, None), b"")
    assert await topics.bounds(tp) == (0, 3)
    await js.purge_stream(place.stream(1), seq=3)
    assert await topics.bounds(tp) == (2, 3)


def complete(table: Any) -> bool:
    return bool(sum(table.values()) == sum(range(60)))


async def test_both_layouts_give_the_same_counts(make_app: MakeApp, js: JetStreamContext, name: str) -> None:
    counts = {}
    for layout in ("partition", "topic"):
        app = make_app(f"{name}-{layout}", query=f"&layout={layout}")
        orders = app.topic(f"orders-{layout}", key_type=str, value_type=int)
        table = app.Table("counts", default=int)

        @app.agent(orders)
        async def count(stream: Any, table: Any = table) -> None:
            async for event in stream.events():
                table[event.key] += event.value

        async with running(app):
            for number in range(60):
                await orders.send(key=f"k{number % 7}", value=number)
            await until(partial(complete, table), 20)
            counts[layout] = dict(table.items())
    assert counts["partition"] == counts["topic"]


async def test_messages_that_cannot_be_decoded_are_named_and_do_not_stop_the_others(
    make_app: MakeApp, js: JetStreamContext, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app()
    orders = app.topic("orders", key_type=str, value_type=int, partitions=1)
    seen: list[Any] = []

    @app.agent(orders)
    async def read(stream: Any) -> None:
        async for event in stream.events():
            seen.append((event.key, event.value))

    async with running(app):
        await js.publish(f"{name}.orders.0", b"1")
        await js.publish(f"{name}.orders.0", b"2", headers={"Faust-Key-B64": "%%%"})
        await until(lambda: len(seen) == 2, 10)
        await js.publish(f"{name}.orders.0", b"no number")
        await js.publish(f"{name}.orders.0", b"3")
        await until(lambda: (None, 3) in seen, 20)
    assert seen[:2] == [(None, 1), (None, 2)]
    assert "offset 1: damaged headers are ignored" in caplog.text
    assert f"nats stream get {name.upper()}_orders_0 3), and give the topic the key_type, value_type and serializers" in caplog.text


async def test_a_message_too_large_reaches_the_sender(make_app: MakeApp) -> None:
    app = make_app(processing_guarantee="at_least_once")
    orders = app.topic("orders", value_type=bytes)
    app.finalize()
    await app.producer.start()
    with pytest.raises(MessageTooLarge, match="send where it lies"):
        await orders.send(value=b"x" * 2_000_000)
    await app.producer.flush()
    await app.producer.stop()


async def test_a_threaded_producer_is_refused_with_the_reason(make_app: MakeApp) -> None:
    with pytest.raises(BadSetting, match="remove the setting"):
        _ = make_app(producer_threaded=True).producer


async def test_the_testkits_load_lands_where_faust_looks_for_it(make_app: MakeApp, server: Any, name: str) -> None:
    app = make_app()
    orders = app.topic("orders", key_type=str, partitions=2)
    table = app.Table("counts", default=int)

    @app.agent(orders)
    async def count(stream: Any) -> None:
        async for event in stream.events():
            table[event.key] += event.value["n"]

    async with running(app):
        await publish_events((server.url,), "orders", 2, 50, lambda number: (f"k{number % 5}", {"n": 1}), prefix=name)
        await until(lambda: dict(table.items()) == {f"k{number}": 10 for number in range(5)}, 20)
