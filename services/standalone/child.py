"""One process of the platform: started, watched, started again when it dies, stopped in order."""
from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from vonglau.broker.server import end_with_parent

LONGEST_BACKOFF_S = 30.0
STEADY_S = 60.0  # a process that lived this long starts its back-off anew
TAIL_LINES, TAIL_BYTES = 3, 4096  # of a log that may have grown for months


@dataclass(frozen=True)
class Program:
    """How a process is started, exactly as a container would."""

    name: str
    argv: Sequence[str]
    environment: Mapping[str, str]
    log: Path


@dataclass
class Child:
    """Keeps its program running until it is stopped."""

    program: Program
    backoff_s: float
    say: Callable[[str], None]
    process: asyncio.subprocess.Process | None = None
    restarts: int = 0
    _stop: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    _starting: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)  # a stop meanwhile waits for the process that it has to end

    async def run(self) -> None:
        """Until `stop`; a death is said with the last words of the log."""
        wait = self.backoff_s
        while not self._stop.is_set():
            began = asyncio.get_running_loop().time()
            async with self._starting:
                await self._start()
            code = await self._end()
            if self._stop.is_set():
                return
            self.restarts += 1
            wait = self.backoff_s if asyncio.get_running_loop().time() - began > STEADY_S else wait
            self.say(f"{self.program.name} ended ({meaning(code)}) and is started again in {wait:g} s{self._last_words()}")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), wait)
            wait = min(2 * wait, LONGEST_BACKOFF_S)

    async def stop(self, within: float) -> None:
        """SIGTERM, and SIGKILL where that is not enough."""
        self._stop.set()
        async with self._starting:
            process = self.process
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), within)
        except TimeoutError:
            self.say(f"{self.program.name} did not end within {within:g} s and is killed")
            process.kill()
            await process.wait()

    async def _start(self) -> None:
        self.program.log.parent.mkdir(parents=True, exist_ok=True)
        with self.program.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self.program.argv,
                env=dict(self.program.environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C in the terminal ends the supervisor, which ends its children in order
                preexec_fn=partial(end_with_parent, os.getpid()),
            )

    async def _end(self) -> int:
        assert self.process is not None  # noqa: S101 - started just before
        return await self.process.wait()

    def _last_words(self) -> str:
        with self.program.log.open("rb") as log:
            log.seek(max(0, self.program.log.stat().st_size - TAIL_BYTES))
            lines = log.read().decode(errors="replace").splitlines()[-TAIL_LINES:]
        return "".join(f"\n  {line}" for line in lines)


def meaning(code: int) -> str:
    """How a process ended, in words."""
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
