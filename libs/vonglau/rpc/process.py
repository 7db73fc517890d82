"""How a service runs as a process: settings, logs, telemetry, signals, exit code."""
from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import NoReturn, TypeVar

import uvloop

from vonglau import telemetry
from vonglau.settings import Misconfigured, PlatformSettings, load

S = TypeVar("S", bound=PlatformSettings)
Main = Callable[[S, asyncio.Event], Awaitable[None]]

FAILED, MISCONFIGURED, INTERRUPTED = 1, 2, 130
log = logging.getLogger(__name__)


def run_service(service: str, settings: type[S], main: Main[S]) -> NoReturn:
    """Run `main(settings, stop)` until it returns, and exit: 0, 1 after an error, 2 with a wrong environment, 130 when signalled twice.

    SIGTERM and SIGINT set `stop`; main then stops gracefully and returns. A second signal cancels it.
    """
    try:
        loaded = load(settings, os.environ)
    except Misconfigured as wrong:
        sys.stderr.write(f"{service} cannot start with this environment:\n" + "".join(f"  {problem}\n" for problem in wrong.problems))
        sys.exit(MISCONFIGURED)
    telemetry.log_to_stderr(service, form=loaded.log_format, level=loaded.log_level)
    exporting = telemetry.start(service)
    try:
        sys.exit(uvloop.run(supervised(service, loaded, main)))
    finally:
        exporting.stop()


async def supervised(service: str, settings: S, main: Main[S]) -> int:
    """The exit code."""
    stop = asyncio.Event()
    running = asyncio.ensure_future(main(settings, stop))
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, asked_to_stop, stop, running)
    try:
        await running
    except asyncio.CancelledError:
        log.warning("%s was cut short by a second signal", service)
        return INTERRUPTED
    except Exception:
        log.exception("%s ends with an error", service)
        return FAILED
    return 0


def asked_to_stop(stop: asyncio.Event, running: asyncio.Future[None]) -> None:
    if stop.is_set():
        running.cancel()
    stop.set()
