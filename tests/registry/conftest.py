"""What the tests of the registry's decisions have in common: a permit, a complete record, owners and claims as a decision reads them."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from services.registry import camera as aggregate
from services.registry.camera import Camera
from services.registry.details import normal_details
from vonglau.access import Permit
from vonglau.eventlog import Call
from vonglau.identity import Caller
from vonglau.registry.v1.events_pb2 import (
    CAMERA_CLASS_NON_TRAFFIC,
    PURPOSE_SECURITY_ORDER,
    STREAM_KIND_MAIN,
    CameraDetails,
    CameraRegistered,
    StreamProfile,
)

Details = Callable[..., CameraDetails]


@pytest.fixture
def permit() -> Permit:
    """What a person gets who administers the two wards."""
    return Permit(Caller("person", "lan"), "camera.update", frozenset({"ward-hoan-kiem", "ward-ba-dinh"}), Call("person:lan"))


@pytest.fixture
def details() -> Details:
    """A complete record of class non_traffic in normal form, with what the test adds."""

    def build(url: str = "rtsp://10.0.0.1/main", **more: Any) -> CameraDetails:
        given = {
            "display_name": "Hồ Hoàn Kiếm 1",
            "camera_class": CAMERA_CLASS_NON_TRAFFIC,
            "purposes": [PURPOSE_SECURITY_ORDER],
            "streams": [StreamProfile(kind=STREAM_KIND_MAIN, url=url)],
        } | more
        normal, _ = normal_details(CameraDetails(**given))
        return normal

    return build


@pytest.fixture
def registered(details: Details) -> Camera:
    return aggregate.evolve(None, CameraRegistered(camera="cam-1", owner="ward-hoan-kiem", details=details(serial_number="SN-1"), credential="camera.cam-1.a"))
