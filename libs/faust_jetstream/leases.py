"""The two leases of a worker, membership and leadership, kept alive from a thread of their own.

A busy event loop does not lose its partitions; one that has not turned for a whole lease does: the thread stops renewing then. Leases are messages
with a TTL, so the server's clock alone decides. Leadership is taken and renewed by compare-and-set on the subject's sequence, which sees expiry
markers (``kv.create`` of nats-py does not).
"""

import asyncio
import json
import threading
import time
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from mode import get_logger
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.errors import APIError

from .codec import EXPECTED, TTL
from .connection import TRY_AGAIN, connect, context
from .settings import Settings

logger = get_logger(__name__)

T = TypeVar("T")
_RETRY = 0.3


class Leases:
    """All methods are called from the app's loop; the writes happen in the thread, one after the other."""

    def __init__(self, settings: Settings, root: str, member: str) -> None:
        self.member = member
        self.leader_sequence: int | None = None     # of our leadership, None while another leads
        self._settings = settings
        self._root = root
        self._doc: dict[str, Any] | None = None
        self._turned = time.monotonic()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._js: JetStreamContext | None = None
        self._ready: Future[None] = Future()
        self._ending: asyncio.Event | None = None
        self._writing: asyncio.Lock | None = None
        self._thread = threading.Thread(target=self._run, name=f"leases-{member}", daemon=True)

    async def start(self) -> None:
        self._thread.start()
        await asyncio.wrap_future(self._ready)

    async def stop(self) -> None:
        """Give both leases up, so that the others need not wait for them to run out."""
        if not self._thread.is_alive() or self._loop is None:
            return
        try:
            async with asyncio.timeout(3.0):
                await self._there(self._leave())
        except (TimeoutError, NatsError) as exc:
            logger.info("leases are left to run out: %r", exc)
        ending = self._ending
        if ending is not None:
            self._loop.call_soon_threadsafe(ending.set)
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join, 5.0)

    def turned(self) -> None:
        """The app's event loop is alive."""
        self._turned = time.monotonic()

    async def put_member(self, doc: dict[str, Any]) -> None:
        """Say what this member is now; renewed until it leaves, so while the stream has no leader the next renewal says it."""
        self.turned()
        self._doc = doc
        try:
            await self._there(self._write_member())
        except TRY_AGAIN as exc:
            logger.info("membership is not written now: %r", exc)

    async def try_lead(self, last: int) -> bool:
        """Take the leadership if its subject still has the sequence ``last``."""
        return await self._there(self._write_leader(last))

    async def _there(self, work: Coroutine[Any, Any, T]) -> T:
        if self._loop is None:
            raise RuntimeError("leases are not started")
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    def _run(self) -> None:
        asyncio.run(self._main())

    async def _main(self) -> None:
        try:
            nc = await connect(self._settings.access, f"{self._settings.app} leases")
        except Exception as exc:  # noqa: BLE001  raised again in the app's loop by start()
            self._ready.set_exception(exc)
            return
        self._loop = asyncio.get_running_loop()
        self._js = context(nc, self._settings.access)
        self._ending, self._writing = asyncio.Event(), asyncio.Lock()
        self._ready.set_result(None)
        try:
            while not self._ending.is_set():
                pause = await self._renew()
                try:
                    async with asyncio.timeout(pause):
                        await self._ending.wait()
                except TimeoutError:
                    continue
        finally:
            await nc.close()

    async def _renew(self) -> float:
        """Renew what we hold; returns the seconds until the next time."""
        if time.monotonic() - self._turned > self._settings.lease:
            logger.error("the event loop has not turned for %.0f s: the lease is left to run out", time.monotonic() - self._turned)
            self.leader_sequence = None
            return self._settings.beat
        try:
            if self._doc is not None:
                await self._write_member()
            if self.leader_sequence is not None:
                await self._write_leader(self.leader_sequence)
        except (NatsError, TimeoutError) as exc:
            logger.info("renewal failed, again in %s s: %r", _RETRY, exc)
            return _RETRY
        return self._settings.beat

    async def _write_member(self) -> None:
        await self._put(f"m.{self.member}", self._doc, {})

    async def _write_leader(self, last: int) -> bool:
        try:
            self.leader_sequence = await self._put("leader", {"id": self.member}, {EXPECTED: str(last)})
        except APIError as exc:
            if exc.code in (500, 503):
                raise
            self.leader_sequence = None
            return False
        return True

    async def _leave(self) -> None:
        self._doc = None
        await self._put(f"m.{self.member}", None, {}, ttl=1)
        if self.leader_sequence is not None:
            held, self.leader_sequence = self.leader_sequence, None
            await self._put("leader", None, {EXPECTED: str(held)}, ttl=1)

    async def _put(self, name: str, doc: dict[str, Any] | None, headers: dict[str, str], ttl: int | None = None) -> int:
        if self._js is None or self._writing is None:
            raise RuntimeError("leases are not started")
        lifetime = ttl or self._settings.lease_ttl
        async with self._writing:
            body = b"" if doc is None else json.dumps(doc).encode()
            told, patience = {TTL: f"{lifetime}s", **headers}, min(2.0, self._settings.lease_ttl / 2)
            answer = await self._js.publish(f"{self._root}.{name}", body, timeout=patience, headers=told)
        return int(answer.seq)
