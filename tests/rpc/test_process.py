"""A service as a process: its exit codes and its signals."""
from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pytest

from vonglau.broker.server import free_port
from vonglau.errors import Unavailable
from vonglau.rpc import address_file, find
from vonglau.rpc.addresses import publish
from vonglau.rpc.process import INTERRUPTED, supervised
from vonglau.settings import PlatformSettings

PROGRAM = """
import asyncio, sys
from vonglau.rpc import run_service
from vonglau.settings import PlatformSettings

async def main(settings, stop):
    print("running as", settings.tenant, flush=True)
    {body}

run_service("echo", PlatformSettings, main)
"""


def start(body: str, **environ: str) -> subprocess.Popen[str]:
    program = PROGRAM.format(body=body)
    env = {name: value for name, value in os.environ.items() if not name.startswith(("VONGLAU_", "OTEL_"))} | environ
    return subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)


def finished(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=20)
    return process.returncode, out, err


def test_a_service_that_ends_by_itself_exits_with_0() -> None:
    code, out, _ = finished(start("pass", VONGLAU_TENANT="training"))
    assert (code, out.strip()) == (0, "running as training")


def test_an_error_is_logged_and_exits_with_1() -> None:
    code, _, err = finished(start("raise OSError('disk gone')"))
    assert code == 1
    assert "disk gone" in err


def test_an_error_that_names_its_consequence_is_told_in_one_line() -> None:
    code, _, err = finished(start("from vonglau.errors import Refused; raise Refused('SPOOL_HELD', 'give this one a folder of its own')"))
    assert code == 1
    assert "give this one a folder of its own (SPOOL_HELD)" in err
    assert "Traceback" not in err


def test_a_wrong_environment_names_every_variable_and_exits_with_2() -> None:
    code, out, err = finished(start("pass", VONGLAU_GRACE_S="soon", VONGLAU_LOG_FORMAT="xml"))
    assert (code, out) == (2, "")
    assert "VONGLAU_GRACE_S" in err
    assert "VONGLAU_LOG_FORMAT" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_asks_the_service_to_stop_and_it_exits_with_0(sent: signal.Signals) -> None:
    with start("await stop.wait(); print('drained', flush=True)") as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(sent)
        code, out, _ = finished(process)
    assert (code, out.strip()) == (0, "drained")


@pytest.mark.parametrize("waits", [True, False], ids=["at work", "still starting"])
async def test_a_job_that_is_told_to_stop_says_that_it_is_not_done(waits: bool) -> None:
    async def work(_: None, stop: asyncio.Event) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        await (stop.wait() if waits else asyncio.Event().wait())

    assert await supervised("job", cast(PlatformSettings, None), cast(Any, work), INTERRUPTED) == INTERRUPTED


STARTING = """
    import contextlib
    from vonglau.broker import connect
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(print, "ended in order", flush=True)
        await stack.enter_async_context(connect(settings.nats_url, name="echo"))
        await stop.wait()
"""


@pytest.mark.loopback
def test_a_signal_ends_a_service_that_still_waits_for_its_first_connection_to_the_log() -> None:
    with start(STARTING.strip(), VONGLAU_NATS_URL=f"nats://127.0.0.1:{free_port()}") as process:
        assert process.stderr is not None
        assert "waiting for the event log" in process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        code, out, err = finished(process)
    assert (code, out.splitlines()) == (0, ["running as local", "ended in order"])
    assert "before it had started" in err


def test_a_second_signal_cuts_the_stop_short() -> None:
    with start("await stop.wait(); print('draining', flush=True); await asyncio.Event().wait()") as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        code, _, _ = finished(process)
    assert code == 130


def test_a_configured_address_goes_before_the_published_one(tmp_path: Path) -> None:
    publish(address_file(tmp_path, "ingest"), "127.0.0.1:4000")
    assert find(tmp_path, "ingest") == "127.0.0.1:4000"
    assert find(tmp_path, "ingest", "dns:///ingest:4000") == "dns:///ingest:4000"


def test_a_service_that_has_not_started_has_no_address(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as caught:
        find(tmp_path, "ingest")
    assert caught.value.reason == "ADDRESS_UNKNOWN"
