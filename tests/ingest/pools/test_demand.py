"""What a pool is said to need, and what a placement is made of."""
from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.claims import Started
from services.ingest.pools import Member, Report, SlotTable
from services.ingest.pools.census import Census
from services.ingest.pools.demand import demand
from services.ingest.pools.placement import Candidate, Load
from services.ingest.pools.selection import Selection
from services.ingest.pools.weighing import BITRATE_BPS, CAMERAS, USUAL_BITRATE_BPS, candidate, loads, recorded
from services.ingest.roster import Listed, Roster
from services.ingest.slots import SLOTS, slot_of
from vonglau.ingest.v1.service_pb2 import Demand, MemberCapacity, Pool, PoolSelector
from vonglau.registry.v1.events_pb2 import CAMERA_CLASS_TRAFFIC

NODES = ("ingest-0", "ingest-1")
POOLS = Selection({"north": Pool(name="north", generation=3, selector=PoolSelector(zones=["north"]))})


def listed(number: int, zone: str = "north", bitrate_bps: int = 0) -> Listed:
    return Listed(f"cam-{number}", "o-cho-dua", "rtsp://h/1", "", CAMERA_CLASS_TRAFFIC, 0, zone=zone, bitrate_bps=bitrate_bps)


def census(*cameras: Listed) -> Census:
    roster = Roster()
    roster.cameras = {each.camera: each for each in cameras}
    made = Census(roster, POOLS)
    for each in cameras:
        made.camera_changed(each.camera)
    return made


def table(**holders: str) -> SlotTable:
    """holders: node by camera, with _ for -; the other slots are the first node's."""
    every = [NODES[0]] * SLOTS
    for camera, node in holders.items():
        every[slot_of(camera.replace("_", "-"))] = node
    return SlotTable(1, tuple(every))


def member(node: str, **report: int) -> Member:
    return Member("north", node, "10.0.0.1:7070", 200, report=Report(**report))


def start(camera: str, node: str) -> dict[str, Started]:
    return {camera: Started(camera, 1, "north", node)}


def asked(cameras: Census, held: SlotTable, *members: Member, started: Mapping[str, Started] | None = None) -> Demand:
    return demand("north", cameras, held, members, started or {})


def test_cameras_count_for_whom_the_table_names() -> None:
    found = asked(census(listed(1), listed(2), listed(3, zone="south")), table(cam_2="ingest-1"), member("ingest-1", spool_bytes=9), member("ingest-0"))
    assert (found.generation, found.cameras, found.unassigned, found.unselected_cameras) == (3, 2, 0, 1)
    assert [(each.name, each.slots, each.cameras, each.spool_bytes) for each in found.members] == [("ingest-0", 1, 1, 0), ("ingest-1", 1, 1, 9)]


def test_whom_no_living_member_has_and_who_finds_no_room_is_unassigned() -> None:
    held = table(cam_2="ingest-1", cam_3="")
    assert asked(census(listed(1), listed(2), listed(3)), held, member("ingest-0")).unassigned == 2
    assert asked(census(listed(1)), held, member("ingest-0", withheld=1)).unassigned == 1


def test_a_slot_moves_while_a_living_member_other_than_its_holder_records_it() -> None:
    one, both, held = census(listed(1)), (member("ingest-0"), member("ingest-1")), table(cam_1="ingest-1")
    assert asked(one, held, *both, started=start("cam-1", "ingest-0")).moving_slots == 1
    assert asked(one, held, *both, started=start("cam-1", "ingest-1")).moving_slots == 0
    assert asked(one, held, member("ingest-1"), started=start("cam-1", "ingest-0")).moving_slots == 0, "the dead do not hand over"
    assert asked(one, held, *both).moving_slots == 0


def test_the_bitrate_is_measured_where_it_can_be_and_expected_elsewhere() -> None:
    two = census(listed(1, bitrate_bps=2_000_000), listed(2))
    assert asked(two, table(), member("ingest-0")).bitrate_bps == 2_000_000 + USUAL_BITRATE_BPS
    assert asked(two, table(), member("ingest-0", recording=1, bitrate_bps=5_000_000)).bitrate_bps == 5_000_000 + (2_000_000 + USUAL_BITRATE_BPS) // 2
    assert asked(two, table(), member("ingest-0", recording=2, bitrate_bps=5_000_000)).bitrate_bps == 5_000_000
    assert asked(two, table(), member("ingest-0", recording=3)).recording == 2, "a camera on the move is counted once"
    assert asked(census(), table()).bitrate_bps == 0


@given(st.lists(st.tuples(st.integers(0, 9999), st.sampled_from([0, 1_000_000, 9_000_000])), unique_by=lambda each: each[0], max_size=40))
@settings(max_examples=25)
def test_slots_together_carry_what_the_cameras_do(cameras: list[tuple[int, int]]) -> None:
    every = [listed(number, bitrate_bps=bitrate) for number, bitrate in cameras]
    carried = loads(every).values()
    assert sum(load.cameras for load in carried) == len(every)
    assert sum(load.bitrate_bps for load in carried) == sum(each.bitrate_bps or USUAL_BITRATE_BPS for each in every)


def test_a_move_costs_what_is_recorded_where_the_table_says() -> None:
    started = start("cam-1", "ingest-0") | start("cam-2", "ingest-1")
    every = [listed(1), listed(2), listed(3)]
    assert recorded(every, started, table().holders) == Counter({slot_of("cam-1"): 1})
    assert recorded(every, started, table(cam_1="ingest-1").holders) == Counter()


@pytest.mark.parametrize(
    ("capacity", "most", "bound"),
    [
        (MemberCapacity(), 1000, Load(CAMERAS, BITRATE_BPS)),
        (MemberCapacity(cameras=500, bitrate_bps=9), 1000, Load(500, 9)),
        (MemberCapacity(cameras=500), 30, Load(30, BITRATE_BPS)),
    ],
)
def test_a_member_carries_no_more_than_its_pool_and_itself_allow(capacity: MemberCapacity, most: int, bound: Load) -> None:
    leaving = replace(member("ingest-0"), most=most, is_leaving=True)
    assert candidate(leaving, Pool(name="north", capacity=capacity)) == Candidate("ingest-0", bound, is_leaving=True)
