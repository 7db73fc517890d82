"""Cameras whose clock is off: how many there are, which, and by how much, for those who look."""
from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from services.ingest.clocks import beyond, described, is_beyond
from services.ingest.gauges import observe
from services.ingest.on_air import OnAir
from services.ingest.roster import Listed
from services.ingest.session import SessionStatus, State
from services.ingest.station import Station
from services.ingest.statuses import Statuses
from vonglau.access import Scope
from vonglau.registry.v1.events_pb2 import CAMERA_CLASS_TRAFFIC
from vonglau.telemetry import names

SECOND = 1_000_000_000
LIMIT_NS = 2 * SECOND
SET_IT = "set it, or the time server it asks"


class Stationed(Station):
    """Cameras on air that differ in their clocks."""

    def __init__(self, offsets_ns: dict[str, int | None], **status: Any) -> None:
        self.on_air = {camera: cast(OnAir, on_air(camera, offset_ns, **status)) for camera, offset_ns in offsets_ns.items()}
        self.off_air = {}


def on_air(camera: str, offset_ns: int | None, **status: Any) -> SimpleNamespace:
    stated: dict[str, Any] = {"state": State.RECORDING, "since_ns": 1, "cause": None, "detail": "", "recorded_until_ns": 1, "format": None}
    now = SessionStatus(**dict.fromkeys(SessionStatus.__dataclass_fields__, 0) | stated | status | {"clock_offset_ns": offset_ns})
    listed = Listed(camera, f"owner-of-{camera}", "", "", CAMERA_CLASS_TRAFFIC, 0)
    return SimpleNamespace(listed=listed, epoch=1, audience=(), session=SimpleNamespace(status=lambda: now))


def statuses(station: Station) -> Statuses:
    uploader = SimpleNamespace(log_away="", stores_away={}, facts_waiting=0, rejected=0, waiting=lambda camera: 0)
    listening = SimpleNamespace(uploader=uploader, outbox=SimpleNamespace(log_away="", waiting=0, dropped=0), unwritten={}, clock_limit_ns=LIMIT_NS)
    station.roster = cast(Any, SimpleNamespace(cameras={}))
    bounds = SimpleNamespace(used=0, limit=1, shed_segments=0, closed=list)
    spool = SimpleNamespace(bounds=bounds, growing_bytes=lambda camera: 0)
    return Statuses(cast(Any, SimpleNamespace(is_connected=True)), station, cast(Any, spool), cast(Any, listening), lambda: True)


@pytest.mark.parametrize(("offset_ns", "is_off"), [(None, False), (0, False), (LIMIT_NS, False), (LIMIT_NS + 1, True), (-LIMIT_NS - 1, True)])
def test_a_clock_is_off_beyond_the_limit_in_either_direction(offset_ns: int | None, is_off: bool) -> None:
    assert is_beyond(offset_ns, LIMIT_NS) == is_off
    assert beyond([offset_ns, offset_ns, 0], LIMIT_NS) == 2 * is_off


def test_it_is_said_by_how_much_and_in_which_direction() -> None:
    assert [described(offset * SECOND // 10) for offset in (73, -36_000)] == ["its clock is 7.3 s ahead", "its clock is 3600.0 s behind"]


def test_the_cameras_whose_clock_is_off_are_exported_as_one_number(exported: Any) -> None:
    station = Stationed({"cam-1": 7 * SECOND, "cam-2": -3 * SECOND, "cam-3": SECOND, "cam-4": None})
    observe(station, cast(Any, SimpleNamespace(bounds=SimpleNamespace(used=0))), LIMIT_NS, lambda: False)
    assert exported.value(names.CLOCKS_OFF.name) == 2
    assert exported.labels(names.CLOCKS_OFF.name) == [{}]


def test_the_status_of_a_recorded_camera_says_by_how_much_its_clock_is_off() -> None:
    found = statuses(Stationed({"cam-1": 7_300_000_000, "cam-2": SECOND})).of(["cam-1", "cam-2"])
    assert [status.detail for status in found] == [f"its clock is 7.3 s ahead: {SET_IT}", ""]


def test_what_keeps_a_camera_from_being_recorded_is_said_before_its_clock() -> None:
    (found,) = statuses(Stationed({"cam-1": 7 * SECOND}, state=State.INTERRUPTED, cause=SimpleNamespace(value="refused"), detail="503")).of(["cam-1"])
    assert found.detail.startswith("the camera turns the connection down")


def test_the_health_of_the_process_counts_only_the_cameras_of_who_asks() -> None:
    asked = statuses(Stationed({"cam-1": 7 * SECOND, "cam-2": 7 * SECOND, "cam-3": 0}))
    of_one, of_all = Scope(frozenset({"owner-of-cam-1", "owner-of-cam-3"})), Scope(None)
    assert [asked.health(scope).detail for scope in (of_one, of_all)] == [
        f"{number} cameras' clocks are off by more than 2 s: the status of each says by how much" for number in (1, 2)
    ]
