"""A child is kept running, and leaves when it is told to."""
from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from services.standalone.child import Child, Program, meaning
from vonglau.testing.waiting import eventually


def child(folder: Path, code: str, *, backoff_s: float = 0.01) -> tuple[Child, list[str]]:
    said: list[str] = []
    program = Program("worker", [sys.executable, "-c", code], dict(os.environ), folder / "log" / "worker.log")
    return Child(program, backoff_s, said.append), said


LIVES = "import time; print('up', flush=True); time.sleep(60)"


async def test_a_child_that_dies_is_started_again_and_its_last_words_are_said(tmp_path: Path) -> None:
    worker, said = child(tmp_path, "import sys; print('no disk'); sys.exit(3)")
    running = asyncio.create_task(worker.run())
    await eventually(lambda: worker.restarts >= 2, why="two restarts")
    await worker.stop(5)
    await running
    assert "exit code 3" in said[0]
    assert "no disk" in said[0]


async def test_of_a_long_log_the_last_words_alone_are_said(tmp_path: Path) -> None:
    worker, said = child(tmp_path, "print('x' * 10_000); print('no disk'); raise SystemExit(1)", backoff_s=60)
    running = asyncio.create_task(worker.run())
    await eventually(lambda: said, why="a death")
    await worker.stop(5)
    await running
    assert said[0].endswith("\n  no disk")
    assert len(said[0]) < 5000


async def test_a_child_that_is_told_to_stop_while_it_starts_is_ended(tmp_path: Path) -> None:
    worker, said = child(tmp_path, LIVES)
    running = asyncio.create_task(worker.run())
    await asyncio.sleep(0)
    assert worker.process is None
    await worker.stop(20)
    await asyncio.wait_for(running, 20)
    assert worker.process is not None
    assert (worker.process.returncode, said) == (-signal.SIGTERM, [])


async def test_the_wait_between_restarts_doubles(tmp_path: Path) -> None:
    worker, said = child(tmp_path, "raise SystemExit(1)")
    running = asyncio.create_task(worker.run())
    await eventually(lambda: len(said) >= 3, why="three deaths")
    await worker.stop(5)
    await running
    assert [f"in {seconds:g} s" in sentence for seconds, sentence in zip((0.01, 0.02, 0.04), said, strict=False)] == [True, True, True]


async def test_a_killed_child_comes_back(tmp_path: Path) -> None:
    worker, said = child(tmp_path, LIVES)
    running = asyncio.create_task(worker.run())
    await eventually(lambda: worker.process, why="a process")
    assert worker.process is not None
    first = worker.process.pid
    worker.process.kill()
    await eventually(lambda: worker.process and worker.process.pid != first, why="another process")
    await worker.stop(5)
    await running
    assert "killed by SIGKILL" in said[0]


async def test_a_stop_does_not_wait_for_the_back_off(tmp_path: Path) -> None:
    worker, said = child(tmp_path, "raise SystemExit(1)", backoff_s=60)
    running = asyncio.create_task(worker.run())
    await eventually(lambda: said, why="a death")
    await worker.stop(5)
    await asyncio.wait_for(running, 20)


async def test_a_child_that_does_not_end_is_killed(tmp_path: Path) -> None:
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    worker, said = child(tmp_path, deaf)
    running = asyncio.create_task(worker.run())
    await eventually(lambda: worker.program.log.exists() and "deaf" in worker.program.log.read_text(), why="it ignores SIGTERM")
    await worker.stop(0.2)
    await asyncio.wait_for(running, 20)
    assert "is killed" in said[-1]


@pytest.mark.parametrize(("code", "words"), [(0, "exit code 0"), (3, "exit code 3"), (-9, "killed by SIGKILL"), (-15, "killed by SIGTERM")])
def test_how_a_process_ended_is_said_in_words(code: int, words: str) -> None:
    assert meaning(code) == words
