"""Three ingest processes share cameras while they are killed and stopped by chance: every second is recorded or has a cause."""
from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Iterator

import psutil
import pytest

from tests.e2e.chance import struck
from tests.e2e.platform import Platform, running, simulated, until
from tests.e2e.timelines import accounted_for

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

CAMERAS, PROCESSES, ROUNDS = 9, 3, 12
LONGER_THAN_A_LEASE_S = (12.0, 18.0)
CAUSES = {"writer_failed", "transport_lost", "source_silent", "moved"}


@pytest.fixture
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    numbers = {"SIMULATED_CAMERAS": CAMERAS, "INGEST_PROCESSES": PROCESSES, "SEGMENT_S": 3, "RESTART_BACKOFF_S": 0.2}
    with running(tmp_path_factory.mktemp("shared") / "data", {f"VONGLAU_{name}": str(value) for name, value in numbers.items()}) as started:
        yield started


def processes(platform: Platform) -> list[psutil.Process]:
    assert platform.process is not None
    found = []
    for each in psutil.Process(platform.process.pid).children():
        with contextlib.suppress(psutil.Error):  # it has just ended
            if "services.ingest" in each.cmdline():
                found.append(each)
    return found


def strike(platform: Platform, chance: random.Random) -> str:
    """One or two processes killed, or one that stands still until others have its cameras; what was done."""
    victims = chance.sample(processes(platform), chance.choice((1, 1, 2)))
    if chance.random() < 0.4:
        pause = chance.uniform(*LONGER_THAN_A_LEASE_S)
        victims[0].suspend()
        time.sleep(pause)  # this is the fault, not a wait
        victims[0].resume()
        return f"one stopped for {pause:.1f} s"
    for victim in victims:
        victim.kill()
    until(lambda: len(processes(platform)) == PROCESSES, 60, "all started again")
    return f"{len(victims)} killed"


def test_cameras_that_change_processes_by_chance_are_recorded_or_explained(platform: Platform) -> None:
    began = struck(platform, CAMERAS, ROUNDS, strike, pause_s=6, recorded_s=90)
    for camera in simulated(CAMERAS):
        accounted_for(platform, camera, began, CAUSES)
    assert platform.run("verify").returncode == 0
