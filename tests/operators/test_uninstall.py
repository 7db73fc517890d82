"""The end of an installation: pools go first, within a time, or it is said which did not and why."""
from __future__ import annotations

import asyncio
import logging

import pytest

from operators.ingest_fleet.uninstall import end_pools
from tests.operators.conftest import FakeCluster, World, body
from vonglau.errors import Refused, Unavailable
from vonglau.testing.clock import SettableClock

QUICK_S = 0.001


class Ending(FakeCluster):
    """Its pools go after so many looks, as if an operator emptied them; each look takes a second."""

    def __init__(self, clock: SettableClock, looks: int, *names: str) -> None:
        super().__init__(*(body(each) for each in names))
        self.clock, self.looks, self.seen = clock, looks, 0

    async def pools(self, labels: object = None) -> list[dict[str, object]]:
        self.clock.advance(1)
        self.seen += 1
        if self.seen > self.looks:
            self.bodies = {name: each for name, each in self.bodies.items() if "deletionTimestamp" not in each["metadata"]}
        return await super().pools()


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


async def test_every_pool_is_ended_and_waited_for(clock: SettableClock) -> None:
    cluster = Ending(clock, 5, "aaa", "by-hand")
    await end_pools(cluster, clock, 60, QUICK_S)
    assert cluster.bodies == {}
    assert cluster.seen == 6


async def test_a_pool_that_is_declared_meanwhile_is_ended_too(clock: SettableClock) -> None:
    cluster = Ending(clock, 2, "aaa")
    ending = asyncio.create_task(end_pools(cluster, clock, 3600, QUICK_S))
    cluster.bodies["late"] = body("late")
    await ending
    assert cluster.bodies == {}


async def test_what_is_left_after_its_time_is_said_pool_by_pool(clock: SettableClock, world: World) -> None:
    world.needs(40)
    await world.turn()
    cluster = Ending(clock, 1000, "other")
    world.cluster.bodies["default"]["metadata"]["deletionTimestamp"] = "now"
    for _ in range(2):
        await world.turn()
    cluster.bodies |= world.cluster.bodies
    with pytest.raises(Refused, match=r"after 20 s .*other: not looked at yet; default: .*spools 0, 1 are being uploaded.*--no-hooks") as told:
        await end_pools(cluster, clock, 20, QUICK_S)
    assert told.value.reason == "POOLS_LEFT"
    assert 20 <= cluster.seen <= 22


async def test_an_api_server_that_is_away_is_waited_for_and_then_said(clock: SettableClock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    cluster = Ending(clock, 0, "aaa")
    cluster.failure = Unavailable("KUBERNETES_UNREACHABLE", "the API server does not answer: timed out")
    with pytest.raises(Refused, match="does not answer: timed out"):
        await end_pools(cluster, clock, 5, QUICK_S)
    cluster.failure = None
    await end_pools(cluster, clock, 5, QUICK_S)
    assert cluster.bodies == {}
