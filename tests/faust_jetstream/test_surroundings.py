"""What stands around agents and works as on Kafka: web views, table routes between workers, the ``faust`` command line."""

import asyncio
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from faust_jetstream.testkit import Server, Worker, free_port, until

pytestmark = [pytest.mark.loopback, pytest.mark.long, pytest.mark.timeout(240)]

APP = Path(__file__).parent / "apps" / "shop.py"
KEYS = [f"customer-{number}" for number in range(8)]


class Shop:
    """Two workers with web views, and Faust's own commands beside them."""

    def __init__(self, server: Server, folder: Path, name: str) -> None:
        self.env = {"APP": name, "BROKER": f"{server.url}/?prefix={name}"}
        self.folder = folder
        self.ports = [free_port(), free_port()]
        self.workers = [Worker(APP, folder, f"{name}-{port}", self.env, web_port=port) for port in self.ports]

    async def run(self, *command: str) -> str:
        """What ``faust -A shop <command>`` prints."""
        process = await asyncio.create_subprocess_exec(
            *[sys.executable, str(APP), *command], cwd=self.folder, env={**os.environ, **self.env}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        out, _ = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == 0, out.decode()
        return out.decode()

    async def sum_of(self, key: str, port: int) -> dict[str, Any]:
        def get() -> dict[str, Any]:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/sum/{key}/", timeout=10) as answer:
                return dict(json.load(answer))

        return await asyncio.to_thread(get)


@pytest.fixture
async def shop(server: Server, tmp_path: Path, name: str) -> AsyncIterator[Shop]:
    made = Shop(server, tmp_path, name)
    yield made
    for worker in made.workers:
        worker.kill()


async def test_orders_sent_by_the_command_line_are_shown_by_every_workers_web_view(shop: Shop) -> None:
    for worker in shop.workers:
        worker.start()
    await asyncio.gather(*(worker.ready() for worker in shop.workers))
    sent = await shop.run("send", "orders", '{"amount": 7}', "--key", KEYS[0], "--repeat", "3")
    assert sent.count('"topic":"orders"') == 3
    await asyncio.gather(*(shop.run("send", "@add", '{"amount": 1}', "--key", key) for key in KEYS[1:4]))

    async def shown() -> bool:
        return all([(await shop.sum_of(KEYS[0], port))["sum"] == 21 for port in shop.ports])

    await until(shown, 40, 0.3)
    homes = [[(await shop.sum_of(key, port))["pid"] for key in KEYS] for port in shop.ports]
    assert homes[0] == homes[1], "a key is answered for by the worker that has it, whichever is asked"
    assert set(homes[0]) == {worker.pid for worker in shop.workers}


async def test_the_command_line_lists_agents_tables_and_records(shop: Shop) -> None:
    agents, tables, model = await asyncio.gather(shop.run("agents"), shop.run("tables"), shop.run("model", "Order"))
    assert "add" in agents
    assert "sums" in tables
    assert "amount" in model
