"""One of several replicas does the job, on a real server: renewed, lost, taken over, fenced."""
from __future__ import annotations

import asyncio
import contextlib
import time

import pytest

from vonglau.broker import Broker, KeyValue, NatsServer, connect
from vonglau.errors import LostRace, Unavailable
from vonglau.leases import BUCKET, SAFE, Hold, Lease, LeaseLost
from vonglau.testing.waiting import eventually

pytestmark = pytest.mark.loopback


@pytest.fixture
def first(broker: Broker) -> Lease:
    return Lease(broker, "job", ttl_s=1)


@pytest.fixture
def second(broker: Broker) -> Lease:
    return Lease(broker, "job", ttl_s=1)


async def hold_for_ever(lease: Lease, holds: list[Hold]) -> None:
    async with lease.held() as hold:
        holds.append(hold)
        await asyncio.Event().wait()


async def crash(holding: asyncio.Task[None], lease: Lease) -> None:
    """End without giving the lease up, as a killed process does."""
    async def nothing(revision: int) -> None:
        pass

    lease.give_up = nothing  # type: ignore[method-assign]
    holding.cancel()
    await asyncio.gather(holding, return_exceptions=True)


async def test_a_free_lease_is_held_at_once_and_given_up_at_the_end(broker: Broker) -> None:
    """Nobody waits for the end of its time, which is longer than this test may take."""
    async with asyncio.timeout(20), Lease(broker, "job", ttl_s=60).held() as one:
        assert one.is_safe
    async with asyncio.timeout(20), Lease(broker, "job", ttl_s=60).held() as two:
        assert two.token > one.token


async def test_two_never_hold_it_at_once(broker: Broker) -> None:
    inside = 0

    async def work(lease: Lease) -> None:
        nonlocal inside
        async with lease.held():
            inside += 1
            assert inside == 1
            await asyncio.sleep(0.01)
            assert inside == 1
            inside -= 1

    await asyncio.wait_for(asyncio.gather(*(work(Lease(broker, "job", ttl_s=1)) for _ in range(5))), 20)


async def test_a_holder_renews_for_longer_than_the_time_to_live(first: Lease, second: Lease) -> None:
    async with first.held() as hold:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2.2), second.held():
                pytest.fail("it was held by another")
        assert hold.is_safe


async def test_the_lease_of_a_dead_holder_is_taken_over_after_its_time(first: Lease, second: Lease) -> None:
    holds: list[Hold] = []
    holding = asyncio.create_task(hold_for_ever(first, holds))
    await eventually(lambda: holds)
    await crash(holding, first)
    died_at = time.monotonic()
    async with asyncio.timeout(5), second.held() as hold:
        assert time.monotonic() - died_at > 0.5
        assert hold.token > holds[0].token


async def test_a_lease_is_taken_again_long_after_its_marker_is_gone(broker: Broker, first: Lease, second: Lease) -> None:
    holds: list[Hold] = []
    holding = asyncio.create_task(hold_for_ever(first, holds))
    await eventually(lambda: holds)
    await crash(holding, first)

    async def is_empty() -> bool:
        return bool((await broker.js.stream_info(f"KV_{BUCKET}")).state.messages == 0)

    await eventually(is_empty)
    async with asyncio.timeout(10), second.held() as hold:
        assert hold.token > holds[0].token


async def test_a_job_whose_lease_was_taken_away_is_stopped_and_told(broker: Broker, first: Lease) -> None:
    holds: list[Hold] = []
    holding = asyncio.create_task(hold_for_ever(first, holds))
    await eventually(lambda: holds)
    await KeyValue(broker, BUCKET).put("job", b"another holder")
    with pytest.raises(LeaseLost):
        await asyncio.wait_for(holding, 5)
    assert not holds[0].is_safe


async def test_a_job_that_loses_the_first_cancellation_is_stopped_all_the_same(broker: Broker, first: Lease) -> None:
    async def deaf() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        await asyncio.Event().wait()

    async def job() -> None:
        async with first.held():
            await KeyValue(broker, BUCKET).put("job", b'"another"')
            await deaf()

    async with asyncio.timeout(10):
        with pytest.raises(LeaseLost):
            await job()


async def test_a_job_that_ends_by_itself_is_not_told_of_a_loss(first: Lease) -> None:
    with pytest.raises(ZeroDivisionError):
        async with first.held():
            raise ZeroDivisionError


async def test_a_job_that_is_cancelled_from_outside_stays_cancelled_and_gives_its_lease_up(broker: Broker) -> None:
    holds: list[Hold] = []
    holding = asyncio.create_task(hold_for_ever(Lease(broker, "job", ttl_s=60), holds))
    await eventually(lambda: holds)
    holding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await holding
    async with asyncio.timeout(20), Lease(broker, "job", ttl_s=60).held():
        pass


async def test_without_the_server_the_job_stops_before_its_lease_ends(nats_server: NatsServer, broker: Broker, first: Lease) -> None:
    holds: list[Hold] = []
    holding = asyncio.create_task(hold_for_ever(first, holds))
    await eventually(lambda: holds)
    await nats_server.kill()
    with pytest.raises(LeaseLost):
        await asyncio.wait_for(holding, 5)
    assert not holds[0].is_safe
    assert SAFE < 1, "of the lease's time; the rest is for stopping"
    await nats_server.start()
    await eventually(lambda: broker.connections > 1)


async def test_a_short_absence_of_the_server_loses_nothing(nats_server: NatsServer, broker: Broker) -> None:
    async with Lease(broker, "job", ttl_s=5).held() as hold:
        await nats_server.kill()
        await nats_server.start()
        revision = hold._revision
        await eventually(lambda: hold._revision > revision)
        assert hold.is_safe


async def test_a_renewal_whose_acknowledgement_was_lost_is_recognised(first: Lease, monkeypatch: pytest.MonkeyPatch) -> None:
    async with first.held() as hold:
        write = first.write
        lost: list[int] = []

        async def deaf(expected: int) -> int:
            revision = await write(expected)
            if not lost:
                lost.append(revision)
                raise Unavailable("LOG_UNAVAILABLE", "no acknowledgement came")
            return revision

        monkeypatch.setattr(first, "write", deaf)
        await eventually(lambda: lost and hold._revision > lost[0])
        assert hold.is_safe


async def test_an_overtaken_holder_cannot_write(broker: Broker, first: Lease) -> None:
    revision = await first.take()
    assert revision is not None
    await KeyValue(broker, BUCKET).put("job", b"another holder")
    with pytest.raises(LostRace):
        await first.write(revision)


async def test_a_lease_waits_for_a_server_that_comes_later(nats_server: NatsServer, first: Lease) -> None:
    await nats_server.kill()
    holds: list[Hold] = []
    holding = asyncio.create_task(hold_for_ever(first, holds))
    await asyncio.sleep(0)
    await nats_server.start()
    await eventually(lambda: holds)
    holding.cancel()
    await asyncio.gather(holding, return_exceptions=True)


async def test_leases_of_other_names_are_independent(broker: Broker) -> None:
    async with asyncio.timeout(20), Lease(broker, "job", ttl_s=60).held(), Lease(broker, "other", ttl_s=60).held():
        pass


async def test_a_second_connection_sees_the_same_lease(nats_server: NatsServer, first: Lease) -> None:
    async with first.held(), connect(nats_server.url, name="other", within=5) as other:
        assert await Lease(other, "job", ttl_s=1).take() is None
