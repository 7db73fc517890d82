"""How a service runs as a process: settings, logs, telemetry, signals, exit code."""
from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Literal, NoReturn, TypeVar

import uvloop

from vonglau import telemetry
from vonglau.errors import VonglauError
from vonglau.settings import Misconfigured, PlatformSettings, check_telemetry, load

S = TypeVar("S", bound=PlatformSettings)
Main = Callable[[S, asyncio.Event], Awaitable[None]]

FAILED, MISCONFIGURED, INTERRUPTED = 1, 2, 130
log = logging.getLogger(__name__)


def run_job(service: str, settings: type[S], main: Main[S]) -> NoReturn:
    """As run_service, for work that has an end: 0 says that it is done, so a signal before exits with 130, and whoever started it starts it again."""
    run_service(service, settings, main, told_to_stop=INTERRUPTED)


def run_service(service: str, settings: type[S], main: Main[S], *, told_to_stop: int = 0) -> NoReturn:
    """Run `main(settings, stop)` until it returns, and exit: 0, 1 after an error, 2 with a wrong environment, 130 when signalled twice.

    SIGTERM and SIGINT set `stop`; main then stops gracefully and returns. A second signal cancels it, and so does the first one before main
    waits for `stop`: what is still starting may be waiting for something that never comes. told_to_stop: the exit code after either, but for a
    second signal.
    """
    try:
        loaded = load(settings, os.environ)
        check_telemetry(os.environ, loaded.allowed_hosts)
    except Misconfigured as wrong:
        sys.stderr.write(f"{service} cannot start with this environment:\n" + "".join(f"  {problem}\n" for problem in wrong.problems))
        sys.exit(MISCONFIGURED)
    telemetry.log_to_stderr(service, form=loaded.log_format, level=loaded.log_level)
    exporting = telemetry.start(service)
    try:
        sys.exit(uvloop.run(supervised(service, loaded, main, told_to_stop)))
    finally:
        exporting.stop()


async def supervised(service: str, settings: S, main: Main[S], told_to_stop: int) -> int:
    """The exit code."""
    stop = Stop()
    running = asyncio.ensure_future(main(settings, stop))
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, asked_to_stop, stop, running)
    try:
        await running
    except asyncio.CancelledError:
        if not stop.is_awaited:
            log.info("%s was told to stop before it had started", service)
            return told_to_stop
        log.warning("%s was cut short by a second signal", service)
        return INTERRUPTED
    except VonglauError as error:
        log.error("%s ends: %s (%s)", service, error.message, error.reason)
        return FAILED
    except Exception:
        log.exception("%s ends with an error", service)
        return FAILED
    return told_to_stop if stop.is_set() else 0


class Stop(asyncio.Event):
    """Knows whether anybody waits for it yet."""

    def __init__(self) -> None:
        super().__init__()
        self.is_awaited = False

    async def wait(self) -> Literal[True]:
        self.is_awaited = True
        return await super().wait()


def asked_to_stop(stop: Stop, running: asyncio.Future[None]) -> None:
    if stop.is_set() or not stop.is_awaited:
        running.cancel()
    stop.set()
