"""Facts: what was seen, at a high rate, kept for days. Ids are deterministic, so a repeated one changes nothing."""
from __future__ import annotations

import base64

import orjson
from nats.aio.client import Client
from nats.errors import Error

from vonglau.broker.bounds import check_size
from vonglau.broker.codes import NO_MESSAGE
from vonglau.errors import Unavailable
from vonglau.eventlog.decision import Call, Event
from vonglau.eventlog.direct_get import DirectGet
from vonglau.eventlog.headers import HeaderWriter
from vonglau.telemetry import publishing

MESSAGE_ID = "Nats-Msg-Id"  # the server drops repeats within its window; consumers drop the others


class FactPublisher:
    """Publishes to fact.<kind>.<key>; the stream puts the partition in."""

    def __init__(self, nc: Client, headers: HeaderWriter, actor: str, timeout: float = 5.0) -> None:
        """actor: service:<name>. timeout: s, for one acknowledgement."""
        self._nc = nc
        self._headers = headers
        self._call = Call(actor)
        self._timeout = timeout

    async def publish(self, kind: str, key: str, fact: Event, identity: str) -> int:
        """The fact's sequence, once it is stored.

        identity: tells this fact from every other of its kind and key. Raises: Unavailable; then nobody knows whether it is
        stored, and publishing it again is right. Invalid (MESSAGE_TOO_LARGE): no message of the log would hold it.
        """
        subject = f"fact.{kind}.{key}"
        if not self._nc.is_connected:
            raise Unavailable("LOG_UNAVAILABLE", "the event log is away")
        try:
            with publishing(f"fact.{kind}.{{id}}"):  # whoever reads the fact follows from it
                headers = {**self._headers.write(fact, subject, self._call), MESSAGE_ID: f"{kind}/{key}/{identity}"}
                body = fact.SerializeToString()
                check_size(headers, body)
                reply = await self._nc.request(subject, body, timeout=self._timeout, headers=headers)
        except (TimeoutError, Error) as error:
            raise Unavailable("LOG_UNAVAILABLE", f"the event log does not acknowledge: {type(error).__name__}") from error
        answer = orjson.loads(reply.data)
        if "error" in answer:
            raise Unavailable("LOG_REFUSED", f"the event log refused: {answer['error'].get('description')}")
        return int(answer["seq"])


class FactReader:
    """Reads single facts; the newest as the stream's leader knows them."""

    def __init__(self, nc: Client, log: str, timeout: float = 5.0) -> None:
        """log: the JetStream stream of the facts. timeout: s, for one answer."""
        self._nc = nc
        self._log = log
        self._timeout = timeout
        self._direct = DirectGet(nc, timeout)

    async def at(self, kind: str, key: str, at_ns: int) -> bytes | None:
        """The body of the fact that was the newest of its kind and key at that time (UTC), as a replica knows it; None: none is kept. Raises: Unavailable."""
        found = await self._direct.last_at(self._log, f"fact.{kind}.*.{key}", at_ns)
        return None if found is None else found.body

    async def newest(self, kind: str, key: str) -> bytes | None:
        """The body of the newest fact of its kind and key, whatever its partition; None: none is kept. Raises: Unavailable."""
        if not self._nc.is_connected:
            raise Unavailable("LOG_UNAVAILABLE", "the event log is away")
        try:
            reply = await self._nc.request(
                f"$JS.API.STREAM.MSG.GET.{self._log}", orjson.dumps({"last_by_subj": f"fact.{kind}.*.{key}"}), timeout=self._timeout
            )
        except (TimeoutError, Error) as error:
            raise Unavailable("LOG_UNAVAILABLE", f"the event log does not answer: {type(error).__name__}") from error
        answer = orjson.loads(reply.data)
        refused = answer.get("error", {})
        if refused.get("err_code") == NO_MESSAGE:
            return None
        if refused:
            raise Unavailable("LOG_REFUSED", f"the event log refused: {refused.get('description')}")
        return base64.b64decode(answer["message"].get("data", ""))
