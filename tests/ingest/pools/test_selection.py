"""Which pool has a camera, as pools and cameras change."""
from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.pools.assignment import HERE, STARTING, UNSELECTED, Assignment
from services.ingest.pools.census import Census
from services.ingest.pools.selection import Selection, Where, selects
from services.ingest.pools.table import SlotTable
from services.ingest.roster import Listed, Roster
from services.ingest.slots import SLOTS, slot_of
from vonglau.ingest.v1.service_pb2 import Pool, PoolSelector
from vonglau.registry.v1.events_pb2 import CAMERA_CLASS_TRAFFIC

WARD = Listed("cam-1", "o-cho-dua", "rtsp://h/1", "", CAMERA_CLASS_TRAFFIC, 0, site="cabinet-1", zone="north")


def pool(name: str, owners: tuple[str, ...] = (), sites: tuple[str, ...] = (), zones: tuple[str, ...] = ()) -> Pool:
    return Pool(name=name, selector=PoolSelector(owners=owners, sites=sites, zones=zones))


def selection(*pools: Pool) -> Selection:
    return Selection({each.name: each for each in pools})


def roster(*cameras: Listed) -> Roster:
    made = Roster()
    made.cameras = {each.camera: each for each in cameras}
    return made


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        (PoolSelector(), True),
        (PoolSelector(owners=["o-cho-dua", "tay-ho"]), True),
        (PoolSelector(owners=["tay-ho"]), False),
        (PoolSelector(owners=["o-cho-dua"], zones=["north"]), True),
        (PoolSelector(owners=["o-cho-dua"], zones=["south"]), False),
        (PoolSelector(sites=["cabinet-1"]), True),
    ],
)
def test_each_list_that_is_not_empty_names_the_camera(selector: PoolSelector, expected: bool) -> None:
    assert selects(selector, Where("o-cho-dua", "cabinet-1", "north")) is expected


def test_of_several_pools_the_first_by_name_has_the_camera_and_the_others_tell() -> None:
    census = Census(roster(WARD), selection(pool("pool-b"), pool("pool-a", owners=("o-cho-dua",)), pool("pool-c", owners=("tay-ho",))))
    census.camera_changed("cam-1")
    assert census.pool_of("cam-1") == "pool-a"
    assert census.overlapped_by("pool-a") == {"pool-b"}
    assert [census.overlapping(name) for name in ("pool-a", "pool-b", "pool-c")] == [0, 1, 0]


def test_a_camera_follows_its_place_and_leaves_no_trace_when_it_is_retired() -> None:
    cameras = roster(WARD)
    census = Census(cameras, selection(pool("north", zones=("north",)), pool("south", zones=("south",))))
    census.camera_changed("cam-1")
    cameras.cameras["cam-1"] = replace(WARD, zone="south")
    census.camera_changed("cam-1")
    assert ([*census.cameras("north")], [each.camera for each in census.cameras("south")]) == ([], ["cam-1"])
    cameras.cameras["cam-1"] = replace(WARD, zone="east")
    census.camera_changed("cam-1")
    assert [each.camera for each in census.cameras("")] == ["cam-1"]
    cameras.cameras.clear()
    census.camera_changed("cam-1")
    assert [*census.cameras("")] == []


def test_suspended_cameras_are_in_no_pool() -> None:
    census = Census(roster(replace(WARD, is_meant=False)), selection(pool("all")))
    census.camera_changed("cam-1")
    assert [*census.cameras("all")] == []


def test_a_change_of_the_pools_names_the_cameras_that_it_moves() -> None:
    census = Census(roster(WARD, replace(WARD, camera="cam-2", zone="south")), selection(pool("all")))
    for camera in ("cam-1", "cam-2"):
        census.camera_changed(camera)
    assert census.pools_changed(selection(pool("all"), pool("a-south", zones=("south",)))) == {"cam-2"}
    assert census.pools_changed(selection()) == {"cam-1", "cam-2"}


@given(st.lists(st.tuples(st.integers(0, 60), st.sampled_from(["north", "south", "east", ""])), max_size=120), st.sets(st.integers(0, SLOTS - 1)))
def test_whatever_happens_to_cameras_those_in_some_slots_are_those_of_the_pool_whose_slot_it_is(changes: list[tuple[int, str]], chance: set[int]) -> None:
    cameras = roster()
    census = Census(cameras, selection(pool("north", zones=("north",)), pool("south", zones=("south",))))
    for number, zone in changes:  # an empty zone: it is retired
        camera = f"cam-{number}"
        if zone:
            cameras.cameras[camera] = replace(WARD, camera=camera, zone=zone)
        else:
            cameras.cameras.pop(camera, None)
        census.camera_changed(camera)
    slots = chance | {slot_of(f"cam-{number}") for number in range(0, 60, 2)}
    for name in ("north", "south", ""):
        assert census.cameras_in(name, slots) == {each.camera for each in census.cameras(name) if slot_of(each.camera) in slots}
    assert {each.camera for name in ("north", "south", "") for each in census.cameras(name)} == set(cameras.cameras)


def table(revision: int, holder: str) -> SlotTable:
    return SlotTable(revision, (holder,) * SLOTS)


def test_a_process_waits_for_pools_and_table_before_it_says_where_a_camera_belongs() -> None:
    told: list[str] = []
    mine = Assignment("north", "ingest-0", roster(WARD))
    mine.serve(told.append)
    mine.camera_changed("cam-1")
    assert mine.place(WARD) == STARTING
    mine.pools_changed(selection(pool("north")))
    assert mine.place(WARD) == STARTING
    told.clear()
    mine.table_changed(table(1, "ingest-0"))
    assert (mine.place(WARD), told) == (HERE, ["cam-1"])


def test_a_table_tells_the_cameras_of_the_slots_that_it_moves_and_no_other() -> None:
    told: list[str] = []
    other = replace(WARD, camera="cam-2")
    mine = Assignment("north", "ingest-0", roster(WARD, other))
    mine.serve(told.append)
    mine.pools_changed(selection(pool("north")))
    for camera in ("cam-1", "cam-2"):
        mine.camera_changed(camera)
    mine.table_changed(table(1, "ingest-0"))
    told.clear()
    holders = ["ingest-0"] * SLOTS
    holders[slot_of("cam-2")] = "ingest-1"
    mine.table_changed(SlotTable(2, tuple(holders)))
    assert told == ["cam-2"]
    assert (mine.place(other).is_here, mine.place(other).why) == (False, "ingest-1 records it")


def test_why_a_camera_is_not_recorded_here_is_said() -> None:
    mine = Assignment("north", "ingest-0", roster(WARD))
    mine.pools_changed(selection(pool("north", zones=("north",)), pool("south", zones=("south",))))
    mine.table_changed(table(1, ""))
    for camera, zone, why in (("cam-1", "north", "no process"), ("cam-2", "south", "the pool south"), ("cam-3", "east", "no pool selects it")):
        listed = replace(WARD, camera=camera, zone=zone)
        mine.census._roster.cameras[camera] = listed
        mine.camera_changed(camera)
        assert why in mine.place(listed).why
    assert mine.place(replace(WARD, camera="cam-3", zone="east")) == UNSELECTED
