"""Which worker has which partitions: leases, one leader, generations, on one small stream.

m.<id>    lease of a member: its topics, the generation it has joined, Faust's assignor metadata
leader    lease of the leader
plan      {generation, join or stable, members, shares}; written by the leader only, by compare-and-set
again     an operator asks for a new generation, to make reset offsets count

The assignment itself is Faust's own PartitionAssignor: sticky, with standbys, co-partitioning and table routing.
"""

import asyncio
import base64
import json
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Any, Protocol

from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata
from faust.types import TP
from mode import get_logger
from nats.errors import Error as NatsError
from nats.js.errors import APIError

from .admin import Topics
from .codec import EXPECTED
from .connection import Connection
from .feed import Feed, Record
from .leases import Leases
from .offsets import Fenced
from .plan import JOIN, STABLE, Member, Plan, member_of, next_generation, plan_of, ready, settled
from .settings import Settings

logger = get_logger(__name__)

GATHER = 0.15       # seconds in which changes of membership are taken together
MARKER = "Nats-Marker-Reason"


class Worker(Protocol):
    """What the group asks of the consumer."""

    async def give_up(self) -> None:
        """Finish and commit what is in work, and stop reading."""

    async def take_over(self, assigned: set[TP], generation: int) -> None:
        """Own exactly ``assigned`` from now on."""


