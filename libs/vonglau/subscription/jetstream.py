"""Logs on NATS JetStream: one durable pull consumer per projection and log, read so that a lost or stolen delivery is noticed.

The consumer counts its deliveries without a hole. A hole in what arrives means that something went elsewhere (a broken connection, another
process on the same consumer); then the consumer is made anew behind the last checkpoint. So order and completeness don't rest on redelivery.
"""
from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from nats.aio.client import Client
from nats.errors import Error
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, ConsumerInfo, DeliverPolicy
from nats.js.errors import APIError, NotFoundError

from vonglau.broker.codes import NO_MESSAGE
from vonglau.errors import Unavailable
from vonglau.subscription.projection import Source
from vonglau.subscription.pull import JetStreamReading
from vonglau.subscription.source import LogState

ACK_WAIT_S = 60.0  # longer than a batch takes; only bounds how long a delivery lost in silence stays unnoticed
MOST_UNACKNOWLEDGED = 10_000


@asynccontextmanager
async def answering(log: str) -> AsyncIterator[None]:
    try:
        yield
    except (APIError, Error, TimeoutError) as error:
        raise Unavailable("LOG_UNAVAILABLE", f"the event log does not answer: {error or type(error).__name__}", log=log) from error


class JetStreamEvents:
    """The port `EventSource` on a connection that reconnects by itself."""

    def __init__(self, nc: Client, *, timeout: float = 5.0) -> None:
        """timeout: s, for one answer."""
        self._nc = nc
        self._js: JetStreamContext = nc.jetstream(timeout=timeout)

    async def state(self, log: str) -> LogState:
        async with answering(log):
            info = await self._js.stream_info(log)
        created_ns = round(info.created.timestamp() * 1e6) * 1000 if info.created else 0
        return LogState(created_ns, info.state.first_seq, info.state.last_seq)

    async def open(self, name: str, source: Source, after: int) -> JetStreamReading:
        async with answering(source.log):
            info = await self._consumer(name, source)
            if info is None or not stands_at(info, source, after):
                await self.forget(name, source.log)
                info = await self._js.add_consumer(source.log, configuration(name, source, after))
            delivered = info.delivered.consumer_seq if info.delivered else 0
            reading = JetStreamReading(self._nc, source.log, name, after=after, delivered=delivered, pending=info.num_pending or 0)
            await reading.start()
            return reading

    async def _consumer(self, name: str, source: Source) -> ConsumerInfo | None:
        try:
            found: ConsumerInfo = await self._js.consumer_info(source.log, name)
        except NotFoundError:
            return None
        return found

    async def next_after(self, source: Source, sequence: int) -> int | None:
        found = [await self._next(source.log, subject, sequence + 1) for subject in source.subjects]
        return min((sequence for sequence in found if sequence), default=None)

    async def _next(self, log: str, subject: str, start: int) -> int:
        """0: there is none. Asked of the stream's leader, since a follower may not have it yet."""
        async with answering(log):
            try:
                message = await self._js.get_msg(log, start, subject=subject, next=True)
            except NotFoundError as error:
                if error.err_code == NO_MESSAGE:
                    return 0
                raise
        return int(message.seq or 0)

    async def forget(self, name: str, log: str) -> None:
        async with answering(log):
            try:
                await self._js.delete_consumer(log, name)
            except NotFoundError:
                return


def configuration(name: str, source: Source, after: int) -> ConsumerConfig:
    return ConsumerConfig(
        name=name,
        durable_name=name,
        ack_policy=AckPolicy.ALL,
        ack_wait=ACK_WAIT_S,
        max_ack_pending=MOST_UNACKNOWLEDGED,
        filter_subjects=list(source.subjects),
        deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
        opt_start_seq=after + 1,
    )


def stands_at(info: ConsumerInfo, source: Source, after: int) -> bool:
    """Whether the next delivery is the first event behind `after`, and nothing is out with somebody else."""
    delivered = info.delivered.stream_seq if info.delivered else 0
    subjects = info.config.filter_subjects or [info.config.filter_subject or ""]
    return delivered == after and not info.num_ack_pending and sorted(subjects) == sorted(source.subjects)
