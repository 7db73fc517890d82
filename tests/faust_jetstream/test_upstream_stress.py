"""Upstream's own stress apps against ``nats://``: they number what they send and report every duplicate and every gap that they meet themselves."""

import asyncio
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from nats.js import JetStreamContext

from faust_jetstream.testkit import Server, Worker, committed_offsets, until
from tests.faust_jetstream.upstream import unpacked

pytestmark = [pytest.mark.loopback, pytest.mark.long, pytest.mark.timeout(400)]

#: What the apps import to report to Sentry, which they do only when they are told where it is.
STAND_INS = {
    "raven/__init__.py": "class Client: ...\n",
    "raven/handlers/__init__.py": "",
    "raven/handlers/logging.py": "class SentryHandler: ...\n",
    "raven_aiohttp.py": "class AioHttpTransport: ...\n",
}
FAULTS = ("Found duplicate number", "Sequence gap")


@pytest.fixture(scope="module")
def stress(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which ``t.stress.tests.<app>`` can be imported, and ``<app>.py`` runs it."""
    source = unpacked(request.config, tmp_path_factory.mktemp("upstream"))
    folder = tmp_path_factory.mktemp("stress")
    shutil.copytree(source / "tests" / "stress", folder / "t" / "stress")
    for name, text in STAND_INS.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    for name in ("simple", "tables", "forwarder"):
        (folder / f"{name}.py").write_text(f"from t.stress.tests.{name} import app\n\napp.main()\n", encoding="utf-8")
    return folder


class Crew:
    """Workers of one stress app, under a prefix of its own."""

    def __init__(self, folder: Path, server: Server, app: str, prefix: str) -> None:
        self.script = folder / f"{app}.py"
        self.prefix = prefix
        self.workers: list[Worker] = []
        self.env = {
            "STRESS_BROKER": f"{server.url}/?prefix={prefix}&lease=3",
            "STRESS_STORE": "memory://",
            "PROCESSING_GUARANTEE": "exactly_once",
        }

    def start(self, name: str) -> Worker:
        self.workers.append(Worker(self.script, self.script.parent, f"{self.prefix}-{self.script.stem}-{name}", self.env))
        return self.workers[-1].start()

    def reported(self) -> list[str]:
        """What the apps found wrong, in their own words."""
        return [line for worker in self.workers for line in worker.text().splitlines() if any(fault in line for fault in FAULTS)]


@pytest.fixture
def crews(stress: Path, server: Server, name: str) -> Iterator[dict[str, Crew]]:
    made = {app: Crew(stress, server, app, name) for app in ("simple", "tables", "forwarder")}
    yield made
    for crew in made.values():
        for worker in crew.workers:
            worker.kill()


async def handled(js: JetStreamContext, app: str, topic: str, prefix: str) -> int:
    return sum(offset or 0 for offset in (await committed_offsets(js, app, topic, 4, prefix)).values())


@pytest.mark.parametrize("app", ["tables", "forwarder"])
async def test_numbers_that_a_leader_sends_are_met_without_a_gap_or_a_repetition(
    crews: dict[str, Crew], js: JetStreamContext, name: str, app: str
) -> None:
    """Through a join, a kill -9, the return of the killed worker, and a SIGTERM."""
    crew = crews[app]
    app_id = {"tables": "f-stress-tables-v7", "forwarder": "f-stress-dedupe-v7"}[app]
    topic = f"{app_id}-t.stress.tests.{app}.app.process"
    first, second = crew.start("one"), crew.start("two")
    await asyncio.gather(first.ready(), second.ready())

    async def go_on(events: int) -> None:
        target = await handled(js, app_id, topic, name) + events

        async def reached() -> bool:
            return await handled(js, app_id, topic, name) >= target

        await until(reached, 90, 0.5)

    await go_on(400)
    second.kill()
    third = crew.start("three")
    await third.ready()
    await go_on(400)
    assert await first.leave() == 0
    await go_on(400)
    assert crew.reported() == []


async def test_every_withdrawal_is_read(crews: dict[str, Crew], js: JetStreamContext, name: str) -> None:
    crew = crews["simple"]
    await crew.start("one").ready()
    command = [sys.executable, str(crew.script), "produce", "--max-latency", "0", "--max-messages", "3000"]
    producing = await asyncio.create_subprocess_exec(
        *command, cwd=crew.script.parent, env={**os.environ, **crew.env}, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )

    async def read() -> bool:
        return await handled(js, "f-stress-simple-v7", "f-stress-withdrawals", name) == 3000

    try:
        await until(read, 120, 0.5)
    finally:
        producing.kill()        # the command never ends by itself
        await producing.wait()
