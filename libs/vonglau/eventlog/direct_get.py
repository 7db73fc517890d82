"""Direct Get batches (ADR-31): many messages for one request, without a consumer. nats-py 2.16 has no call for it.

Answers come to one wildcard inbox of the process; the last token tells the request. The end of a batch is Status 204, and says how many
messages are left: a server ends a batch early that grows too large.
"""
from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error, NoRespondersError

from vonglau.clock import utc
from vonglau.errors import Unavailable
from vonglau.eventlog.event import Recorded

END, NOT_FOUND, NO_RESPONDERS = "204", "404", "503"
MOST_MESSAGES, MOST_BYTES = 1000, 8 << 20  # of one batch


class _Answer:
    """One request's messages so far."""

    def __init__(self) -> None:
        self.messages: list[Recorded] = []
        self.left = 0  # messages that match and did not come
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class DirectGet:
    """Reads from a stream's replicas; what comes may be behind the leader."""

    def __init__(self, nc: Client, timeout: float = 5.0, most_bytes: int = MOST_BYTES) -> None:
        """timeout: s, for one whole batch. most_bytes: of one batch; a message may be larger."""
        self._nc = nc
        self._timeout = timeout
        self._most_bytes = most_bytes
        self._inbox = nc.new_inbox()
        self._numbers = itertools.count()
        self._waiting: dict[str, _Answer] = {}
        self._subscribed: asyncio.Task[Any] | None = None

    async def by_subject(self, log: str, subject: str, start: int) -> list[Recorded]:
        """All messages of one subject from sequence `start` on."""
        found: list[Recorded] = []
        while True:
            answer = await self._ask(log, {"batch": MOST_MESSAGES, "seq": max(start, 1), "next_by_subj": subject})
            found += answer.messages
            if not answer.left:
                return found
            start = found[-1].sequence + 1

    async def following(self, log: str, start: int) -> list[int]:
        """Sequences of the next messages from `start` on, of whatever subject, at most a batch of them."""
        answer = await self._ask(log, {"batch": MOST_MESSAGES, "seq": max(start, 1), "next_by_subj": ">"})
        return [message.sequence for message in answer.messages]

    async def last_of_each(self, log: str, subjects: Iterable[str]) -> list[Recorded]:
        """The last message of each literal subject that has one; at most 1,000 subjects."""
        found: list[Recorded] = []
        wanted = dict.fromkeys(subjects)
        while True:
            answer = await self._ask(log, {"multi_last": list(wanted), "batch": len(wanted)})
            found += answer.messages
            if not answer.left:
                return found
            for message in answer.messages:
                del wanted[message.subject]

    async def last_at(self, log: str, subject: str, at_ns: int) -> Recorded | None:
        """The last message of the subject, which may have wildcards, that the stream had at that time (UTC); None: it had none that it still keeps."""
        answer = await self._ask(log, {"multi_last": [subject], "batch": 1, "up_to_time": utc(at_ns).isoformat()})
        return max(answer.messages, key=lambda message: message.sequence, default=None)

    async def _ask(self, log: str, request: Mapping[str, Any]) -> _Answer:
        if not self._nc.is_connected:
            raise Unavailable("LOG_UNAVAILABLE", "the event log is away", log=log)
        token = str(next(self._numbers))
        answer = self._waiting[token] = _Answer()
        try:
            await self._subscribe()
            await self._nc.publish(f"$JS.API.DIRECT.GET.{log}", orjson.dumps({**request, "max_bytes": self._most_bytes}), reply=f"{self._inbox}.{token}")
            await asyncio.wait_for(answer.done, self._timeout)
        except (TimeoutError, Error) as error:
            raise Unavailable("LOG_UNAVAILABLE", f"the event log does not answer: {type(error).__name__}", log=log) from error
        finally:
            del self._waiting[token]
        if answer.left and not answer.messages:
            raise Unavailable("LOG_UNAVAILABLE", "the event log keeps back what it has", log=log)
        return answer

    async def _subscribe(self) -> None:
        """Once for the life of the connection; nats-py renews it after a reconnect."""
        if self._subscribed is None:
            self._subscribed = asyncio.ensure_future(self._nc.subscribe(f"{self._inbox}.*", cb=self._take))
        await asyncio.shield(self._subscribed)

    async def _take(self, message: Msg) -> None:
        answer = self._waiting.get(message.subject.rpartition(".")[2])
        if answer is None or answer.done.done():
            return
        headers = message.headers or {}
        status = headers.get("Status")
        if status is None:
            answer.messages.append(recorded(headers, message.data))
        elif status in (END, NOT_FOUND):
            answer.left = int(headers.get("Nats-Num-Pending", 0))
            answer.done.set_result(None)
        elif status == NO_RESPONDERS:
            answer.done.set_exception(NoRespondersError())
        else:
            answer.done.set_exception(Error(f"direct get answered {status} {headers.get('Description', '')}"))


def recorded(headers: Mapping[str, str], body: bytes) -> Recorded:
    """A directly got message as the event it is."""
    own = {name: value for name, value in headers.items() if not name.startswith("Nats-")}
    return Recorded(headers["Nats-Stream"], int(headers["Nats-Sequence"]), headers["Nats-Subject"], own, body)
