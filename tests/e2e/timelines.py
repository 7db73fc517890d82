"""A camera's timeline as the command line tells it."""
from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

import orjson
import pytest

from tests.e2e.platform import Platform, until

SETTLED_S = 90.0


def settled(platform: Platform, camera: str, start: str) -> list[dict[str, Any]] | None:
    """The timeline once nothing but its end is pending; None before, and while it can't be asked."""
    answer = platform.run("timeline", camera, "--from", start, "--json")
    if answer.returncode:
        return None
    found: list[dict[str, Any]] = orjson.loads(answer.stdout)["stretches"]
    return found if "pending" not in [one["kind"] for one in found[:-1]] else None


def accounted_for(platform: Platform, camera: str, start: str, causes: set[str]) -> list[dict[str, Any]]:
    """The settled timeline: recorded and gaps make up the time by the clock, and no gap has another cause than these."""
    found: list[dict[str, Any]] = until(partial(settled, platform, camera, start), SETTLED_S, f"all of {camera} is explained")
    assert sum(one["seconds"] for one in found) == pytest.approx(seconds(found), abs=0.01)
    assert {one["cause"] for one in found if one["kind"] == "gap"} <= causes
    return found


def seconds(found: list[dict[str, Any]]) -> float:
    return (datetime.fromisoformat(found[-1]["to"]) - datetime.fromisoformat(found[0]["from"])).total_seconds()
