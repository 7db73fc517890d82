"""Pipelined publishing: many messages in flight, each confirmed, each repeated under its own id until the server has it."""

import asyncio
import json
import secrets
import time
from typing import Any

from mode import get_logger
from nats.errors import Error as NatsError

from .codec import MSG_ID
from .connection import Connection
from .errors import MessageTooLarge, NotStored
from .settings import Settings

logger = get_logger(__name__)

REPEAT_AFTER = 3.0          # seconds without an answer
TICK = 0.25
IN_PROCESS = 10158         # a cluster still works on the first message of this id
_HEADER_ROOM = 1024         # bytes kept free for headers and subject, which count towards max_payload


class _Pending:
    __slots__ = ("begun", "body", "future", "headers", "reply", "sent", "subject")

    def __init__(self, subject: str, body: bytes, headers: dict[str, str], reply: str, future: "asyncio.Future[int]") -> None:
        self.subject = subject
        self.body = body
        self.headers = headers
        self.reply = reply
        self.future = future
        self.begun = self.sent = time.monotonic()


class Publisher:
    """Futures of stream sequences; ``flush`` waits for what was handed over before it and raises if any of it failed."""

    def __init__(self, connection: Connection, settings: Settings) -> None:
        self._connection = connection
        self._settings = settings
        self._id = secrets.token_hex(6)
        self._count = 0
        self._pending: dict[str, _Pending] = {}
        self._room = asyncio.Event()
        self._room.set()
        self._failure: NotStored | None = None
        self._sub: Any = None
        self._task: asyncio.Task[None] | None = None
        self._inbox = ""
        self.repeated = 0

    async def start(self) -> None:
        nc = self._connection.nc
        self._inbox = nc.new_inbox()
        self._sub = await nc.subscribe(f"{self._inbox}.*", cb=self._on_answer, pending_msgs_limit=0, pending_bytes_limit=0)
        self._task = asyncio.ensure_future(self._repeat())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None
            if not self._connection.nc.is_closed:
                await self._sub.unsubscribe()
        for number, pending in list(self._pending.items()):
            self._fail(number, pending, "the worker stopped before the server confirmed it")

    def check_size(self, subject: str, body: bytes) -> None:
        """Raises MessageTooLarge for a message that the server would refuse."""
        most = self._connection.nc.max_payload - _HEADER_ROOM
        if len(body) > most:
            raise MessageTooLarge(
                f"{subject}: {len(body):,} bytes; this server takes {most:,} (max_payload less {_HEADER_ROOM} for headers): "
                "keep the bulk elsewhere and send where it lies, or raise max_payload"
            )

    def once(self) -> str:
        """A token that no other message of any process carries."""
        self._count += 1
        return f"{self._id}-{self._count}"

    async def publish(self, subject: str, body: bytes, headers: dict[str, str], msg_id: str | None = None) -> "asyncio.Future[int]":
        """Send one message; returns the future of its stream sequence, which fails with NotStored.

        ``msg_id`` makes a repetition by another process recognisable; without it only our own repetitions are.
        """
        self.check_size(subject, body)
        while len(self._pending) >= self._settings.max_inflight:
            self._room.clear()
            await self._room.wait()
        self._count += 1
        number = str(self._count)
        headers[MSG_ID] = msg_id or f"{self._id}.{number}"
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        future.add_done_callback(_looked_at)
        pending = _Pending(subject, body, headers, f"{self._inbox}.{number}", future)
        self._pending[number] = pending
        await self._send(pending)
        return future

    async def flush(self) -> None:
        waiting = [pending.future for pending in self._pending.values()]
        if waiting:
            await asyncio.wait(waiting)
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure

    async def _send(self, pending: _Pending) -> None:
        try:
            await self._connection.nc.publish(pending.subject, pending.body, reply=pending.reply, headers=pending.headers)
        except NatsError as exc:
            logger.info("%s is kept for later: %r", pending.subject, exc)
            pending.sent = 0.0

    async def _on_answer(self, msg: Any) -> None:
        number = msg.subject.rpartition(".")[2]
        pending = self._pending.get(number)
        if pending is None:
            return
        if msg.headers and msg.headers.get("Status") == "503":      # no stream leader just now
            pending.sent = 0.0
            return
        answer = json.loads(msg.data)
        error = answer.get("error")
        if error is None:
            del self._pending[number]
            if not pending.future.done():
                pending.future.set_result(int(answer["seq"]))
            self._make_room()
        elif error.get("code") in (500, 503) or error.get("err_code") == IN_PROCESS:    # out of storage, no quorum, our own repetition: it may pass
            pending.sent = time.monotonic() - REPEAT_AFTER + 1.0
        else:
            self._fail(number, pending, f"{error.get('description')} (err_code {error.get('err_code')})")

    def _fail(self, number: str, pending: _Pending, why: str) -> None:
        self._pending.pop(number, None)
        self._make_room()
        self._failure = NotStored(f"{pending.subject}: {why}")
        if not pending.future.done():
            pending.future.set_exception(self._failure)

    def _make_room(self) -> None:
        if len(self._pending) < self._settings.max_inflight // 2:
            self._room.set()

    async def _repeat(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            now = time.monotonic()
            for number, pending in list(self._pending.items()):
                if now - pending.begun > self._settings.request_timeout:
                    self._fail(number, pending, f"the server did not confirm it within {self._settings.request_timeout:g} s")
                elif now - pending.sent > REPEAT_AFTER and self._connection.nc.is_connected:
                    pending.sent = now
                    self.repeated += 1
                    await self._send(pending)


def _looked_at(future: "asyncio.Future[int]") -> None:
    if not future.cancelled():
        future.exception()
