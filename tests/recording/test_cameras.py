"""When a camera was meant to record, and what it was for."""
from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask

from services.recording.cameras import Cameras, uses_during
from vonglau.registry.v1.events_pb2 import (
    CAMERA_CLASS_NON_TRAFFIC,
    CAMERA_CLASS_TRAFFIC,
    PURPOSE_TRAFFIC_SAFETY,
    PURPOSE_URBAN_ORDER,
    CameraChanged,
    CameraDetails,
    CameraRegistered,
    CameraResumed,
    CameraRetired,
    CameraSuspended,
    OwnerRenamed,
)

BEGIN = 1_767_225_600_000_000_000
SECOND = 1_000_000_000


def project(recorded: Any, *told: tuple[float, Any]) -> dict[str, Any] | None:
    """told: (s after BEGIN, event)"""
    view = Cameras()
    document: dict[str, Any] | None = None
    for sequence, (at, message) in enumerate(told, 1):
        event = recorded(message, sequence, at_ns=BEGIN + round(at * SECOND))
        assert list(view.touches(event)) == ["cam-1"]
        document = copy.deepcopy(view.evolve(document, event, "cam-1"))
    return document


def registered(**details: Any) -> CameraRegistered:
    given: dict[str, Any] = {"camera_class": CAMERA_CLASS_NON_TRAFFIC, "purposes": [PURPOSE_URBAN_ORDER]} | details
    return CameraRegistered(camera="cam-1", owner="police", details=CameraDetails(**given))


def changed(*paths: str, **details: Any) -> CameraChanged:
    return CameraChanged(camera="cam-1", details=CameraDetails(**details), changed=FieldMask(paths=paths))


def test_a_registered_camera_is_meant_to_record_from_then_on(recorded: Any) -> None:
    assert project(recorded, (5, registered())) == {
        "_id": "cam-1", "owner": "police", "uses": [[BEGIN + 5 * SECOND, CAMERA_CLASS_NON_TRAFFIC, [PURPOSE_URBAN_ORDER]]],
        "meant": [[BEGIN + 5 * SECOND, None]], "registered": BEGIN + 5 * SECOND, "retired": None,
    }


def test_suspension_and_resumption_divide_the_time_that_was_meant(recorded: Any) -> None:
    suspended, resumed = CameraSuspended(camera="cam-1", reason="works"), CameraResumed(camera="cam-1")
    document = project(recorded, (0, registered()), (10, suspended), (20, resumed), (30, suspended))
    assert document is not None
    assert document["meant"] == [[BEGIN, BEGIN + 10 * SECOND], [BEGIN + 20 * SECOND, BEGIN + 30 * SECOND]]


def test_a_retired_camera_is_meant_no_more_also_when_it_was_suspended_before(recorded: Any) -> None:
    retired = CameraRetired(camera="cam-1", reason="sold")
    document = project(recorded, (0, registered()), (10, CameraSuspended(camera="cam-1")), (20, retired))
    assert document is not None
    assert (document["meant"], document["retired"]) == ([[BEGIN, BEGIN + 10 * SECOND]], BEGIN + 20 * SECOND)
    document = project(recorded, (0, registered()), (20, retired))
    assert document is not None
    assert document["meant"] == [[BEGIN, BEGIN + 20 * SECOND]]


def test_a_resumption_without_suspension_changes_nothing(recorded: Any) -> None:
    document = project(recorded, (0, registered()), (10, CameraResumed(camera="cam-1")))
    assert document == project(recorded, (0, registered()))


def test_only_what_the_mask_names_changes_the_use(recorded: Any) -> None:
    document = project(
        recorded,
        (0, registered()),
        (10, changed("display_name", display_name="x", camera_class=CAMERA_CLASS_TRAFFIC)),
        (20, changed("camera_class", camera_class=CAMERA_CLASS_TRAFFIC)),
        (30, changed("purposes", purposes=[PURPOSE_TRAFFIC_SAFETY])),
    )
    assert document is not None
    assert document["uses"] == [
        [BEGIN, CAMERA_CLASS_NON_TRAFFIC, [PURPOSE_URBAN_ORDER]],
        [BEGIN + 20 * SECOND, CAMERA_CLASS_TRAFFIC, [PURPOSE_URBAN_ORDER]],
        [BEGIN + 30 * SECOND, CAMERA_CLASS_TRAFFIC, [PURPOSE_TRAFFIC_SAFETY]],
    ]


def test_the_uses_of_a_day_are_those_in_force_at_some_time_of_it(recorded: Any) -> None:
    document = project(recorded, (10, registered()), (20, changed("camera_class", camera_class=CAMERA_CLASS_TRAFFIC)))
    assert document is not None

    def classes(start: float, end: float) -> list[int]:
        return [camera_class for camera_class, _ in uses_during(document, BEGIN + round(start * SECOND), BEGIN + round(end * SECOND))]

    assert classes(10, 20) == [CAMERA_CLASS_NON_TRAFFIC]
    assert classes(15, 25) == [CAMERA_CLASS_NON_TRAFFIC, CAMERA_CLASS_TRAFFIC]
    assert classes(20, 25) == [CAMERA_CLASS_TRAFFIC]
    assert classes(0, 5) == [CAMERA_CLASS_NON_TRAFFIC]  # recorded before its registration


def test_a_use_that_a_bucket_could_not_tell_stays_unknown(recorded: Any) -> None:
    restored = {"_id": "cam-1", "owner": "police", "uses": [], "meant": [[BEGIN, None]], "registered": BEGIN, "retired": None}
    event = recorded(changed("camera_class", camera_class=CAMERA_CLASS_TRAFFIC))
    assert Cameras().evolve(copy.deepcopy(restored), event, "cam-1") == restored


def test_a_change_of_a_camera_that_nobody_registered_makes_no_document(recorded: Any) -> None:
    assert project(recorded, (0, CameraSuspended(camera="cam-1"))) is None


def test_other_aggregates_are_not_the_views_business(recorded: Any) -> None:
    other = replace(recorded(registered()), headers={"ce-type": OwnerRenamed.DESCRIPTOR.full_name}, body=OwnerRenamed(owner="a").SerializeToString())
    assert list(Cameras().touches(other)) == []
