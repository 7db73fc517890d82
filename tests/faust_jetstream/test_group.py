"""Real groups on a real server; the worker and Faust's assignor are small stand-ins."""

import asyncio
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from faust.types import TP

from faust_jetstream.admin import Topics
from faust_jetstream.connection import Connection
from faust_jetstream.group import Group
from faust_jetstream.places import Names
from faust_jetstream.settings import Settings
from faust_jetstream.testkit import until

pytestmark = pytest.mark.loopback

PARTITIONS = 6


class RoundRobin:
    """Every partition to somebody, in turn."""

    version = 1

    def metadata(self, topics: set[str]) -> Any:
        return SimpleNamespace(user_data=b"meta")

    def assign(self, cluster: Any, members: dict[str, Any]) -> dict[str, ConsumerProtocolMemberAssignment]:
        names = sorted(members)
        partitions = sorted(cluster.partitions_for_topic("orders"))
        return {
            name: ConsumerProtocolMemberAssignment(1, [("orders", partitions[index :: len(names)])], b"data") for index, name in enumerate(names)
        }

    def on_assignment(self, assignment: Any) -> None:
        pass


class Worker:
    """Takes what it is given; a ``gate`` that is not set keeps it from giving up."""

    def __init__(self) -> None:
        self.owned: set[TP] = set()
        self.generation = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def give_up(self) -> None:
        await self.gate.wait()
        self.owned = set()

    async def take_over(self, assigned: set[TP], generation: int) -> None:
        self.owned, self.generation = assigned, generation


class FixedTopics:
    def __init__(self, topics: Topics) -> None:
        self.names: Names = topics.names
        self.group_stream = topics.group_stream

    async def ensure(self, topic: str) -> Any:
        return SimpleNamespace(partitions=PARTITIONS)


Join = Callable[[], Any]


@pytest.fixture
async def join(connection: Connection, settings: Settings) -> AsyncIterator[Join]:
    made: list[Group] = []

    async def start() -> tuple[Group, Worker]:
        app = SimpleNamespace(assignor=RoundRobin(), topics=(), tables=SimpleNamespace(changelog_topics=set()))
        worker = Worker()
        topics = FixedTopics(Topics(connection, settings, app))
        group = Group(worker, app, connection, cast(Topics, topics), settings)
        made.append(group)
        await group.join({"orders"})
        return group, worker

    yield start
    for group in made:
        await group.leave()


async def shared(*workers: Worker) -> None:
    """All partitions are owned, none twice, all in the same generation."""

    def fair() -> bool:
        owned = [tp.partition for worker in workers for tp in worker.owned]
        return sorted(owned) == list(range(PARTITIONS)) and len({worker.generation for worker in workers}) == 1

    await until(fair, 20, 0.02)


async def test_one_worker_gets_everything_and_a_second_one_its_share(join: Join) -> None:
    _, first = await join()
    await shared(first)
    _, second = await join()
    await shared(first, second)
    assert len(second.owned) == PARTITIONS // 2


async def test_who_leaves_is_replaced_at_once_even_if_it_led(join: Join) -> None:
    leader, first = await join()
    await shared(first)
    _, second = await join()
    await shared(first, second)
    assert leader.leads
    begun = asyncio.get_running_loop().time()
    await leader.leave()
    await shared(second)
    assert asyncio.get_running_loop().time() - begun < 1.9, "a lease had to run out first"


async def test_who_dies_is_replaced_after_its_lease(join: Join) -> None:
    _, first = await join()
    _, second = await join()
    await shared(first, second)
    dead, _ = await join()
    leases = dead._leases
    leases._doc = None
    leases.leader_sequence = None
    for task in dead._tasks:
        task.cancel()
    await shared(first, second)


async def test_nobody_gets_a_partition_before_its_owner_gave_it_up(join: Join) -> None:
    _, first = await join()
    await shared(first)
    first.gate.clear()
    _, second = await join()
    await asyncio.sleep(0.8)
    assert (len(first.owned), second.owned) == (PARTITIONS, set())
    first.gate.set()
    await shared(first, second)


async def test_a_member_can_ask_for_a_new_generation(join: Join) -> None:
    group, worker = await join()
    await shared(worker)
    before = worker.generation
    await group.ask_for_a_new_generation()
    await until(lambda: worker.generation > before, 10)
    await shared(worker)


async def test_a_group_reads_everything_anew_when_its_feed_was_interrupted(join: Join) -> None:
    group, first = await join()
    await shared(first)
    feed = group._feed
    assert feed is not None
    feed._trouble = "cut"
    feed.more()
    _, second = await join()
    await shared(first, second)
