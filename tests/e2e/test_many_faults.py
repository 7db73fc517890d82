"""Many faults drawn by chance on the whole platform, and the log away for a minute: every second is still accounted for, once."""
from __future__ import annotations

import random
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import psutil
import pytest

from tests.e2e.chance import struck
from tests.e2e.platform import Platform, decoded, simulated, until
from tests.e2e.timelines import accounted_for, seconds

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

CAMERAS = 4
ROUNDS = 25
AWAY_S = 60
PARTS = ("ingest", "recording", "retention", "nats", "registry")
CAUSES_OF_KILLS = {"writer_failed", "transport_lost", "source_silent"}


def strike(platform: Platform, chance: random.Random) -> str:
    """One fault: one or two parts killed at once, or one stopped for seconds and let go on; what was done."""
    parts = chance.sample(PARTS, chance.choice((1, 1, 2)))
    if chance.random() < 0.3:
        child, pause = platform.child(parts[0]), chance.uniform(1, 8)
        assert child is not None
        child.suspend()
        time.sleep(pause)  # this is the fault, not a wait
        child.resume()
        return f"{parts[0]} stopped for {pause:.1f} s"
    before = {part: platform.child(part) for part in parts}
    for child in before.values():
        assert child is not None
        child.kill()
    for part, killed in before.items():
        until(partial(started_again, platform, part, killed), 60, f"{part} started again")
    return f"{' and '.join(parts)} killed"


def started_again(platform: Platform, part: str, killed: psutil.Process | None) -> bool:
    child = platform.child(part)
    return child is not None and killed is not None and child.pid != killed.pid


def test_after_many_faults_every_second_is_recorded_or_has_a_cause(platform: Platform, tmp_path: Path) -> None:
    began = struck(platform, CAMERAS, ROUNDS, strike, pause_s=4, recorded_s=60)
    for camera in simulated(CAMERAS):
        found = accounted_for(platform, camera, began, CAUSES_OF_KILLS)
        clip = tmp_path / f"{camera}.mp4"
        platform.ask("play", camera, "--from", began, "--out", str(clip))
        assert decoded(clip) == ""
    verified = platform.run("verify")
    assert verified.returncode == 0, verified.stdout.decode()
    before = platform.ask("timeline", "sim-1", "--from", began, "--to", found[-1]["from"])["stretches"]
    platform.ask("rebuild", "recording")
    assert platform.ask("timeline", "sim-1", "--from", began, "--to", found[-1]["from"])["stretches"] == before


def test_the_log_away_for_a_minute_costs_no_second(platform: Platform) -> None:
    until(lambda: platform.all_recording(CAMERAS), 60, "all cameras recorded")
    began = datetime.now(UTC).isoformat(timespec="milliseconds")
    log = platform.child("nats")
    assert log is not None
    log.suspend()
    try:
        until(lambda: "log" in platform.run("status").stdout.decode(), AWAY_S, "status says so")
        time.sleep(AWAY_S)  # this is the fault, not a wait
    finally:
        log.resume()
    for camera in simulated(CAMERAS):
        found = accounted_for(platform, camera, began, set())
        assert seconds(found) > AWAY_S
    assert platform.run("verify").returncode == 0
