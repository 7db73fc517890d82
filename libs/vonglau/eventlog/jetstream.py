"""The event store on NATS JetStream: literal subjects, expected last sequences, atomic batches (ADR-50)."""
from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson
from nats.aio.client import Client
from nats.errors import ConnectionClosedError, Error, NoRespondersError, OutboundBufferLimitError

from vonglau.broker.bounds import check_size
from vonglau.broker.codes import EXPECTED, FULL, LOST_RACE, NO_MESSAGE
from vonglau.errors import Unavailable
from vonglau.eventlog.direct_get import DirectGet
from vonglau.eventlog.event import POSITION, AggregateStream, Recorded
from vonglau.eventlog.port import Append, LostRace, OutcomeUnknown
from vonglau.telemetry import publishing

MOST_IN_BATCH = 1000  # of one atomic batch
MOST_SUBJECTS = 500  # of one multi_last request


class JetStreamStore:
    """Streams of record. A returned sequence is durable as far as the stream is configured to be."""

    def __init__(self, nc: Client, timeout: float = 5.0) -> None:
        """timeout: s, for one acknowledgement."""
        self._nc = nc
        self._timeout = timeout
        self._get = DirectGet(nc, timeout)

    async def read(self, stream: AggregateStream, after: int = 0) -> list[Recorded]:
        return await self._get.by_subject(stream.log, stream.subject, after + 1)

    async def read_many(self, after: Mapping[AggregateStream, int]) -> dict[AggregateStream, list[Recorded]]:
        news: dict[AggregateStream, list[Recorded]] = {stream: [] for stream in after}
        for some in slices(list(after), MOST_SUBJECTS):
            for last in await self._get.last_of_each(some[0].log, [stream.subject for stream in some]):
                stream = AggregateStream(last.log, last.subject)
                if last.sequence > after[stream]:
                    is_whole = after[stream] == 0 and last.headers.get(POSITION) == "1"
                    news[stream] = [last] if is_whole else await self.read(stream, after[stream])
        return news

    async def last_sequence(self, stream: AggregateStream) -> int:
        reply = await self._ask(f"$JS.API.STREAM.MSG.GET.{stream.log}", orjson.dumps({"last_by_subj": stream.subject}))
        if reply.get("error", {}).get("err_code") == NO_MESSAGE:
            return 0
        return int(self._accepted(reply)["message"]["seq"])

    async def append(self, events: Sequence[Append]) -> list[int]:
        if len(events) > MOST_IN_BATCH:
            raise ValueError(f"an atomic batch holds {MOST_IN_BATCH} events, not {len(events)}")
        for event in events:  # before anything is sent
            check_size(event.headers, event.body)
        with publishing(kind_of(events[0].stream.subject), len(events)):
            if len(events) > 1:
                return await self._append_batch(events)
            (event,) = events
            return [await self._stored(event, {**event.headers, EXPECTED: str(event.expected)})]

    async def _append_batch(self, events: Sequence[Append]) -> list[int]:
        batch, guarded = uuid.uuid4().hex, set()
        for number, event in enumerate(events, 1):
            headers = {**event.headers, "Nats-Batch-Id": batch, "Nats-Batch-Sequence": str(number)}
            if event.stream not in guarded:  # a later event of the same subject is guarded by the first
                headers[EXPECTED] = str(event.expected)
                guarded.add(event.stream)
            if number < len(events):
                await self._publish(event, headers)
        headers["Nats-Batch-Commit"] = "1"
        last = await self._stored(events[-1], headers)
        return list(range(last - len(events) + 1, last + 1))

    async def _publish(self, event: Append, headers: dict[str, str]) -> None:
        try:
            await self._nc.publish(event.stream.subject, event.body, headers=headers)
        except (ConnectionClosedError, OutboundBufferLimitError) as error:
            raise Unavailable("LOG_UNAVAILABLE", "the event log is away", log=event.stream.log) from error

    async def _stored(self, event: Append, headers: dict[str, str]) -> int:
        reply = await self._ask(event.stream.subject, event.body, headers, unknown=True)
        return int(self._accepted(reply)["seq"])

    async def _ask(self, subject: str, body: bytes, headers: dict[str, str] | None = None, *, unknown: bool = False) -> dict[str, Any]:
        """unknown: the request writes, so that without an answer nobody knows whether it did."""
        if not self._nc.is_connected:
            raise Unavailable("LOG_UNAVAILABLE", "the event log is away")
        try:
            reply = await self._nc.request(subject, body, timeout=self._timeout, headers=headers)
        except NoRespondersError as error:
            raise Unavailable("LOG_UNAVAILABLE", "the event log is not there (no stream takes the subject, or no leader)") from error
        except (TimeoutError, Error) as error:
            if unknown:
                raise OutcomeUnknown from error
            raise Unavailable("LOG_UNAVAILABLE", f"the event log does not answer: {type(error).__name__}") from error
        answer: dict[str, Any] = orjson.loads(reply.data)
        return answer

    @staticmethod
    def _accepted(reply: dict[str, Any]) -> dict[str, Any]:
        error = reply.get("error")
        if error is None:
            return reply
        if error.get("err_code") in LOST_RACE:
            raise LostRace
        if error.get("err_code") in FULL:
            raise Unavailable("LOG_FULL", f"the event log has no room: {error.get('description')}", retry_after=5.0)
        raise Unavailable("LOG_REFUSED", f"the event log refused: {error.get('description')}", err_code=str(error.get("err_code")))


def kind_of(subject: str) -> str:
    """The subject with its id in braces: what it has few values of."""
    return f"{subject.rpartition('.')[0]}.{{id}}"


def slices(streams: list[AggregateStream], size: int) -> Iterator[list[AggregateStream]]:
    return (streams[start : start + size] for start in range(0, len(streams), size))
