"""One process from the registry's events to stored segments and facts, as others see it."""
from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from vonglau.ingest.v1 import service_pb2 as wire

if TYPE_CHECKING:
    from tests.ingest.service.conftest import City
    from vonglau.testing.cameras import CameraFarm

pytestmark = pytest.mark.loopback


async def test_a_registered_camera_is_recorded_stored_and_told(city: City, farm: CameraFarm) -> None:
    await city.start()
    await city.register("cam-1", farm.url("cam-1"))
    first, second = (await city.recorded("cam-1", 2))[:2]
    assert (first.owner, first.number, second.number, second.contiguous) == ("police", 0, 1, True)
    assert second.start_ns == first.end_ns
    body = (city.settings.footage_dir / "police-footage" / first.key).read_bytes()
    assert hashlib.sha256(body).digest() == first.sha256
    status = await city.status("cam-1")
    assert (status.state, status.epoch, status.width_px) == (wire.RECORDING_STATE_RECORDING, first.epoch, 320)
