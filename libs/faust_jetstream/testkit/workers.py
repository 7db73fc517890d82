"""Workers as processes that can be killed, stopped for a while, and asked to leave."""

import asyncio
import inspect
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any


async def until(condition: Callable[[], Any], timeout: float = 60.0, pause: float = 0.1) -> Any:  # noqa: ASYNC109  the caller's patience
    """The first true result of ``condition``, which may be a coroutine function; raises TimeoutError with the last one."""
    give_up = time.monotonic() + timeout
    while True:
        result = condition()
        if inspect.isawaitable(result):
            result = await result
        if result:
            return result
        if time.monotonic() > give_up:
            raise TimeoutError(f"not within {timeout:g} s: {inspect.getsource(condition).strip() if inspect.isfunction(condition) else condition} = {result!r}")
        await asyncio.sleep(pause)


class Worker:
    """``python <script> worker`` with its log in ``folder``; one instance may be started again after it ended.

    Its web views are served where there is a ``web_port``.
    """

    def __init__(self, script: Path, folder: Path, name: str, env: Mapping[str, str], *, web_port: int | None = None) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        web = ["--without-web"] if web_port is None else ["--web-host", "127.0.0.1", "--web-bind", "127.0.0.1", "--web-port", str(web_port)]
        self._command = [sys.executable, str(script), "worker", "-l", "info", *web]
        self._env = {**os.environ, **env, "PYTHONUNBUFFERED": "1"}
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def exit_code(self) -> int | None:
        return self._process.poll() if self._process else None

    def start(self) -> "Worker":
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, env=self._env, cwd=self._folder, process_group=0)
        return self

    def text(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    async def ready(self, times: int = 1, timeout: float = 60.0) -> None:  # noqa: ASYNC109
        """Return when the worker has taken an assignment for the ``times``-th time; raises TimeoutError with the end of its log."""
        try:
            await until(lambda: self.text().count("Worker ready") >= times or not self.running, timeout)
        except TimeoutError:
            raise TimeoutError(f"{self.name} is not ready:\n{self.text()[-3000:]}") from None
        if not self.running:
            raise RuntimeError(f"{self.name} ended with {self.exit_code}:\n{self.text()[-3000:]}")

    def kill(self) -> None:
        """``kill -9``."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    async def leave(self, timeout: float = 40.0) -> int:  # noqa: ASYNC109
        """SIGTERM, and the exit code; killed if it takes longer."""
        process = self._process
        if process is None:
            return 0
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            await until(lambda: process.poll() is not None, timeout)
        except TimeoutError:
            self.kill()
            raise TimeoutError(f"{self.name} did not leave within {timeout:g} s:\n{self.text()[-3000:]}") from None
        return int(process.returncode)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """SIGSTOP for as long as the block lasts: a zombie when it goes on."""
        if self._process is None:
            raise RuntimeError("not started")
        os.kill(self._process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._process.pid, signal.SIGCONT)
