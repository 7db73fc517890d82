"""Pools as somebody declares them: whole, by compare-and-set, and followed."""
from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.json_format import MessageToJson

from services.ingest.pools.declared import DEFAULT, Declared
from services.ingest.pools.selection import Selection
from vonglau.broker import Entry
from vonglau.errors import Invalid
from vonglau.ingest.v1.service_pb2 import MemberCapacity, Pool, PoolSelector


def written(pool: Pool) -> bytes:
    return MessageToJson(pool).encode()


async def followed(bucket: Any) -> list[list[str]]:
    """The names of the pools, each time that something is told."""
    told: list[Selection] = []
    await Declared(bucket).follow(told.append)
    return [list(selection.pools) for selection in told]


async def test_every_change_of_a_pool_raises_its_generation_and_the_same_again_none(bucket: Any) -> None:
    declared = Declared(bucket)
    north = Pool(name="north", selector=PoolSelector(zones=["north"]))
    assert [(await declared.put(pool)).generation for pool in (north, north, Pool(name="north"), north)] == [1, 1, 2, 3]
    assert north.generation == 0, "what the caller holds is not changed"


async def test_of_two_that_declare_a_pool_at_once_the_later_one_goes_on_from_the_other(bucket: Any) -> None:
    bucket.rivals.append(written(Pool(name="north", generation=4)))
    stands = await Declared(bucket).put(Pool(name="north", capacity=MemberCapacity(cameras=20)))
    assert (stands.generation, stands.capacity.cameras) == (5, 20)


async def test_a_pool_that_was_deleted_begins_anew(bucket: Any) -> None:
    declared = Declared(bucket)
    await declared.put(Pool(name="north"))
    await declared.delete("north")
    assert (await declared.put(Pool(name="north"))).generation == 1


@pytest.mark.parametrize(
    ("pool", "reason"),
    [
        (Pool(name="A B"), "ID_MALFORMED"),
        (Pool(name="north", capacity=MemberCapacity(cameras=-1)), "CAPACITY_NEGATIVE"),
        (Pool(name="north", capacity=MemberCapacity(bitrate_bps=-1)), "CAPACITY_NEGATIVE"),
        (Pool(name="north", selector=PoolSelector(owners=["A b"])), "ID_MALFORMED"),
        (Pool(name="north", selector=PoolSelector(sites=["cabinet-1", ""])), "ID_MALFORMED"),
        (Pool(name="north", selector=PoolSelector(zones=[f"zone-{number}" for number in range(1001)])), "SELECTOR_TOO_LONG"),
        (Pool(name="north", pins={4096: "ingest-0"}), "PIN_IMPOSSIBLE"),
        (Pool(name="north", pins={4095: "A B"}), "ID_MALFORMED"),
    ],
)
async def test_a_pool_of_no_sense_is_refused(bucket: Any, pool: Pool, reason: str) -> None:
    with pytest.raises(Invalid) as refused:
        await Declared(bucket).put(pool)
    assert refused.value.reason == reason


async def test_where_nobody_has_declared_a_pool_one_has_every_camera(bucket: Any) -> None:
    bucket.watched = [None]
    assert await followed(bucket) == [[DEFAULT]]


async def test_nothing_is_told_before_all_that_was_there_is_known(bucket: Any) -> None:
    bucket.watched = [Entry("south", written(Pool(name="south")), 1), Entry("north", written(Pool(name="north")), 2), None, Entry("south", None, 3)]
    assert await followed(bucket) == [["north", "south"], ["north"]]


async def test_a_pool_that_cannot_be_read_stays_as_it_was_known(bucket: Any, caplog: pytest.LogCaptureFixture) -> None:
    bucket.watched = [Entry("north", written(Pool(name="north", generation=7)), 1), None, Entry("north", b"{", 2)]
    told: list[Selection] = []
    await Declared(bucket).follow(told.append)
    assert [selection.pools["north"].generation for selection in told] == [7, 7]
    assert "the pool north can't be read" in caplog.text


async def test_after_the_last_declared_pool_every_camera_is_in_one_again(bucket: Any) -> None:
    bucket.watched = [Entry("north", written(Pool(name="north")), 1), None, Entry("north", None, 2)]
    assert await followed(bucket) == [["north"], [DEFAULT]]
