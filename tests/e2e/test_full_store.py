"""The object store's disk really full below a platform that records: the spool takes what comes, nothing accepted is lost, and room alone mends it."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.backends.disks import Ballast, small_disk
from tests.backends.servers import minio, s3_url
from tests.backends.stores import Store
from tests.e2e.platform import Platform, running, simulated, until
from tests.e2e.timelines import accounted_for
from vonglau.footage.roles import ROLES

pytestmark = [pytest.mark.backends, pytest.mark.timeout(300)]

CAMERAS = 2
DISK_MIB = 1024  # MinIO keeps a share of it free
LEFT = 2_000_000  # bytes
SPOOLED = 5_000_000  # bytes that wait, so that the disk was full for several objects of each camera


@dataclass
class Filling:
    platform: Platform
    others: Ballast

    def health(self) -> dict[str, Any]:
        found: dict[str, Any] = self.platform.ask("status")["health"]
        return found


@pytest.fixture
def filling(tmp_path: Path) -> Iterator[Filling]:
    with small_disk(tmp_path / "minio", DISK_MIB) as disk:
        server = minio(tmp_path)
        if server is None:
            pytest.skip("minio is not installed")
        server.start()
        try:
            store = Store(s3_url(server))
            until(lambda: store.administrator.list_buckets() is not None, 20, "MinIO serves")
            told = {
                "VONGLAU_FOOTAGE": f"s3+{store.url}", "VONGLAU_FOOTAGE_CREDENTIALS": str(store.credentials(tmp_path / "credentials", *ROLES)),
                "VONGLAU_SEGMENT_S": "3", "VONGLAU_SIMULATED_CAMERAS": str(CAMERAS),
            }
            with running(tmp_path / "data", told) as platform:
                yield Filling(platform, Ballast(disk))
        finally:
            server.stop()


def test_a_full_disk_below_the_store_costs_no_second(filling: Filling) -> None:
    platform = filling.platform
    until(lambda: platform.all_recording(CAMERAS), 40, "all cameras recorded")
    began = datetime.now(UTC).isoformat(timespec="milliseconds")
    until(lambda: all(each["recorded_s"] > 6 for each in platform.ask("status")["cameras"]), 40, "objects of each stored")

    filling.others.leave(LEFT)
    until(lambda: not filling.health()["store_reachable"] and "full" in filling.health()["detail"], 60, "the status says that the store is full")
    until(lambda: filling.health()["spool_bytes"] > SPOOLED, 90, "the spool takes what comes")
    assert platform.all_recording(CAMERAS)

    filling.others.remove()
    until(lambda: filling.health()["store_reachable"] and filling.health()["spool_bytes"] < SPOOLED / 2, 90, "what waited is stored")
    assert filling.health()["shed_segments"] == 0
    for camera in simulated(CAMERAS):
        accounted_for(platform, camera, began, set())
        assert platform.run("verify", camera).returncode == 0
