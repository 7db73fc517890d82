"""A camera's clock passes the limit while it is recorded: the alarm comes, the recording goes on, and the alarm ends with its reason."""
from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vonglau.ingest.v1 import service_pb2 as wire
from vonglau.testing.waiting import eventually

if TYPE_CHECKING:
    from tests.ingest.service.conftest import City
    from vonglau.testing.cameras import CameraFarm

pytestmark = [pytest.mark.loopback, pytest.mark.long]


async def test_a_clock_that_passes_the_limit_is_an_alarm_until_it_is_set(city: City, farm: CameraFarm, caplog: pytest.LogCaptureFixture) -> None:
    await city.start()
    await city.register("cam-1", farm.url("cam-1"))
    await city.until("cam-1", lambda status: status.clock_known and not status.detail)
    farm.camera("cam-1").set_clock_offset(7.3)
    off = await city.until("cam-1", lambda status: "its clock is" in status.detail)
    assert off.state == wire.RECORDING_STATE_RECORDING
    assert abs(off.clock_offset_ns / 1e9 - 7.3) < 0.2
    assert "1 cameras' clocks are off by more than 2 s" in (await city.health()).detail
    assert "clocks" not in (await city.health("stranger")).detail
    await eventually(lambda: any(each.levelname == "WARNING" and "cam-1: its clock is 7." in each.getMessage() for each in caplog.records))
    farm.camera("cam-1").set_clock_offset(0)
    await city.until("cam-1", lambda status: not status.detail)
