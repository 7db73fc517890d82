"""A whole platform as a user starts it: the supervisor as a process, the command line as another."""
from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import orjson
import psutil
from typer.testing import CliRunner

from vonglau.cli.app import app

ENDS_WITHIN_S = 10.0
PROGRAMS = {"nats": "nats-server", "cameras": "vonglau.testing.cameras", "retention": "services.recording.retention_job"}  # where a name is not the service's
FFMPEG: str = imageio_ffmpeg.get_ffmpeg_exe()  # type: ignore[attr-defined, no-untyped-call]


@dataclass
class Platform:
    """`make run` on a folder of its own."""

    data: Path
    settings: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "VONGLAU_DATA": str(self.data), **self.settings}

    def start(self) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        with (self.data / "supervisor.log").open("ab") as log:
            self.process = subprocess.Popen([sys.executable, "-m", "services.standalone"], env=self.environment, stdout=log, stderr=log)

    def stop(self) -> float:
        """As Ctrl-C does; seconds that it took."""
        assert self.process is not None
        began = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(ENDS_WITHIN_S) == 0
        return time.monotonic() - began

    def child(self, name: str) -> psutil.Process | None:
        """The child's process; None while it is not there."""
        assert self.process is not None
        part = PROGRAMS.get(name, f"services.{name}")
        for one in psutil.Process(self.process.pid).children():
            with contextlib.suppress(psutil.Error):  # it has just ended
                if any(part in (word, Path(word).name) for word in one.cmdline()):  # the whole word: one module stands within another
                    return one
        return None

    def kill(self, name: str) -> None:
        """kill -9, and wait until the supervisor has started it again."""
        killed = self.child(name)
        assert killed is not None
        killed.kill()
        until(lambda: (child := self.child(name)) is not None and child.pid != killed.pid, 10, f"{name} started again")

    def run(self, *command: str) -> subprocess.CompletedProcess[bytes]:
        program = Path(sys.executable).with_name("vonglau")
        return subprocess.run([str(program), *command], env=self.environment, capture_output=True, timeout=60, check=False)

    def ask(self, *command: str) -> Any:
        """The command's JSON. Fails where it does."""
        result = self.run(*command, "--json")
        assert result.returncode == 0, result.stderr.decode()
        return orjson.loads(result.stdout)

    def reason(self, *command: str) -> str:
        """Why the command was refused."""
        result = self.run(*command, "--json")
        assert result.returncode != 0, result.stdout.decode()
        return str(orjson.loads(result.stderr.splitlines()[-1])["error"]["reason"])  # gRPC may have told something before

    def call(self, *command: str, code: int = 0) -> Any:
        """The command's JSON, by the same program within this process, which spares its start."""
        result = CliRunner().invoke(app, [*command, "--json"], env=self.environment)
        assert result.exit_code == code, result.output
        return orjson.loads(result.stdout or result.stderr)

    def states(self) -> dict[str, str]:
        """By camera; empty while the services do not answer."""
        result = self.run("status", "--json")
        return {one["id"]: one["state"] for one in orjson.loads(result.stdout)["cameras"]} if result.returncode == 0 else {}

    def all_recording(self, count: int) -> bool:
        return list(self.states().values()) == ["recording"] * count


@contextlib.contextmanager
def running(data: Path, settings: Mapping[str, str]) -> Iterator[Platform]:
    """Ended whatever becomes of the test. settings: variables."""
    started = Platform(data, settings)
    started.start()
    try:
        yield started
    finally:
        if started.process is not None and started.process.poll() is None:
            started.stop()


def simulated(count: int) -> list[str]:
    """What the simulated cameras are called."""
    return [f"sim-{number}" for number in range(1, count + 1)]


def until(condition: Callable[[], Any], within: float, why: str) -> Any:
    end = time.monotonic() + within
    while not (value := condition()):
        assert time.monotonic() < end, f"not within {within} s: {why}"
        time.sleep(0.2)
    return value


def decoded(path: Path) -> str:
    """What ffmpeg has to say against the file; empty: nothing."""
    command = [FFMPEG, "-v", "error", "-xerror", "-i", str(path), "-fps_mode", "passthrough", "-enc_time_base", "demux", "-f", "null", "-"]
    return subprocess.run(command, capture_output=True, timeout=60, check=False).stderr.decode()
