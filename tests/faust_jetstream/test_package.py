"""The library by itself: what its wheel holds, and that it needs nothing of the repository around it."""

import ast
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from faust.transport import by_url

import faust_jetstream

SOURCE = Path(faust_jetstream.__file__).parent


def test_nats_urls_are_ours() -> None:
    assert by_url("nats://host") is faust_jetstream.Transport


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(SOURCE, folder / "source", ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder / "dist")]
    built = subprocess.run(command, cwd=folder / "source", capture_output=True, text=True, timeout=100, check=False)
    assert built.returncode == 0, built.stderr
    (found,) = (folder / "dist").glob("faust_jetstream-*.whl")
    return zipfile.ZipFile(found)


def test_the_wheel_holds_the_package_and_its_entry_point(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    expected = {f"faust_jetstream/{path.relative_to(SOURCE).as_posix()}" for path in SOURCE.rglob("*.py")} | {"faust_jetstream/py.typed"}
    assert {name for name in names if not name.split("/")[0].endswith(".dist-info")} == expected
    entry = next(name for name in names if name.endswith("entry_points.txt"))
    assert "[faust.transports]\nnats = faust_jetstream:Transport" in wheel.read(entry).decode()


def test_the_wheel_tells_its_needs_and_its_readme(wheel: zipfile.ZipFile) -> None:
    metadata = wheel.read(next(name for name in wheel.namelist() if name.endswith("METADATA"))).decode()
    for line in ("Name: faust-jetstream", "Requires-Dist: faust-streaming==0.15.*", "Requires-Dist: nats-py==2.16.*", "License-Expression: Apache-2.0"):
        assert line in metadata
    assert "# faust_jetstream" in metadata


def test_the_wheel_carries_its_licence(wheel: zipfile.ZipFile) -> None:
    name = next(name for name in wheel.namelist() if name.endswith("/LICENSE"))
    assert wheel.read(name) == (SOURCE.parents[1] / "LICENSE").read_bytes()


def test_the_library_imports_nothing_of_the_repository() -> None:
    allowed = {"faust", "mode", "nats", "yarl", "aiokafka", "opentelemetry", *sys.stdlib_module_names}
    imported = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                imported.add((node.module or "").split(".")[0])
    assert imported <= allowed
