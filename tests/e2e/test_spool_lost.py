"""A process loses its spool with its life, and comes back before or after another one has taken its cameras: what went with the spool is told."""
from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from tests.e2e.platform import Platform, running, simulated, until
from tests.e2e.timelines import accounted_for, causes

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

CAMERAS = 4
SEGMENT_S = 6
SOON_S, LATE_S = 3.0, 25.0  # a lease ends after 10 s
GONE = "the spool of this node is gone"


@pytest.fixture
def platform(tmp_path: Path, away_s: float) -> Iterator[Platform]:
    """Of two ingest processes."""
    numbers = {"SIMULATED_CAMERAS": CAMERAS, "INGEST_PROCESSES": 2, "SEGMENT_S": SEGMENT_S, "RESTART_BACKOFF_S": away_s}
    with running(tmp_path / "data", {f"VONGLAU_{name}": str(value) for name, value in numbers.items()}) as started:
        yield started


def spooled(platform: Platform) -> list[str]:
    """Cameras of which the second process has an open segment."""
    return sorted(path.parent.name for path in (platform.data / "spool-1" / "segments").glob("*/*.part"))


def stored(platform: Platform, camera: str) -> bool:
    return any((platform.data / "footage").rglob(f"{camera}/**/*.mp4"))


def second(platform: Platform) -> psutil.Process:
    assert platform.process is not None
    children = psutil.Process(platform.process.pid).children()
    return next(one for one in children if "services.ingest" in one.cmdline() and one.environ().get("VONGLAU_NODE") == "ingest-1")


def lose_spool(platform: Platform) -> list[str]:
    """kill -9, and the disk is gone before the process is back. Cameras that were being recorded."""
    process = second(platform)
    process.kill()
    process.wait(5)
    found = spooled(platform)
    shutil.rmtree(platform.data / "spool-1")
    return found


def told(folder: Path) -> list[str]:
    return [line for log in sorted(folder.glob("*.log")) for line in log.read_text().splitlines() if GONE in line]


@pytest.mark.parametrize("away_s", [SOON_S, LATE_S], ids=["back at once", "after others have the cameras"])
def test_what_a_lost_spool_held_is_a_gap_that_says_so(platform: Platform, away_s: float) -> None:
    until(lambda: platform.all_recording(CAMERAS), 60, "all recorded")
    until(lambda: spooled(platform) and all(stored(platform, camera) for camera in simulated(CAMERAS)), 60, "both have cameras, and have stored something")
    began = datetime.now(UTC).isoformat(timespec="milliseconds")
    time.sleep(SEGMENT_S / 2)  # so much at least is in the spool and nowhere else, unless a segment ends just now
    mine = lose_spool(platform)
    (line,) = until(lambda: told(platform.data / "log"), away_s + 30, "what is lost is told")
    until(lambda: platform.all_recording(CAMERAS), 60, "all recorded again")
    for camera in simulated(CAMERAS):
        found = accounted_for(platform, camera, began, {"spool_lost", "writer_failed", "moved"})
        assert causes(found).count("spool_lost") == (camera in mine)
    assert f"what {len(mine)} cameras had recorded" in line
    assert told(platform.data / "log") == [line]
    assert platform.run("verify").returncode == 0
