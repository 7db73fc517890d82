"""A camera's timeline as the command line tells it."""
from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson

from tests.e2e.platform import Platform


def settled(platform: Platform, camera: str, start: str) -> list[dict[str, Any]] | None:
    """The timeline once nothing but its end is pending; None before, and while it can't be asked."""
    answer = platform.run("timeline", camera, "--from", start, "--json")
    if answer.returncode:
        return None
    found: list[dict[str, Any]] = orjson.loads(answer.stdout)["stretches"]
    return found if "pending" not in [one["kind"] for one in found[:-1]] else None


def seconds(found: list[dict[str, Any]]) -> float:
    return (datetime.fromisoformat(found[-1]["to"]) - datetime.fromisoformat(found[0]["from"])).total_seconds()
