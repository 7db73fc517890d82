"""kill -9 of the server in the middle of writing: what was acknowledged is there, and nothing is there twice."""
from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import partial

import pytest

from vonglau.broker import Broker, NatsServer
from vonglau.errors import Unavailable
from vonglau.eventlog import Call, Event, EventLog, Fold, HeaderWriter, JetStreamStore, aggregate_stream
from vonglau.registry.v1.events_pb2 import OwnerRenamed
from vonglau.testing.clock import SettableClock
from vonglau.testing.waiting import eventually

pytestmark = pytest.mark.loopback

COUNT: Fold[int] = Fold(lambda count, _: (count or 0) + 1)


def rename(_: int | None, to: str) -> Iterable[Event]:
    yield OwnerRenamed(display_name=to)


async def test_every_accepted_command_survives_and_none_is_applied_twice(broker: Broker, nats_server: NatsServer) -> None:
    log = EventLog(JetStreamStore(broker.nc, timeout=1.0), HeaderWriter("/vonglau/test/registry", SettableClock()))
    streams = [aggregate_stream("registry", "owner", f"ward-{number}") for number in range(4)]
    accepted: dict[str, int] = {}

    async def write(worker: int) -> None:
        for number in range(60):
            request = f"{worker}-{number}"
            call = Call("person:a", "RenameOwner", request, "b")
            while request not in accepted:
                try:
                    accepted[request] = (await log.decide(streams[number % 4], COUNT, partial(rename, to=request), call=call)).sequence
                except Unavailable:
                    await asyncio.sleep(0.05)

    def reached(enough: int) -> bool:
        return len(accepted) >= enough

    async def crash() -> None:
        for enough in (40, 120):
            await eventually(partial(reached, enough), why="enough commands accepted")
            await nats_server.kill()
            await nats_server.start()

    await asyncio.gather(*(write(worker) for worker in range(4)), crash())
    store = JetStreamStore(broker.nc)
    stored = {str(getattr(event.message(), "display_name", "")): event.sequence for stream in streams for event in await store.read(stream)}
    assert stored == accepted
    assert sum([len(await store.read(stream)) for stream in streams]) == 240
