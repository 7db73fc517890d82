"""Jobs that are due at times: run by the one replica that holds the lease, caught up once when runs were missed, tried again when they fail.

    timers = Timers(Lease(broker, "retention"), KeptRuns(broker), clock)
    timers.every("retention-archive", Every(900.0), archive)
    await timers.start() … await timers.stop()

Every job may be repeated: it can be stopped anywhere when the lease is lost, and runs again after that.
"""
from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from vonglau.clock import Clock, SystemClock
from vonglau.ending import Parts, ended
from vonglau.errors import Unavailable, VonglauError
from vonglau.leases import LeaseLost
from vonglau.telemetry import count, gauge
from vonglau.telemetry.names import ERROR_TYPE, LOOP, LOOP_ERRORS, TIMER_SINCE_SUCCESS
from vonglau.timers.runs import Runs
from vonglau.timers.schedule import SECOND_NS, Schedule, readable

logger = logging.getLogger(__name__)

Job = Callable[[int], Awaitable[object]]  # gets the instant at which it was due (ns, UTC), which may be long ago


class Lease(Protocol):
    def held(self) -> AbstractAsyncContextManager[Any]:
        """As vonglau.leases.Lease."""


@dataclass(frozen=True, slots=True)
class Pace:
    look_s: float = 1.0  # between two looks at the clock, which may jump
    retry_s: float = 5.0  # after the first failure; doubled after each
    most_retry_s: float = 600.0


@dataclass(slots=True)
class Timer:
    """One job and how it stands in this process."""

    name: str
    schedule: Schedule
    job: Job
    jitter_s: float
    due_ns: int = 0
    failures: int = 0  # since the last success
    succeeded_ns: int = 0  # when the run began that succeeded last; before the first, when it began to wait for its turn


class Timers:
    def __init__(self, lease: Lease, runs: Runs, clock: Clock | None = None, *, pace: Pace | None = None) -> None:
        self._lease = lease
        self._runs = runs
        self._clock = clock or SystemClock()
        self._pace = pace or Pace()
        self._timers: list[Timer] = []
        self._task: asyncio.Task[None] | None = None
        self._holds = False
        gauge(TIMER_SINCE_SUCCESS, self._since_success)

    @property
    def timers(self) -> tuple[Timer, ...]:
        return tuple(self._timers)

    def every(self, name: str, schedule: Schedule, job: Job, *, jitter_s: float = 0.0) -> None:
        """Before `start`. name: fit for a subject, the same in every replica. jitter_s: the most that a run is put off, to spread load."""
        self._timers.append(Timer(name, schedule, job, jitter_s))

    async def start(self, ready: Callable[[], Awaitable[None]] | None = None) -> None:
        """ready: returns when jobs may run; until then the lease is left to others."""
        self._task = asyncio.create_task(self._run(ready), name="timers")

    async def stop(self) -> None:
        """Cancels what runs."""
        if self._task is not None:
            await ended([self._task])

    async def _run(self, ready: Callable[[], Awaitable[None]] | None) -> None:
        while True:
            try:
                if ready is not None:
                    await ready()
                async with self._lease.held(), Parts() as parts:
                    self._holds = True
                    await asyncio.wait([parts.start(self._drive(timer)) for timer in self._timers])
            except LeaseLost:
                count(LOOP_ERRORS, labels={LOOP: "timers", ERROR_TYPE: LeaseLost.__name__})
                logger.warning("timers: the lease was lost; begun again once it is held")
            except Unavailable as away:
                count(LOOP_ERRORS, labels={LOOP: "timers", ERROR_TYPE: away.reason})
                logger.warning("timers wait: %s", away)
            except Exception as error:  # the outer edge: the lease cannot be had
                count(LOOP_ERRORS, labels={LOOP: "timers", ERROR_TYPE: type(error).__name__})
                logger.exception("timers: stopped, and begun again once the lease is held")
            finally:
                self._holds = False
            await asyncio.sleep(self._pace.look_s)

    async def _drive(self, timer: Timer) -> None:
        timer.due_ns, timer.failures, timer.succeeded_ns = 0, 0, self._clock.now_ns()
        while True:
            try:
                await self._turn(timer)
                timer.failures = 0
            except VonglauError as error:  # foreseen: where it came from helps nobody
                self._failed(timer, error.reason)
                logger.error("%s failed %d times in a row; again at %s: %s", timer.name, timer.failures, readable(timer.due_ns), error)
            except Exception as error:  # the outer edge of one job: the others go on, and it is tried again
                self._failed(timer, type(error).__name__)
                logger.exception("%s failed %d times in a row; again at %s", timer.name, timer.failures, readable(timer.due_ns))

    def _failed(self, timer: Timer, why: str) -> None:
        count(LOOP_ERRORS, labels={LOOP: timer.name, ERROR_TYPE: why})
        timer.failures += 1
        timer.due_ns = self._clock.now_ns() + round(self._back_off(timer.failures) * SECOND_NS)

    async def _turn(self, timer: Timer) -> None:
        """Wait until it is due, run it, save that it ran. After a failure it is due at the time that was set for the next try."""
        if timer.failures:
            await self._until(timer.due_ns)  # before anything else is asked for: a log that is away fails at once, without a turn of the event loop
        was_due_ns = await self._next(timer)
        if not timer.failures:
            timer.due_ns = was_due_ns + round(random.uniform(0, timer.jitter_s) * SECOND_NS)  # noqa: S311 - spreads load
            await self._until(timer.due_ns)
        began_ns = self._clock.now_ns()
        await timer.job(was_due_ns)
        timer.succeeded_ns = began_ns
        await self._runs.save(timer.name, began_ns)

    async def _until(self, due_ns: int) -> None:
        """By looking at the clock, since it may jump or be set by a test."""
        while True:
            if self._clock.now_ns() >= due_ns:
                return
            await asyncio.sleep(self._pace.look_s)

    async def _next(self, timer: Timer) -> int:
        """One run makes up for all that were missed; a clock that went back does not put a run off by more than one turn."""
        last_ns, now_ns = await self._runs.last(timer.name), self._clock.now_ns()
        if last_ns is not None:
            timer.succeeded_ns = min(last_ns, now_ns)
        return now_ns if last_ns is None else timer.schedule.after(min(last_ns, now_ns))

    def _since_success(self) -> Iterable[tuple[float, Mapping[str, str]]]:
        """By who holds the lease; asked by another thread."""
        now_ns = self._clock.now_ns()
        return [((now_ns - timer.succeeded_ns) / SECOND_NS, {LOOP: timer.name}) for timer in self.timers if self._holds and timer.succeeded_ns]

    def _back_off(self, failures: int) -> float:
        return min(self._pace.retry_s * 2.0 ** min(failures - 1, 30), self._pace.most_retry_s) * random.uniform(0.75, 1.0)  # noqa: S311
