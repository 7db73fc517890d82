"""The chart as it is written, and as Helm renders it where Helm is there."""
from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CHART = ROOT / "helm" / "vonglau"
KUBERNETES = "1.33.0"
Values = dict[str, Any]
Render = Callable[..., list[dict[str, Any]]]


@pytest.fixture(scope="session")
def schema() -> dict[str, Any]:
    read: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text("utf-8"))
    return read


def merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> Values:
    """As Helm lays values over defaults: maps into maps; null takes a key away."""
    result = dict(under)
    for name, value in over.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, Mapping) and isinstance(result.get(name), Mapping):
            result[name] = merged(result[name], value)
        else:
            result[name] = value
    return result


@pytest.fixture(scope="session")
def values() -> Callable[..., Values]:
    """values(name, change): an example laid over the defaults, a change over both."""

    def of(example: str, change: Mapping[str, Any] | None = None) -> Values:
        defaults = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
        own = yaml.safe_load((CHART / f"values-{example}.yaml").read_text("utf-8"))
        return merged(merged(defaults, own), change or {})

    return of


@pytest.fixture(scope="session")
def helm() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Helm, from the path or from where the tests' servers are installed."""
    servers = os.environ.get("VONGLAU_SERVERS", str(Path.home() / ".cache" / "vonglau-servers"))
    program = shutil.which("helm") or shutil.which("helm", path=f"{servers}/bin")
    if program is None:
        pytest.skip("Helm is not installed")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)

    return run


@pytest.fixture
def render(helm: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path) -> Render:
    """render(example, change): the objects. Fails with Helm's words where it refuses; render(..., refused=True) returns those instead."""

    def of(example: str, change: Mapping[str, Any] | None = None, *, refused: bool = False) -> Any:
        over = tmp_path / "change.yaml"
        over.write_text(yaml.safe_dump(dict(change or {})), "utf-8")
        arguments = ("--namespace", "city", "--kube-version", KUBERNETES, "--values", str(CHART / f"values-{example}.yaml"), "--values", str(over))
        result = helm("template", "rel", str(CHART), *arguments)
        assert (result.returncode != 0) == refused, result.stderr or result.stdout[:2000]
        return result.stderr if refused else objects(result.stdout)

    return of


def objects(rendered: str) -> list[dict[str, Any]]:
    """What Kubernetes gets: those of Helm, and the pools that the operator applies."""
    found = [each for each in yaml.safe_load_all(rendered) if each]
    pools = [each["data"]["pools.yaml"] for each in found if each["kind"] == "ConfigMap" and "pools.yaml" in each["data"]]
    return [*found, *(each for text in pools for each in yaml.safe_load_all(text) if each)]
