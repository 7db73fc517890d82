"""A server that does not admit a user any more, or not yet: told with its reason, waited for, and gone on from once it does."""
from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from vonglau.broker import Broker, KeyValue, Login, NatsServer, connect
from vonglau.broker.permissions import JOB
from vonglau.broker.reconcile import ReconcileSettings, reconcile
from vonglau.broker.topology import ACCESS_STATE
from vonglau.broker.users import ACCOUNTS_FILE, accounts, public_key, seed_file, write
from vonglau.ending import Parts
from vonglau.testing.waiting import eventually

pytestmark = pytest.mark.loopback

USER = "recording"


class Admitting(NatsServer):
    """Whose accounts are made others under way."""

    def __init__(self, folder: Path) -> None:
        self.users = write(folder / "users").parent
        self._configuration = folder / "nats" / "nats-server.conf"
        self._everybody = (self.users / ACCOUNTS_FILE).read_text("utf-8")
        self._others = accounts({path.stem: public_key(path) for path in self.users.glob("*.nk") if path.stem != USER})
        super().__init__(folder / "nats", extra=self._everybody)

    def admits(self, *, everybody: bool) -> None:
        """From its next start on."""
        self._extra = self._everybody if everybody else self._others

    async def reload(self) -> None:
        """Returns once the server has said so."""
        before, told = self._configuration.read_text("utf-8"), (self._everybody, self._others)
        kept = before.removesuffix(told[0]).removesuffix(told[1])
        said = self._log.read_text("utf-8").count("Reloaded server configuration")
        self._configuration.write_text(kept + self._extra, "utf-8")
        assert self.process is not None
        self.process.send_signal(signal.SIGHUP)
        await eventually(lambda: self._log.read_text("utf-8").count("Reloaded server configuration") > said, why="the server takes its accounts anew")

    async def restart(self) -> None:
        await self.kill()
        await self.start()

    def login(self, user: str = USER) -> Login:
        return Login(user, seed_file(self.users, user))


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Admitting]:
    async with Admitting(tmp_path) as started:
        assert await reconcile(ReconcileSettings(nats_url=started.url, nats_seed_file=seed_file(started.users, JOB), stream_replicas=1)) == 0
        yield started


@pytest.fixture(autouse=True)
def _told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "vonglau.broker")


def refusals(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.levelno == logging.WARNING and "refuses" in record.message]


async def answered(broker: Broker) -> bool:
    return (await broker.js.stream_info("es_registry")).config.name == "es_registry"


async def watch(broker: Broker, seen: set[str]) -> None:
    async for entry in KeyValue(broker, ACCESS_STATE).watch():
        if entry is not None:
            seen.add(entry.key)


async def is_seen(server: Admitting, key: str, seen: set[str]) -> None:
    """What another user writes reaches who watches."""
    async with connect(server.url, name="registry", within=5, login=server.login("registry")) as registry:
        await KeyValue(registry, ACCESS_STATE).put(key, b"{}")
    await eventually(lambda: key in seen, within=20)


@pytest.mark.parametrize("change", [Admitting.reload, Admitting.restart])
async def test_a_user_that_is_taken_away_is_told_is_not_ready_and_goes_on_once_it_is_admitted_again(
    server: Admitting, caplog: pytest.LogCaptureFixture, change: Callable[[Admitting], Awaitable[None]]
) -> None:
    async with connect(server.url, name=USER, within=5, login=server.login(), look_s=0.05) as broker, Parts() as parts:
        seen: set[str] = set()
        parts.start(watch(broker, seen))
        await is_seen(server, "before", seen)
        server.admits(everybody=False)
        await change(server)
        await eventually(lambda: refusals(caplog), why="the refusal is told")
        assert "authorization violation" in refusals(caplog)[0].lower()
        assert not broker.is_connected
        await asyncio.sleep(1)  # attempts go on meanwhile, and so does what works with it
        assert (len(refusals(caplog)), broker.is_connected) == (1, False)
        server.admits(everybody=True)
        await change(server)
        await eventually(lambda: broker.is_connected, why="it is admitted")
        assert broker.connections == 2
        assert await answered(broker)
        await is_seen(server, "after", seen)
        server.admits(everybody=False)
        await change(server)
        await eventually(lambda: len(refusals(caplog)) == 2, why="a second refusal is told, too")


async def test_a_process_that_starts_while_it_is_refused_says_so_and_begins_once_it_is_admitted(server: Admitting, caplog: pytest.LogCaptureFixture) -> None:
    server.admits(everybody=False)
    await server.reload()

    async def begun() -> bool:
        async with connect(server.url, name=USER, login=server.login()) as broker:
            return await answered(broker)

    beginning = asyncio.create_task(begun())
    await eventually(lambda: refusals(caplog), why="the refusal is told")
    await asyncio.sleep(1)  # as long as some attempts take
    assert (len(refusals(caplog)), beginning.done()) == (1, False)
    server.admits(everybody=True)
    await server.reload()
    assert await asyncio.wait_for(beginning, 10)
