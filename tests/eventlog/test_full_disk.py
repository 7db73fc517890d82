"""A disk that is full below the log's server, though the bounds of its streams are not reached: what was accepted is there afterwards, and nothing by halves.

nats-server 2.15 refuses everything from its first write that fails, and goes on doing so when there is room again: it has to be restarted. Of the batch that
met the end of the disk it holds a part, which it completes itself at a restart; not where the disk was full at the restart, too: then who wrote it does.
"""
from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from tests.backends.disks import Ballast, small_disk
from tests.eventlog.test_decide import log_on
from vonglau.broker import Broker, NatsServer, connect
from vonglau.broker.topology import ensure
from vonglau.errors import Unavailable
from vonglau.eventlog import AggregateStream, Call, Event, Fold, JetStreamStore, On, aggregate_stream, on
from vonglau.registry.v1.events_pb2 import OwnerRegistered, OwnerRenamed, ValueClaimed
from vonglau.testing.waiting import eventually

pytestmark = [pytest.mark.backends, pytest.mark.timeout(180)]

STREAMS_GB = 0.01  # more than the disk
DISK_MIB, LEFT = 8, 200_000
EVENTS = 6  # of a command, of about 2 kB each, the last on another aggregate
COUNT: Fold[int] = Fold(lambda number, _: (number or 0) + 1)
REASONS = {"LOG_FULL", "LOG_TORN", "LOG_REFUSED", "LOG_UNAVAILABLE", "NO_ACKNOWLEDGEMENT"}


def owner(number: int) -> AggregateStream:
    return aggregate_stream("registry", "owner", f"ward-{number}")


def claim(number: int) -> AggregateStream:
    return aggregate_stream("registry", "claim", f"c0ffee{number}")


def decision(_: int | None, _claimed: int | None, number: int) -> Iterable[Event | On]:
    text = "x" * 2_000
    yield OwnerRegistered(owner=f"ward-{number}", display_name=text)
    for _turn in range(EVENTS - 2):
        yield OwnerRenamed(display_name=text)
    yield on(claim(number), ValueClaimed(camera=f"{number}"))


class Commands:
    """One after the other, each with a request id of its own, and what became of it."""

    def __init__(self, broker: Broker) -> None:
        self.store = JetStreamStore(broker.nc, timeout=0.5)
        self.log = log_on(self.store, attempts=3)
        self.accepted: dict[int, int] = {}  # sequence of the last event, by number
        self.refused: dict[int, str] = {}  # with which reason

    async def send(self, number: int) -> bool:
        """Whether it is accepted; again the same command."""
        call = Call("person:a", "RegisterOwner", f"00000000-0000-4000-8000-{number:012}", "b")
        try:
            version = await self.log.decide(owner(number), COUNT, partial(decision, number=number), call=call, alongside=[(claim(number), COUNT)])
        except Unavailable as error:
            self.refused[number] = error.reason
            return False
        assert self.accepted.setdefault(number, version.sequence) == version.sequence
        return True

    async def stored(self, number: int) -> int:
        """How many of its events are there; fails where one is there twice, or out of its place."""
        found = [await self.store.read(stream) for stream in (owner(number), claim(number))]
        for events in found:
            assert [event.headers["vl-position"] for event in events] == [str(place) for place in range(1, len(events) + 1)]
        if number in self.accepted:
            assert self.accepted[number] in {event.sequence for events in found for event in events}
        return sum(map(len, found))

    async def must_be_whole(self) -> None:
        """What is accepted; what is refused may be there and not there, but not by halves."""
        assert {number: await self.stored(number) for number in self.accepted} == dict.fromkeys(self.accepted, EVENTS)
        assert {number: await self.stored(number) % EVENTS for number in self.refused} == dict.fromkeys(self.refused, 0)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "small", DISK_MIB) as mounted:
        yield mounted


@pytest.fixture
def others(disk: Path) -> Ballast:
    return Ballast(disk)


@pytest.fixture
async def server(disk: Path, tmp_path: Path) -> AsyncIterator[NatsServer]:
    async with NatsServer(disk / "nats", streams_gb=STREAMS_GB, log=tmp_path / "nats.log") as started:
        yield started


@pytest.fixture
async def broker(server: NatsServer) -> AsyncIterator[Broker]:
    async with connect(server.url, name="tests", within=5) as connected:
        await ensure(connected, total_gb=STREAMS_GB)
        yield connected


async def restarted(server: NatsServer, broker: Broker, *, is_killed: bool) -> None:
    before = broker.connections
    await (server.kill() if is_killed else server.stop())
    await server.start()
    await eventually(lambda: broker.connections > before and broker.is_connected, 20, "the server is back")


@pytest.mark.parametrize("is_full_at_a_restart", [False, True], ids=["room first", "restarted while it is full"])
@pytest.mark.parametrize("is_killed", [False, True], ids=["ended", "killed"])
async def test_what_was_accepted_outlives_a_full_disk_and_commands_are_refused_meanwhile(
    server: NatsServer, broker: Broker, others: Ballast, is_killed: bool, is_full_at_a_restart: bool
) -> None:
    commands, numbers = Commands(broker), count(1)
    await commands.send(next(numbers))
    others.leave(LEFT)
    while await commands.send(next(numbers)):
        assert len(commands.accepted) < LEFT / 2_000, "the disk is not full"
    for _ in range(3):
        assert not await commands.send(next(numbers)), "there is no room"
    assert set(commands.refused.values()) <= REASONS
    assert {await commands.stored(number) for number in commands.accepted} == {EVENTS}, "what there is is read meanwhile"
    if is_full_at_a_restart:
        await restarted(server, broker, is_killed=is_killed)
        assert {await commands.stored(number) for number in commands.accepted} == {EVENTS}

    others.remove()
    await restarted(server, broker, is_killed=is_killed)
    assert await commands.send(next(numbers))
    await commands.must_be_whole()
    for number in list(commands.refused):
        assert await commands.send(number)
        del commands.refused[number]
    await commands.must_be_whole()
    assert len(set(commands.accepted.values())) == len(commands.accepted)
