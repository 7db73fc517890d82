"""The example of the README, as a user runs it: a worker, a producing command, and the operator's commands beside it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from nats.js import JetStreamContext

import faust_jetstream
from faust_jetstream.testkit import Server, TableReader, Worker, until

pytestmark = [pytest.mark.loopback, pytest.mark.timeout(120)]

SCRIPT = Path(faust_jetstream.__file__).parent / "examples" / "orders.py"


def run(*command: str, broker: str, folder: Path) -> str:
    done = subprocess.run([sys.executable, *command], env={**os.environ, "BROKER": broker}, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.long
async def test_the_example_counts_every_order_once_and_can_be_operated(server: Server, js: JetStreamContext, name: str, tmp_path: Path) -> None:
    broker = f"{server.url}/?prefix={name}"
    worker = Worker(SCRIPT, tmp_path, "orders", {"BROKER": broker, "COMMIT_EVERY": "0.3"}).start()
    try:
        await worker.ready()
        run(str(SCRIPT), "produce", "--orders", "500", broker=broker, folder=tmp_path)
        stored = TableReader(js, "orders-example", name)
        expected = sum(number % 100 * 100 for number in range(500))

        async def complete() -> bool:
            return all([sum((await stored.table(table)).values()) == expected for table in ("spent", "hourly", "by-country")])

        await until(complete, 40, 0.2)
        large = sum([(await js.stream_info(f"{name.upper()}_large-orders_{partition}")).state.messages for partition in range(4)])
        assert large == sum(number % 100 >= 90 for number in range(500))
        group = ("-m", "faust_jetstream", "--broker", broker, "--app", "orders-example")
        lag = [line for line in run(*group, "lag", broker=broker, folder=tmp_path).splitlines() if line.startswith("orders:")]
        assert sorted(line.split("\t")[3] for line in lag) == ["lag 0"] * 4
        assert "orders:0" in run(*group, "members", broker=broker, folder=tmp_path)
        run(*group, "reset", "orders:0=0", broker=broker, folder=tmp_path)

        async def again() -> bool:
            return bool(sum((await stored.table("spent")).values()) > expected)

        await until(again, 40, 0.2)
        assert await worker.leave() == 0
    finally:
        worker.kill()


def test_an_operator_who_mistypes_is_told_what_is_wrong(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "faust_jetstream", "--broker", "nats://127.0.0.1:1/?connect_timeot=1", "--app", "a", "lag"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr.strip()) == (2, "broker URL: unknown option 'connect_timeot'; did you mean 'connect_timeout'?")
