"""Claims on slots: epochs rise, whoever comes later sees who was there, and a higher epoch stays."""
from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from services.ingest.claims import Claims, Started
from services.ingest.slots import slot_of
from vonglau.broker import Broker, KeyValue
from vonglau.broker.topology import CLAIMS

pytestmark = pytest.mark.loopback


@pytest.fixture
def bucket(broker: Broker) -> KeyValue:
    return KeyValue(broker, CLAIMS)


def claims(bucket: KeyValue, node: str = "ingest-0", pool: str = "default") -> Claims:
    return Claims(bucket, pool, node, "127.0.0.1:1")


async def test_a_process_claims_a_slot_once_and_all_its_cameras_share_the_epoch(bucket: KeyValue) -> None:
    mine = claims(bucket)
    first, *others = await asyncio.gather(*(mine.claim("cam-1") for _ in range(5)))
    assert others == [first] * 4
    entry = await bucket.get(f"slot.default.{slot_of('cam-1')}")
    assert entry is not None
    assert entry.revision == first.epoch


async def test_the_epoch_of_every_later_process_is_higher(bucket: KeyValue) -> None:
    epochs = [(await claims(bucket).claim("cam-1")).epoch for _ in range(3)]
    assert epochs == sorted(set(epochs))
    assert epochs[0] > 1_700_000_000_000, "they begin at the clock, so that they never fall with a lost bucket"


async def test_the_past_is_inherited_from_the_same_node_or_from_nobody_known(bucket: KeyValue) -> None:
    assert (await claims(bucket).claim("cam-1")).is_inherited
    assert (await claims(bucket).claim("cam-1")).is_inherited
    assert not (await claims(bucket, "ingest-1").claim("cam-1")).is_inherited
    assert not (await claims(bucket).claim("cam-1")).is_inherited


async def test_of_many_processes_that_claim_at_once_each_has_its_own_epoch(bucket: KeyValue) -> None:
    found = await asyncio.gather(*(claims(bucket, f"ingest-{number}").claim("cam-1") for number in range(8)))
    assert len({each.epoch for each in found}) == 8


async def test_a_start_under_a_lower_epoch_does_not_hide_a_higher_one(bucket: KeyValue) -> None:
    mine, other = claims(bucket), claims(bucket, "ingest-1", "second-pool")
    await other.started("cam-1", 200, 1)
    await mine.started("cam-1", 100, 2)
    async with aclosing(mine.starts()) as starts:
        assert await anext(starts) == Started("cam-1", 200, "second-pool", "ingest-1", first_ns=1)


async def test_starts_are_seen_as_they_come_and_what_cannot_be_read_says_nothing(bucket: KeyValue) -> None:
    await bucket.put("started.cam-1", b"not json")
    await bucket.put("started.cam-2", b"[1]")
    mine = claims(bucket)
    await mine.started("cam-1", 5, 1)
    async with aclosing(mine.starts()) as starts:
        assert await anext(starts) == Started("cam-1", 5, "default", "ingest-0", first_ns=1)
        await claims(bucket, "ingest-1").started("cam-3", 9, 1)
        assert await anext(starts) == Started("cam-3", 9, "default", "ingest-1", first_ns=1)


async def test_a_holder_that_cannot_be_read_is_no_obstacle(bucket: KeyValue) -> None:
    await bucket.put(f"slot.default.{slot_of('cam-1')}", b"\xff")
    assert (await claims(bucket).claim("cam-1")).epoch > 0


async def test_a_node_learns_which_cameras_it_has_started_and_which_another_one_has_taken_from_it(bucket: KeyValue) -> None:
    mine, other = claims(bucket), claims(bucket, "ingest-1")
    for camera in ("cam-1", "cam-2"):
        await mine.started(camera, 100, 5)
    await other.started("cam-2", 200, 7)
    await other.started("cam-2", 300, 9)
    await other.started("cam-3", 200, 7)
    await bucket.put("started.cam-4", b"not json")
    found = sorted(await mine.starts_of_this_node())
    assert found == [Started("cam-1", 100, "default", "ingest-0", first_ns=5), Started("cam-2", 300, "default", "ingest-1", ("default", "ingest-0"), 9, 100, 5)]


async def test_a_start_that_another_version_has_noted_says_less(bucket: KeyValue) -> None:
    await bucket.put("started.cam-1", b'{"epoch": 3, "pool": "default", "node": "ingest-0", "before": ["", ""]}')
    assert await claims(bucket).starts_of_this_node() == [Started("cam-1", 3, "default", "ingest-0")]
