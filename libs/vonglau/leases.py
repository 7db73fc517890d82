"""Who of several replicas does a job: a key in the bucket `leases` that its holder renews and that the server lets expire.

Written under the expected revision, which an expired key keeps: its marker is what the next holder's write expects.
No clock but the server's decides when a lease ends; a holder stops earlier, by its own monotonic time.
"""
from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import uuid
from types import TracebackType

import orjson

from vonglau.broker import Broker, KeyValue
from vonglau.ending import AGAIN_S, ended
from vonglau.errors import LostRace, Unavailable
from vonglau.telemetry import gauge
from vonglau.telemetry.names import LEASES_HELD, LOOP

BUCKET = "leases"
TTL_S = 10
SAFE = 0.8  # of the time to live; the rest is for stopping before somebody else may begin
RENEWALS = 4  # tries within that time


class LeaseLost(Exception):
    """The job was stopped, since somebody else may hold the lease by now."""


class Lease:
    """`async with lease.held() as hold:` enters once this process holds it. Used by one task at a time."""

    def __init__(self, broker: Broker, name: str, *, ttl_s: int = TTL_S) -> None:
        """name: of the job, fit for a subject. ttl_s: whole seconds, at least 1."""
        self.name = name
        self.ttl_s = ttl_s
        self._bucket = KeyValue(broker, BUCKET)
        self._body = orjson.dumps({"holder": f"{socket.gethostname()}:{os.getpid()}", "instance": uuid.uuid4().hex})
        self.current: Hold | None = None
        gauge(LEASES_HELD, lambda: [(float(self.current is not None), {LOOP: name})])

    def held(self) -> Hold:
        """When the lease is lost, the task inside is cancelled and leaving raises LeaseLost."""
        return Hold(self)

    async def take(self) -> int | None:
        """The revision under which it is held now; None: somebody else has it. Raises: Unavailable."""
        entry = await self._bucket.get(self.name)
        if entry is not None and entry.value not in (None, self._body):
            return None
        try:
            return await self.write(entry.revision if entry else 0)
        except LostRace:
            return None

    async def write(self, expected: int) -> int:
        """The new revision. Raises: LostRace, Unavailable (whether it was written is open then)."""
        return await self._bucket.update(self.name, self._body, expected, ttl_s=self.ttl_s)

    async def give_up(self, revision: int) -> None:
        """So that the next one need not wait for the end of its time."""
        with contextlib.suppress(LostRace, Unavailable, TimeoutError):
            async with asyncio.timeout(1.0):
                await self._bucket.delete(self.name, revision)


class Hold:
    """One stretch of holding a lease."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._revision = 0
        self._until = 0.0  # by the loop's time, s
        self._cancels = 0  # of the task inside, since the lease was lost
        self.token = 0  # rises from holder to holder: whoever writes with a lower one has been overtaken

    @property
    def is_safe(self) -> bool:
        """Nobody else can have it yet. To be asked again after a long pause, before something that must not happen twice."""
        return not self._cancels and asyncio.get_running_loop().time() < self._until

    async def __aenter__(self) -> Hold:
        await self._wait()
        self.token = self._revision
        self._lease.current = self
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine always runs in one
        self._task, self._cancelling = task, task.cancelling()
        self._renewing = asyncio.create_task(self._renew(), name=f"lease {self._lease.name}")
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._lease.current = None
        await ended([self._renewing])
        if not self._cancels:
            await self._lease.give_up(self._revision)
            return
        for _ in range(self._cancels):
            others = self._task.uncancel()
        if others <= self._cancelling:  # nobody but this lease wanted the task to end
            raise LeaseLost(self._lease.name) from error

    async def _wait(self) -> None:
        while True:
            if await self._taken():
                return
            await asyncio.sleep(self._lease.ttl_s / 5)

    async def _taken(self) -> bool:
        asked_at = asyncio.get_running_loop().time()
        with contextlib.suppress(Unavailable, TimeoutError):
            async with asyncio.timeout(self._lease.ttl_s * SAFE):
                revision = await self._lease.take()
            if revision is not None:
                self._revision, self._until = revision, asked_at + self._lease.ttl_s * SAFE
                return True
        return False

    async def _renew(self) -> None:
        while await self._renewed():
            pass
        while True:  # a cancellation can get lost, and the job must not go on
            self._cancels += 1
            self._task.cancel()
            await asyncio.sleep(AGAIN_S)

    async def _renewed(self) -> bool:
        """Tries until one succeeds; False when the time is over or somebody else has it."""
        loop = asyncio.get_running_loop()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(self._until):
                while True:
                    await asyncio.sleep(self._lease.ttl_s * SAFE / RENEWALS)
                    asked_at = loop.time()
                    with contextlib.suppress(Unavailable):
                        if (revision := await self._again()) is None:
                            return False
                        self._revision, self._until = revision, asked_at + self._lease.ttl_s * SAFE
                        return True
        return False

    async def _again(self) -> int | None:
        try:
            return await self._lease.write(self._revision)
        except LostRace:  # by somebody else, or by an own write whose acknowledgement was lost
            return await self._lease.take()
