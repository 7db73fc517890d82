"""`VONGLAU_INGEST_PROCESSES=2`: two processes share the cameras of one machine, and one that is killed costs a gap with a cause."""
from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.e2e.platform import Platform, running, simulated, until
from tests.e2e.timelines import accounted_for

pytestmark = [pytest.mark.long, pytest.mark.timeout(180)]
CAMERAS = 4


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    numbers = {"SIMULATED_CAMERAS": CAMERAS, "INGEST_PROCESSES": 2, "SEGMENT_S": 3}
    with running(tmp_path_factory.mktemp("two") / "data", {f"VONGLAU_{name}": str(value) for name, value in numbers.items()}) as started:
        until(lambda: started.all_recording(CAMERAS), 90, "all cameras recorded")
        yield started


def test_each_camera_is_in_the_spool_of_one_of_them_and_both_have_some(platform: Platform) -> None:
    def shares() -> list[set[str]]:
        return [{file.name for file in (platform.data / spool).rglob("*") if file.name in simulated(CAMERAS)} for spool in ("spool", "spool-1")]

    until(lambda: all(shares()), 30, "both record")
    first, second = shares()
    assert first | second == set(simulated(CAMERAS))


def test_where_one_of_them_is_killed_every_second_is_recorded_or_has_a_cause(platform: Platform) -> None:
    began = datetime.now(UTC).isoformat(timespec="milliseconds")
    platform.kill("ingest")
    until(lambda: platform.all_recording(CAMERAS), 60, "all cameras recorded again")
    for camera in simulated(CAMERAS):
        accounted_for(platform, camera, began, {"writer_failed", "transport_lost", "source_silent", "moved"})
    assert platform.run("verify").returncode == 0