class Group:
    """Membership of one worker."""

    def __init__(self, worker: Worker, app: Any, connection: Connection, topics: Topics, settings: Settings) -> None:
        self.id = uuid.uuid4().hex[:12]
        self._worker = worker
        self._app = app
        self._connection = connection
        self._topics = topics
        self._settings = settings
        self._leases = Leases(settings, topics.names.group_root, self.id)
        self._subscribed: tuple[str, ...] = ()
        self._wish = 0
        self._joined = 0            # generation for which we have given up our partitions
        self._applied = 0           # generation whose share we work on
        self._members: dict[str, Member] = {}
        self._leader: str | None = None
        self._leader_sequence = 0   # of the leadership subject, expiry markers included
        self._plan: Plan | None = None
        self._plan_sequence = 0
        self._plan_since = 0.0      # clock: monotonic
        self._again = 0             # sequence of the last request of an operator
        self._leaving = False
        self._synced = False        # what the stream holds has been read
        self._changed_for_leader = asyncio.Event()
        self._changed_for_member = asyncio.Event()
        self._changed_by_operator = asyncio.Event()
        self._feed: Feed | None = None
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def leads(self) -> bool:
        return self._leases.leader_sequence is not None

    async def join(self, topics: Iterable[str]) -> None:
        """Subscribe to ``topics``; called again, it changes the subscription."""
        self._subscribed = tuple(sorted(topics))
        if not self._tasks:
            await self._topics.group_stream()
            await self._leases.start()
            self._watch()
            self._tasks = [asyncio.ensure_future(self._guarded(loop)) for loop in (self._turn, self._lead, self._follow, self._obey)]
        await self._say()

    async def ask_for_a_new_generation(self) -> None:
        """We are fenced off from a partition that the plan still calls ours: someone reset its offsets, or a plan passed us by."""
        self._wish += 1
        await self._say()

    async def leave(self) -> None:
        self._leaving = True            # beside the cancellation, which a request that is answered at that moment loses (Python 3.11)
        self._changed_for_member.set()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._feed is not None:
            await self._feed.stop()
        await self._leases.stop()

    async def _say(self) -> None:
        """Renewed until we leave, so a write that fails now is made up for by the next renewal."""
        meta = self._app.assignor.metadata(set(self._subscribed)).user_data
        await self._leases.put_member(Member(self._subscribed, self._joined, self._wish, base64.b64encode(meta).decode()).encode())

    async def _guarded(self, loop: Callable[[], Awaitable[None]]) -> None:
        while not self._leaving:
            try:
                await loop()
            except (NatsError, TimeoutError, OSError) as exc:
                logger.info("group: %s begins again: %r", loop.__name__, exc)
            except Exception:
                logger.exception("group: %s failed and begins again", loop.__name__)
            await asyncio.sleep(0.3)

    async def _turn(self) -> None:
        while not self._leaving:
            self._leases.turned()
            await asyncio.sleep(min(0.5, self._settings.lease / 8))

    def _watch(self) -> None:
        names = self._topics.names
        self._feed = Feed(
            self._connection, (names.group_stream, None), start=1, deliver=self._on_record, room=lambda: 500, restarted=self._forget
        )
        self._feed.start()

    def _forget(self) -> int:
        """The feed was interrupted: markers may have come and gone, so everything is read anew."""
        self._synced = False
        self._members.clear()
        self._leader = None
        return 1

    def _on_record(self, record: Record) -> None:
        name = record.subject[len(self._topics.names.group_root) + 1 :]
        gone = not record.body or (record.headers is not None and MARKER in record.headers)
        doc = None if gone or name == "again" else json.loads(record.body)
        if name == "leader":
            self._leader, self._leader_sequence = (doc["id"] if doc else None), record.sequence
        elif name == "plan" and doc:
            plan = plan_of(doc)
            if self._plan is None or (plan.generation, plan.phase) != (self._plan.generation, self._plan.phase):
                self._plan_since = time.monotonic()
            self._plan, self._plan_sequence = plan, record.sequence
        elif name == "again" and record.sequence > self._again:
            self._again = record.sequence
            if self._synced:
                self._changed_by_operator.set()
        elif name.startswith("m."):
            if doc:
                self._members[name[2:]] = member_of(doc)
            else:
                self._members.pop(name[2:], None)
        if record.pending == 0:
            self._synced = True
        self._changed_for_leader.set()
        self._changed_for_member.set()

    async def _lead(self) -> None:
        while not self._leaving:
            with suppress(TimeoutError):        # patience with slow members runs out without an event
                async with asyncio.timeout(1.0):
                    await self._changed_for_leader.wait()
            await asyncio.sleep(GATHER)
            self._changed_for_leader.clear()
            if not self._synced:
                continue
            if not self.leads and self._leader is None and await self._leases.try_lead(self._leader_sequence):
                logger.info("%s leads the group", self.id)
            if self.leads:
                await self._decide()

    async def _decide(self) -> None:
        plan = self._plan
        following = next_generation(plan, self._members)
        if following is not None:
            await self._write(following)
        elif plan is not None and plan.phase == JOIN:
            joined = ready(plan, self._members, time.monotonic() - self._plan_since, self._settings.rebalance_timeout)
            if joined:
                await self._write(settled(plan, joined, await self._shares(joined)))

    async def _write(self, plan: Plan) -> None:
        body = json.dumps(plan.encode()).encode()
        try:
            await self._connection.js.publish(
                f"{self._topics.names.group_root}.plan", body, timeout=2.0, headers={EXPECTED: str(self._plan_sequence)}
            )
        except APIError as exc:                 # another leader wrote: its plan comes by the feed
            logger.info("plan of generation %s was not taken: %s", plan.generation, exc.description)

    async def _shares(self, joined: dict[str, Member]) -> dict[str, Any]:
        topics = {topic for member in joined.values() for topic in member.topics}
        counts = {topic: (await self._topics.ensure(topic)).partitions for topic in topics}
        metadata = {
            name: ConsumerProtocolMemberMetadata(self._app.assignor.version, list(member.topics), base64.b64decode(member.meta))
            for name, member in joined.items()
        }
        assigned = self._app.assignor.assign(_Partitions(counts), metadata)
        return {
            name: [one.version, [[topic, list(partitions)] for topic, partitions in one.assignment], base64.b64encode(one.user_data).decode()]
            for name, one in assigned.items()
        }

    async def _follow(self) -> None:
        while not self._leaving:
            await self._changed_for_member.wait()
            self._changed_for_member.clear()
            plan = self._plan
            if plan is None or not self._synced:
                continue
            if self.id not in plan.members:
                await self._passed_over(plan)
            elif plan.phase == JOIN and plan.generation > self._joined:
                await self._give_up(plan.generation)
            elif plan.phase == STABLE and plan.generation == self._joined and plan.generation > self._applied:
                await self._take(plan)

    async def _obey(self) -> None:
        while not self._leaving:
            await self._changed_by_operator.wait()
            self._changed_by_operator.clear()
            await self.ask_for_a_new_generation()

    async def _give_up(self, generation: int) -> None:
        logger.info("generation %s: giving up partitions", generation)
        await self._worker.give_up()
        self._joined = generation
        await self._say()

    async def _passed_over(self, plan: Plan) -> None:
        """Others have our partitions: our lease ran out. It has been renewed by now, so the next generation counts us in."""
        if self._applied and plan.generation > self._applied and self._joined < plan.generation:
            await self._give_up(plan.generation)

    async def _take(self, plan: Plan) -> None:
        version, shares, meta = plan.shares[self.id]
        assignment = ConsumerProtocolMemberAssignment(version, [(topic, list(partitions)) for topic, partitions in shares], base64.b64decode(meta))
        self._app.assignor.on_assignment(assignment)
        assigned = {TP(topic, partition) for topic, partitions in shares for partition in partitions}
        self._applied = plan.generation
        logger.info("generation %s: %s partitions", plan.generation, len(assigned))
        try:
            await self._worker.take_over(assigned, plan.generation)
        except (NatsError, Fenced):
            await self.ask_for_a_new_generation()
            raise


class _Partitions:
    """The part of Kafka's cluster metadata that Faust's assignor asks for."""

    def __init__(self, counts: dict[str, int]) -> None:
        self._counts = counts

    def partitions_for_topic(self, topic: str) -> set[int]:
        return set(range(self._counts.get(topic, 0)))
