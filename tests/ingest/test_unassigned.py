"""Time of cameras that nobody can record: told by one process, with its cause, from where it is accounted for to where somebody has the camera."""
from __future__ import annotations

import pytest

from services.ingest.pools import Assignment
from services.ingest.pools.selection import Selection
from services.ingest.roster import Listed, Roster
from services.ingest.unassigned import PATIENCE_S, Unassigned, live_pools
from tests.ingest.pools.conftest import Bucket
from vonglau.broker import Entry
from vonglau.errors import Unavailable
from vonglau.ingest.v1.events_pb2 import GAP_CAUSE_SOURCE_SILENT, GAP_CAUSE_UNASSIGNED, InterruptionObserved, SegmentRecorded
from vonglau.ingest.v1.service_pb2 import Pool, PoolSelector
from vonglau.registry.v1.events_pb2 import CAMERA_CLASS_TRAFFIC
from vonglau.testing.clock import SettableClock

SECOND = 1_000_000_000
BEGIN = SettableClock().now_ns() - 3600 * SECOND
NORTH = Pool(name="north", selector=PoolSelector(zones=["north"]))
SOUTH = Pool(name="south", selector=PoolSelector(zones=["south"]))


class Facts:
    """The newest ones."""

    def __init__(self) -> None:
        self.known: dict[str, bytes] = {}
        self.is_away = False

    async def newest(self, kind: str, key: str) -> bytes | None:
        if self.is_away:
            raise Unavailable("LOG_UNAVAILABLE", "away")
        return self.known.get(kind)


class City:
    """cam-1 stands in the south; a process of the pool `north` looks."""

    def __init__(self) -> None:
        self.clock, self.facts, self.told = SettableClock(), Facts(), list[InterruptionObserved]()
        self.roster = Roster()
        self.assignment = Assignment("north", "ingest-0", self.roster)
        self.unassigned = self.another()
        self.stands(Listed("cam-1", "police", "rtsp://10.0.0.1/main", "", CAMERA_CLASS_TRAFFIC, BEGIN, zone="south"))
        self.pools(NORTH)

    def another(self) -> Unassigned:
        return Unassigned(self.assignment, self.facts, self.told.append, self.clock)

    def stands(self, listed: Listed) -> None:
        self.roster.cameras[listed.camera] = listed
        self.assignment.camera_changed(listed.camera)

    def pools(self, *pools: Pool) -> None:
        self.assignment.pools_changed(Selection({pool.name: pool for pool in pools}))

    async def passes(self, seconds: float = PATIENCE_S, live: tuple[str, ...] = ("north",)) -> None:
        await self.unassigned.look(set(live))
        self.clock.advance(seconds)
        await self.unassigned.look(set(live))


@pytest.fixture
def city() -> City:
    return City()


async def test_a_camera_that_no_pool_selects_is_told_once_from_when_it_was_meant(city: City) -> None:
    await city.passes()
    await city.passes()
    (told,) = city.told
    assert (told.camera, told.owner, told.epoch, told.cause, told.begun_ns, told.ended_ns) == ("cam-1", "police", 0, GAP_CAUSE_UNASSIGNED, BEGIN, 0)
    assert "no pool selects it" in told.detail


async def test_a_camera_whose_pool_has_no_process_is_told_with_the_pools_name(city: City) -> None:
    city.pools(NORTH, SOUTH)
    await city.passes()
    assert [(told.begun_ns, told.detail) for told in city.told] == [(BEGIN, "its pool south has no process")]


async def test_a_pool_whose_process_is_soon_back_tells_that_time_itself(city: City) -> None:
    city.pools(NORTH, SOUTH)
    await city.passes(PATIENCE_S - 1)
    await city.passes(PATIENCE_S - 1, live=("north", "south"))
    await city.passes(PATIENCE_S - 1)
    assert city.told == []


async def test_what_was_recorded_before_comes_first(city: City) -> None:
    city.facts.known["segment"] = SegmentRecorded(camera="cam-1", end_ns=BEGIN + 600 * SECOND).SerializeToString()
    await city.passes()
    assert [told.begun_ns for told in city.told] == [BEGIN + 600 * SECOND]


async def test_a_cause_that_was_told_to_its_end_comes_first(city: City) -> None:
    silent = InterruptionObserved(cause=GAP_CAUSE_SOURCE_SILENT, epoch=7, begun_ns=BEGIN, ended_ns=BEGIN + 900 * SECOND)
    city.facts.known["interruption"] = silent.SerializeToString()
    await city.passes()
    assert [told.begun_ns for told in city.told] == [BEGIN + 900 * SECOND]


async def test_a_cause_that_still_lasts_counts_until_it_was_known_that_nobody_has_the_camera(city: City) -> None:
    city.facts.known["interruption"] = InterruptionObserved(cause=GAP_CAUSE_SOURCE_SILENT, epoch=7, begun_ns=BEGIN).SerializeToString()
    known = city.clock.now_ns()
    await city.passes()
    assert [told.begun_ns for told in city.told] == [known]


@pytest.mark.parametrize("how", ["a pool selects it", "it is retired", "it is suspended"])
async def test_it_ends_when_somebody_can_have_the_camera_or_nobody_has_to(city: City, how: str) -> None:
    await city.passes()
    if how == "a pool selects it":
        city.pools(NORTH, SOUTH)
    elif how == "it is retired":
        del city.roster.cameras["cam-1"]
        city.assignment.camera_changed("cam-1")
    else:
        city.stands(Listed("cam-1", "police", "rtsp://10.0.0.1/main", "", CAMERA_CLASS_TRAFFIC, BEGIN, is_meant=False, zone="south"))
    await city.unassigned.look({"north", "south"})
    begun, ended = city.told
    assert (ended.epoch, ended.begun_ns, ended.ended_ns) == (begun.epoch, begun.begun_ns, city.clock.now_ns())


async def test_who_takes_over_goes_on_with_what_the_one_before_has_told(city: City) -> None:
    await city.passes()
    city.facts.known["interruption"] = city.told[0].SerializeToString()
    city.unassigned = city.another()
    await city.passes()
    assert len(city.told) == 1
    city.pools(NORTH, SOUTH)
    await city.unassigned.look({"north", "south"})
    assert [(told.begun_ns, bool(told.ended_ns)) for told in city.told] == [(BEGIN, False), (BEGIN, True)]


async def test_what_was_told_before_the_camera_was_recorded_again_is_no_beginning(city: City) -> None:
    old = InterruptionObserved(cause=GAP_CAUSE_UNASSIGNED, begun_ns=BEGIN)
    city.facts.known |= {"interruption": old.SerializeToString(), "segment": SegmentRecorded(end_ns=BEGIN + 600 * SECOND).SerializeToString()}
    await city.passes()
    assert [told.begun_ns for told in city.told] == [city.clock.now_ns() - round(PATIENCE_S * SECOND)]


async def test_while_the_log_is_away_nothing_is_told_and_afterwards_it_is(city: City) -> None:
    city.facts.is_away = True
    with pytest.raises(Unavailable):
        await city.passes()
    assert city.told == []
    city.facts.is_away = False
    await city.unassigned.look({"north"})
    assert [told.begun_ns for told in city.told] == [BEGIN]


async def test_a_pool_lives_as_long_as_one_of_its_members() -> None:
    bucket = Bucket()
    bucket.watched = [Entry("member.north.a", b"{}", 1), Entry("member.south.a", None, 2), Entry("member.west.b", b"{}", 3), None]
    assert await live_pools(bucket) == {"north", "west"}  # type: ignore[arg-type]
