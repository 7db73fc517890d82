"""A camera's timeline as the command line tells it."""
from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

import orjson
import pytest

from tests.e2e.platform import Platform, until

SETTLED_S = 90.0
PENDING_S = 8.0  # at the end: a file that still grows tells of itself


def stretches(platform: Platform, camera: str, start: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = platform.ask("timeline", camera, "--from", start)["stretches"]
    return found


def causes(found: list[dict[str, Any]]) -> list[str]:
    """Of its gaps, in order."""
    return [one["cause"] for one in found if one["kind"] == "gap"]


def settled(platform: Platform, camera: str, start: str) -> list[dict[str, Any]] | None:
    """The timeline once something is recorded and nothing but seconds at its end are pending; None before, and while it can't be asked."""
    answer = platform.run("timeline", camera, "--from", start, "--json")
    if answer.returncode:
        return None
    found: list[dict[str, Any]] = orjson.loads(answer.stdout)["stretches"]
    kinds = [one["kind"] for one in found]
    recent = kinds[-1:] != ["pending"] or found[-1]["seconds"] <= PENDING_S
    return found if "recorded" in kinds and "pending" not in kinds[:-1] and recent else None


def accounted_for(platform: Platform, camera: str, start: str, allowed: set[str]) -> list[dict[str, Any]]:
    """The settled timeline: recorded and gaps make up the time by the clock, and no gap has another cause than those allowed."""
    found: list[dict[str, Any]] = until(partial(settled, platform, camera, start), SETTLED_S, f"all of {camera} is explained")
    assert datetime.fromisoformat(found[0]["from"]) == datetime.fromisoformat(start)
    assert sum(one["seconds"] for one in found) == pytest.approx(seconds(found), abs=0.01)
    assert set(causes(found)) <= allowed
    return found


def seconds(found: list[dict[str, Any]]) -> float:
    return (datetime.fromisoformat(found[-1]["to"]) - datetime.fromisoformat(found[0]["from"])).total_seconds()
