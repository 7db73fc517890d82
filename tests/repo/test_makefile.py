"""Which Python everything is installed with: the one that is named, and else the one that .venv has already."""
from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

MAKE = shutil.which("make") or pytest.skip("make is not installed", allow_module_level=True)
REMOVES = "rm -rf .venv"


@pytest.fixture
def checkout(tmp_path: Path, root: Path) -> Path:
    """Installed with Python 3.11.9; `other` is a Python 3.12.1, `old` a 3.10.2 that does not fit. What they are is all they say."""
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copyfile(root / name, tmp_path / name)
    python(tmp_path / ".venv" / "bin" / "python", "3.11.9")
    python(tmp_path / "same", "3.11.9")
    python(tmp_path / "other", "3.12.1")
    python(tmp_path / "old", "3.10.2", fits=False)
    (tmp_path / ".venv" / ".installed").touch()
    return tmp_path


def python(path: Path, version: str, *, fits: bool = True) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\ntest "$1" = --version || exit {int(not fits)}\necho "Python {version}"\n', "utf-8")
    path.chmod(0o755)


def make(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in {"PYTHON", "MAKEFLAGS", "MAKEOVERRIDES"}}
    return subprocess.run([MAKE, *arguments], cwd=checkout, env=environment, capture_output=True, text=True, check=False)


def test_a_python_that_is_named_and_is_another_one_makes_the_environment_anew(checkout: Path) -> None:
    assert REMOVES in make(checkout, "-n", "PYTHON=./other", "install").stdout


@pytest.mark.parametrize("arguments", [("install",), ("PYTHON=./same", "install")])
def test_the_environment_stays_where_no_other_python_is_named(checkout: Path, arguments: tuple[str, ...]) -> None:
    assert REMOVES not in make(checkout, "-n", *arguments).stdout


def test_a_python_that_does_not_fit_takes_nothing_away(checkout: Path) -> None:
    result = make(checkout, "PYTHON=./old", "install")
    assert result.returncode != 0
    assert "Python 3.11 to 3.13 is needed" in result.stderr
    assert (checkout / ".venv" / "bin" / "python").exists()
