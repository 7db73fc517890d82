"""Pools that an installation declares."""
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from operators.ingest_fleet.declared import Declared
from tests.operators.conftest import FakeCluster, body


def declared(cluster: FakeCluster, tmp_path: Path, *pools: dict[str, Any], release: str = "city") -> Declared:
    file = tmp_path / "pools.yaml"
    plain = [{**each, "metadata": {"name": each["metadata"]["name"]}} for each in pools]
    file.write_text(yaml.safe_dump_all(plain), "utf-8")
    return Declared(cluster, file, release)  # type: ignore[arg-type]


async def test_what_is_declared_is_there(tmp_path: Path) -> None:
    cluster = FakeCluster()
    await declared(cluster, tmp_path, body("aaa"), body("bbb")).apply()
    assert {name: each["spec"]["camerasPerPod"] for name, each in cluster.bodies.items()} == {"aaa": 20, "bbb": 20}


async def test_what_was_set_by_hand_stays_until_the_values_change(tmp_path: Path) -> None:
    cluster = FakeCluster()
    await declared(cluster, tmp_path, body()).apply()
    cluster.bodies["default"]["spec"]["minPods"] = 5
    await declared(cluster, tmp_path, body()).apply()
    assert cluster.bodies["default"]["spec"]["minPods"] == 5
    await declared(cluster, tmp_path, body(maxPods=20)).apply()
    assert cluster.bodies["default"]["spec"]["minPods"] == 1


async def test_what_is_no_longer_declared_ends(tmp_path: Path) -> None:
    cluster = FakeCluster(body("by-hand"))
    await declared(cluster, tmp_path, body("theirs"), release="other").apply()
    await declared(cluster, tmp_path, body("aaa"), body("bbb")).apply()
    await declared(cluster, tmp_path, body("bbb")).apply()
    assert [name for name, each in cluster.bodies.items() if "deletionTimestamp" in each["metadata"]] == ["aaa"]


async def test_a_pool_that_cannot_be_so_is_told_and_holds_up_no_other(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    cluster = FakeCluster()
    cluster.refuse = "spec.minPods: Invalid value"
    await declared(cluster, tmp_path, body()).apply()
    assert "the pool default cannot be as it was declared: spec.minPods: Invalid value" in caplog.text


async def test_without_a_file_pools_come_by_other_ways() -> None:
    cluster = FakeCluster(body("by-hand"))
    await Declared(cluster, None, "city").apply()  # type: ignore[arg-type]
    assert list(cluster.bodies) == ["by-hand"]
