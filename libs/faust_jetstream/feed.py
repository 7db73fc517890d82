"""Messages of a stream in order, without gaps, for as long as somebody wants them.

One ephemeral pull consumer (no acknowledgements, in memory), made again from the last delivered message whenever deliveries skip, heartbeats
stop, or the server drops it.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Any, NamedTuple

from mode import get_logger
from nats.errors import Error as NatsError
from nats.js import api

from .connection import Connection

logger = get_logger(__name__)

HEARTBEAT = 1.0         # seconds between the server's signs of life while it has nothing to send
SILENT = 3              # heartbeats missed in turn after which the consumer counts as lost: turns of our loop, which misses none while it stands still
EXPIRES = 30.0          # seconds until an open request ends by itself
_BACKOFF = (0.1, 0.3, 1.0, 2.0)
_TOKENS = 9             # of a delivery's reply subject


class Record(NamedTuple):
    """``sequence`` is the stream's; ``pending`` is how many messages of the filter follow; ``time`` is when it was stored."""

    sequence: int
    time: float
    subject: str
    headers: Any
    body: bytes
    pending: int


_record = tuple.__new__     # a third of the time of NamedTuple's own


class _Lost(Exception):
    pass


class _Sink(asyncio.Future[Any]):
    """nats-py gives the message of a subscription with a future to that future: this one takes each, with no queue and no task in between."""

    def __init__(self, take: Callable[[Any], None]) -> None:
        super().__init__()
        self._take = take

    def set_result(self, result: Any) -> None:
        self._take(result)


class Feed:
    """Calls ``deliver`` for each message of ``source`` (stream, subject filter) from ``start`` on; asks for more while ``room()`` is positive."""

    def __init__(
        self,
        connection: Connection,
        source: tuple[str, str | None],
        *,
        start: int,
        deliver: Callable[[Record], None],
        room: Callable[[], int],
        restarted: Callable[[], int | None] | None = None,
    ) -> None:
        self._connection = connection
        self._source = source
        self._next = start
        self._deliver = deliver
        self._room = room
        self._restarted = restarted
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._left = 0              # messages that the open request may still bring
        self._count = 0             # deliveries of this consumer
        self._quiet = 0             # heartbeats that did not come, in turn
        self._trouble: str | None = None
        self._sink: _Sink | None = None
        self._ended = False         # beside the cancellation: a request of the client that is answered at that moment loses it (Python 3.11)
        self.restarts = 0

    def start(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._run())

    def more(self) -> None:
        """There is room again."""
        self._wake.set()

    async def stop(self) -> None:
        task = self.cancel()
        if task is not None:
            await asyncio.wait([task])

    def cancel(self) -> asyncio.Task[None] | None:
        """Stop now: nothing is delivered any more. Returns the task that tidies up, for its owner to await."""
        if self._sink is not None:
            self._sink.cancel()
        self._ended = True
        self._wake.set()
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
        return task

    async def _run(self) -> None:
        failures = 0
        while not self._ended:
            before = self._next
            try:
                await self._read()
            except (NatsError, _Lost, TimeoutError, OSError, ValueError) as exc:
                failures = 0 if self._next > before else failures + 1
                self.restarts += 1
                logger.info("feed of %s starts over at %s: %r", self._source[0], self._next, exc)
                await asyncio.sleep(_BACKOFF[min(failures, len(_BACKOFF) - 1)])
                if self._restarted is not None:
                    self._next = self._restarted() or self._next

    async def _read(self) -> None:
        stream, subject = self._source
        nc, js = self._connection.nc, self._connection.js
        consumer = await js.add_consumer(stream, self._consumer(subject))
        self._left = self._count = 0
        self._trouble = None
        inbox = nc.new_inbox()
        self._sink = sink = _Sink(self._on_message)
        sub = await nc.subscribe(inbox, future=sink)
        try:
            await self._pull(f"{self._connection.api}.CONSUMER.MSG.NEXT.{stream}.{consumer.name}", inbox)
        finally:
            sink.cancel()
            if not nc.is_closed:
                await sub.unsubscribe()
                if nc.is_connected:
                    await nc.publish(f"{self._connection.api}.CONSUMER.DELETE.{stream}.{consumer.name}", b"")

    def _consumer(self, subject: str | None) -> api.ConsumerConfig:
        return api.ConsumerConfig(
            deliver_policy=api.DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=max(1, self._next),
            ack_policy=api.AckPolicy.NONE,
            inactive_threshold=60.0,
            mem_storage=True,
            num_replicas=1,
            filter_subject=subject,
            max_deliver=1,
        )

    async def _pull(self, subject: str, inbox: str) -> None:
        nc = self._connection.nc
        while not self._ended:
            if self._trouble is not None:
                raise _Lost(self._trouble)
            room = self._room()
            if room > 0 and self._left <= 0:
                self._left = room
                self._quiet = 0
                await nc.publish(subject, _request(room), reply=inbox)
            self._wake.clear()
            try:
                async with asyncio.timeout(HEARTBEAT):      # wait_for of Python 3.11 loses a cancellation that meets the event
                    await self._wake.wait()
            except TimeoutError:
                self._quiet += 1
                if self._left > 0 and self._quiet >= SILENT:
                    raise _Lost("no sign of life from the server") from None

    def _on_message(self, msg: Any) -> None:
        self._quiet = 0
        tokens = msg.reply.split(".")
        if len(tokens) < _TOKENS:
            self._on_status(msg.headers or {})
            return
        at = 5 if len(tokens) == _TOKENS else 7         # with a domain two tokens come first and one last
        count = int(tokens[at + 1])
        if count != self._count + 1:
            self._trouble = f"delivery {self._count + 1} is missing"
            self._wake.set()
            return
        sequence = int(tokens[at])
        try:
            self._deliver(_record(Record, (sequence, int(tokens[at + 2]) / 1e9, msg.subject, msg.headers, msg.data, int(tokens[at + 3]))))
        except Exception as exc:    # outer edge: the client's reading of the socket would end with it; the message is read again
            logger.exception("message %s of stream %s is not taken", sequence, self._source[0])
            self._trouble = f"message {sequence} was not taken: {exc!r}"
            self._wake.set()
            return
        self._count = count
        self._next = sequence + 1
        self._left -= 1
        if self._left <= 0:
            self._wake.set()

    def _on_status(self, headers: dict[str, str]) -> None:
        status = headers.get("Status")
        if status == "100":
            # The request outlives a connection that breaks, the last deliveries do not: nothing may follow to show the gap.
            if int(headers.get("Nats-Last-Consumer", 0)) > self._count:
                self._trouble = f"delivery {self._count + 1} went with its connection"
                self._wake.set()
            return
        self._left = 0
        if status not in ("404", "408"):            # nothing there, or the request's time is over: ask again
            self._trouble = f"{status} {headers.get('Description')}"
        self._wake.set()


def _request(batch: int) -> bytes:
    return json.dumps({"batch": batch, "expires": int(EXPIRES * 1e9), "idle_heartbeat": int(HEARTBEAT * 1e9)}).encode()
