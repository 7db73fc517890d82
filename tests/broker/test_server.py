"""The child server: it tells why it does not start, and never outlives whoever started it."""
from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from vonglau.broker import NatsServer
from vonglau.broker import server as broker_server
from vonglau.broker.server import end_with_parent
from vonglau.testing.waiting import eventually


async def test_a_server_that_ends_instead_of_listening_leaves_its_last_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failing = tmp_path / "failing"
    failing.write_text("#!/bin/sh\necho no room for the store\nexit 3\n")
    failing.chmod(0o700)
    monkeypatch.setattr(broker_server, "program", lambda: failing)
    with pytest.raises(RuntimeError, match=r"ended with 3:\nno room for the store"):
        await NatsServer(tmp_path / "nats").start()


@pytest.mark.loopback
async def test_a_start_that_is_given_up_leaves_no_server_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = NatsServer(tmp_path / "nats")
    monkeypatch.setattr(server, "_listening", asyncio.Event().wait)
    starting = asyncio.create_task(server.start())
    await eventually(lambda: server.process)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert server.process is not None
    assert server.process.returncode is not None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent is gone")
@pytest.mark.parametrize(("parent", "code"), [(1, 0), (2, 1)])
def test_a_child_runs_only_while_the_parent_that_started_it_lives_also_where_that_is_process_1(
    monkeypatch: pytest.MonkeyPatch, parent: int, code: int
) -> None:
    monkeypatch.setattr(os, "getppid", lambda: 1)
    done = subprocess.run([sys.executable, "-c", ""], preexec_fn=partial(end_with_parent, parent), check=False)
    assert done.returncode == code
