"""What a process tells of the cameras: those of the whole city that are meant to be recorded, and its own that are."""
from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from services.ingest.gauges import observe
from services.ingest.pools import Assignment
from services.ingest.pools.selection import Selection
from services.ingest.roster import Listed, Roster
from services.ingest.session import State
from vonglau.ingest.v1.service_pb2 import Pool, PoolSelector
from vonglau.registry.v1.events_pb2 import CAMERA_CLASS_TRAFFIC
from vonglau.telemetry import names
from vonglau.testing.clock import SettableClock

SECOND = 1_000_000_000
NORTH = Pool(name="north", selector=PoolSelector(zones=["north"]))
SOUTH = Pool(name="south", selector=PoolSelector(zones=["south"]))


class City:
    """cam-1 and cam-2 stand in the north, cam-3 in the south; this process is of the pool `north` and records nothing yet."""

    def __init__(self) -> None:
        self.clock, self.knows_cameras = SettableClock(), True
        self.roster = Roster()
        self.assignment = Assignment("north", "ingest-0", self.roster)
        self.on_air: dict[str, Any] = {}
        for camera, zone in (("cam-1", "north"), ("cam-2", "north"), ("cam-3", "south")):
            self.stands(camera, zone)
        station = SimpleNamespace(
            assignment=self.assignment, on_air=self.on_air, off_air={}, plane=SimpleNamespace(clock=self.clock), clock_offsets=dict[str, Any]
        )
        observe(cast(Any, station), cast(Any, SimpleNamespace(bounds=SimpleNamespace(used=0))), SECOND, lambda: self.knows_cameras)

    def stands(self, camera: str, zone: str, *, is_meant: bool = True) -> None:
        self.roster.cameras[camera] = Listed(camera, "police", "rtsp://10.0.0.1/main", "", CAMERA_CLASS_TRAFFIC, 0, zone=zone, is_meant=is_meant)
        self.assignment.camera_changed(camera)

    def goes(self, camera: str) -> None:
        del self.roster.cameras[camera]
        self.assignment.camera_changed(camera)

    def pools(self, *pools: Pool) -> None:
        self.assignment.pools_changed(Selection({pool.name: pool for pool in pools}))

    def records(self, camera: str, until_ns: int | None) -> None:
        status = SimpleNamespace(recorded_until_ns=until_ns, state=State.RECORDING, bitrate=1)
        self.on_air[camera] = SimpleNamespace(
            session=SimpleNamespace(status=lambda: status), listed=SimpleNamespace(camera_class=CAMERA_CLASS_TRAFFIC), audience=()
        )


@pytest.fixture
def city(exported: Any) -> City:  # telemetry first: gauges are made where it is on
    return City()


def test_what_is_meant_to_be_recorded_are_the_cameras_of_all_pools_and_of_none(city: City, exported: Any) -> None:
    city.pools(NORTH)
    assert exported.value(names.CAMERAS_MEANT.name) == 3
    assert exported.value(names.CAMERAS_UNSELECTED.name) == 1
    city.pools(NORTH, SOUTH)
    assert exported.value(names.CAMERAS_MEANT.name) == 3
    assert exported.value(names.CAMERAS_UNSELECTED.name) == 0


def test_a_camera_that_is_suspended_or_retired_is_meant_no_longer(city: City, exported: Any) -> None:
    city.pools(NORTH)
    city.stands("cam-1", "north", is_meant=False)
    city.goes("cam-3")
    assert exported.value(names.CAMERAS_MEANT.name) == 1
    assert exported.value(names.CAMERAS_UNSELECTED.name) == 0


def test_a_camera_whose_place_is_changed_out_of_all_pools_is_meant_and_unselected(city: City, exported: Any) -> None:
    city.pools(NORTH, SOUTH)
    city.stands("cam-1", "nowhere")
    assert exported.value(names.CAMERAS_MEANT.name) == 3
    assert exported.value(names.CAMERAS_UNSELECTED.name) == 1


def test_a_process_that_does_not_know_all_cameras_yet_says_no_number(city: City, exported: Any) -> None:
    city.pools(NORTH)
    city.knows_cameras = False
    assert exported.value(names.CAMERAS_MEANT.name) is None
    assert exported.value(names.CAMERAS_UNSELECTED.name) is None


def test_before_it_has_read_which_pools_there_are_no_camera_counts_as_unselected(city: City, exported: Any) -> None:
    assert exported.value(names.CAMERAS_MEANT.name) == 3
    assert exported.value(names.CAMERAS_UNSELECTED.name) is None


def test_a_camera_is_recorded_that_has_media_in_the_last_60_s_whatever_its_session_says(city: City, exported: Any) -> None:
    now_ns = city.clock.now_ns()
    city.records("cam-1", now_ns - 59 * SECOND)
    city.records("cam-2", now_ns - 60 * SECOND)
    city.records("cam-3", None)
    assert exported.value(names.CAMERAS_RECORDED.name) == 1


def test_the_citys_numbers_are_one_point_each(city: City, exported: Any) -> None:
    city.pools(NORTH)
    city.records("cam-1", city.clock.now_ns())
    for metric in (names.CAMERAS_MEANT, names.CAMERAS_UNSELECTED, names.CAMERAS_RECORDED):
        assert exported.labels(metric.name) == [{}]
