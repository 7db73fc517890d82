"""What an operator sees and does, by the command line: lag, members, reset."""
# mypy: disable-error-code="untyped-decorator"

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from nats.js import JetStreamContext, api

from faust_jetstream import existing, in_state
from faust_jetstream.__main__ import main
from faust_jetstream.testkit import Server, running, until

pytestmark = pytest.mark.loopback

MakeApp = Callable[..., Any]
Ask = Callable[..., Any]


@pytest.fixture
def ask(server: Server, name: str, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Exit code, lines and complaint of one command."""

    async def run(*command: str, app: str = name) -> tuple[int, list[str], str]:
        code = await asyncio.to_thread(main, ["--broker", f"{server.url}/?prefix={name}", "--app", app, *command])
        told = capsys.readouterr()
        return code, told.out.splitlines(), told.err.strip()

    return run


async def test_lag_is_told_for_topics_in_every_place(make_app: MakeApp, js: JetStreamContext, name: str, ask: Ask) -> None:
    await js.add_stream(api.StreamConfig(name=f"{name}F", subjects=[f"{name}.fact.>"]))
    app = make_app()
    orders = app.topic("orders.new", key_type=str, value_type=int, partitions=1)
    facts = app.topic("facts", partitions=1, config=existing(f"{name}F", f"{name}.fact.{{partition}}"))
    alarms = app.topic("alarms", value_type=int, partitions=1, config=in_state())
    hold, seen = asyncio.Event(), list[int]()

    @app.agent(orders)
    async def work(stream: Any) -> None:
        async for number in stream:
            await alarms.send(value=number)
            seen.append(number)

    @app.agent(facts)
    async def read(stream: Any) -> None:
        async for _ in stream:
            await hold.wait()

    @app.agent(alarms)
    async def alarm(stream: Any) -> None:
        async for _ in stream:
            pass

    async with running(app):
        for number in range(3):
            await orders.send(key="k", value=number)
            await js.publish(f"{name}.fact.0", b"1")
        await until(lambda: len(seen) == 3, 10)
        lines: dict[str, list[str]] = {}

        async def settled() -> bool:
            lines.update({line.split("\t")[0]: line.split("\t")[1:4] for line in (await ask("lag"))[1]})
            return lines["orders.new:0"] == ["committed 3", "end 3", "lag 0"]

        await until(settled, 10)
        assert lines["facts:0"] == ["committed 0", "end 3", "lag 3"]
        assert "alarms:0" in lines
        hold.set()


async def test_an_app_that_never_ran_is_told_apart_from_one_without_lag(make_app: MakeApp, ask: Ask, name: str) -> None:
    app = make_app()
    await app.transport.connection.open()
    await app.transport.topics.state_stream()
    await app.transport.connection.close()
    assert await ask("lag") == (0, [], "")
    code, _, complaint = await ask("lag", app="nope")
    assert (code, complaint.startswith(f"no app 'nope' has run here with prefix '{name}'; apps that have: "), name in complaint) == (2, True, True)


@pytest.mark.parametrize(
    ("target", "complaint"),
    [("orders=3", "give TOPIC:PARTITION=OFFSET"), ("odrers:0=3", "no such partition of 'odrers'"), ("orders:7=3", "no such partition of 'orders'")],
)
async def test_a_reset_of_what_does_not_exist_changes_nothing_and_says_so(make_app: MakeApp, ask: Ask, target: str, complaint: str) -> None:
    app = make_app()
    await app.transport.connection.open()
    await app.transport.topics.state_stream()
    await app.transport.topics.ensure("orders")
    await app.transport.connection.close()
    code, _, told = await ask("reset", target)
    assert code == 2
    assert complaint in told
    assert await ask("lag") == (0, [], "")
