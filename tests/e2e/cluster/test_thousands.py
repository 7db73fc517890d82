"""VL-20: 0 → 200 → 2,000 → 500 cameras. By name only: an hour's worth of a small machine's cores (figures: tests/e2e/README.md)."""
from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from operators.ingest_fleet.plan import MORE_ROOM
from tests.e2e.cluster.conftest import Cluster, until
from tests.e2e.cluster.installation import OWNER, Installation, longest, now
from tests.e2e.cluster.surroundings import surrounded

pytestmark = [pytest.mark.cluster, pytest.mark.long, pytest.mark.timeout(2700)]
FIGURES = "VONGLAU_TEST_FIGURES"
PER_POD = 200
HEADROOM = 20  # %, the chart's
UNASSIGNED_BAR_S = 60.0
SEGMENT_S, AFTER_S = 60, 70.0
MOST = 2_000
AT_ONCE = 600  # rows that fit into one command


@pytest.fixture(scope="module")
def installation(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with surrounded(cluster, tmp_path_factory.mktemp("thousands")) as made:
        play(made, MOST)
        made.install(
            f"pools.default.camerasPerPod={PER_POD}", "pools.default.bitrateMbpsPerPod=200", f"services.ingest.settings.VONGLAU_SEGMENT_S={SEGMENT_S}",
        )
        made.vonglau("owner", "add", OWNER, "--name", "e2e", "--admin", "platform")
        yield made


def play(made: Installation, cameras: int) -> None:
    container = {"name": "cameras", "args": ["vonglau.testing.cameras", "--host", "0.0.0.0", "--port", "8554", "--cameras", str(cameras)]}  # noqa: S104
    patch = {"spec": {"template": {"spec": {"containers": [container | {"resources": {"limits": {"memory": "4Gi"}}}]}}}}
    made.cluster.kubectl("patch", "deployment/cameras", "-n", made.backends, "--patch", json.dumps(patch))
    made.cluster.kubectl("rollout", "status", "deployment/cameras", "-n", made.backends, "--timeout=180s")


@pytest.mark.parametrize(("first", "last"), [(1, 200), (201, MOST), (501, 0)])
def test_pods_follow_and_no_camera_waits_longer_than_a_minute(installation: Installation, first: int, last: int) -> None:
    """last 0: those from `first` on are retired."""
    cameras, begun = last or first - 1, time.monotonic()  # before the first of them is told of: none waits longer than from here on
    if last:
        for each in range(first, last + 1, AT_ONCE):
            installation.register(each, min(each + AT_ONCE - 1, last))
    else:
        installation.retire(first, MOST)
    last_told = time.monotonic() - begun
    note(installation, f"{cameras} cameras, the last is told of after, s", last_told)
    until(lambda: told(installation, "selected", "unassigned") == (cameras, 0), 600, "no camera waits for a pod")
    settled = time.monotonic() - begun
    note(installation, f"{cameras} cameras, none unassigned any more after, s", settled)
    until(lambda: told(installation, "selected", "recording") == (cameras, cameras), 600, f"{cameras} cameras record")
    note(installation, f"{cameras} cameras, all record after, s", time.monotonic() - begun)
    needed = math.ceil(cameras * (100 + HEADROOM + (0 if last else MORE_ROOM)) / (100 * PER_POD))
    until(lambda: installation.replicas() == needed, 900, "as many pods as the formula says")
    note(installation, f"{cameras} cameras, as many pods as they need after, s", time.monotonic() - begun)
    asked = time.monotonic()
    assert len(installation.vonglau("status")["cameras"]) >= cameras
    note(installation, f"{cameras} cameras, minutes old: `vonglau status` answers after, s", time.monotonic() - asked)
    assert (settled if last else settled - last_told) <= UNASSIGNED_BAR_S


def test_what_is_left_records_without_a_gap(installation: Installation) -> None:
    gaps = installation.settled(100, now(), now(AFTER_S))
    note(installation, "500 cameras left, longest gap of the first hundred, s", longest(gaps))
    assert longest(gaps) == 0.0


def told(installation: Installation, *what: str) -> tuple[int, ...]:
    """By the pool's status, which asks nobody: `vonglau status` derives each camera's day anew."""
    cameras = installation.pool().get("status", {}).get("cameras", {})
    return tuple(int(cameras.get(each, -1)) for each in what)


def note(installation: Installation, what: str, seconds: float) -> None:
    installation.figures[what] = round(seconds, 1)
    if path := os.environ.get(FIGURES):
        Path(path).write_text(json.dumps({**installation.figures, "load": os.getloadavg()[1]}, indent=2) + "\n", "utf-8")
