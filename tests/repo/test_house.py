"""The house: sizes are reported, and what is far too large is named; files say nothing of the machines they were written on."""
from __future__ import annotations

import ast
import re
import statistics
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULE_LINES, FUNCTION_LINES = 500, 60

# What is larger than the house allows, each with its reason.
LARGE: dict[str, str] = {}

# Folders of one machine. A path that merely contains such a name further down is none.
MACHINE_PATHS = re.compile(r"(?<![\w./:$})>-])/(home|root|Users|work|mnt|tmp|private)/[\w.-]+")
INDEX_LINE = re.compile(r"^\s*--(index-url|extra-index-url|find-links|trusted-host)|://", re.MULTILINE)
IMPURE = re.compile(
    r"(asyncio|time|random|secrets|uuid|os|socket|subprocess|threading|tempfile|nats|grpc|motor|pymongo|minio|sqlite3|vonglau\.(broker|rpc|footage))\b"
)
TEXT = {".py", ".md", ".toml", ".proto", ".json", ".yaml", ".yml", ".sh", ".txt", ".cfg", ".ini", ".csv", ""}


def python(files: list[Path]) -> list[tuple[str, str]]:
    return [(path.relative_to(ROOT).as_posix(), path.read_text("utf-8")) for path in files if path.suffix == ".py"]


@cache
def functions(text: str) -> list[tuple[str, int]]:
    """Name and lines of each."""
    found = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return [(node.name, (node.end_lineno or node.lineno) - node.lineno + 1) for node in found]


def test_no_module_is_longer_than_500_lines(files: list[Path]) -> None:
    long = [f"{name}: {lines} lines" for name, text in python(files) if (lines := text.count("\n")) > MODULE_LINES and name not in LARGE]
    assert long == []


def test_no_function_is_longer_than_60_lines(files: list[Path]) -> None:
    sized = [(f"{name}::{function}", lines) for name, text in python(files) for function, lines in functions(text)]
    assert [f"{where}: {lines} lines" for where, lines in sized if lines > FUNCTION_LINES and where not in LARGE] == []


def test_what_is_listed_as_large_still_is(files: list[Path]) -> None:
    sizes = {name: text.count("\n") / MODULE_LINES for name, text in python(files)}
    sizes |= {f"{name}::{function}": lines / FUNCTION_LINES for name, text in python(files) for function, lines in functions(text)}
    assert [where for where in LARGE if sizes.get(where, 0) <= 1] == []


def test_the_house_numbers_are_reported(files: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    source = [text for name, text in python(files) if not name.startswith("tests/")]
    tests = [text for name, text in python(files) if name.startswith("tests/")]
    modules = sorted(text.count("\n") for text in source)
    lines = sorted(length for text in source for _, length in functions(text))
    ratio = sum(text.count("\n") for text in tests) / sum(modules)
    with capsys.disabled():
        print(f"\nmodules: {len(modules)}, median {statistics.median(modules):.0f} lines, p90 {at_90(modules)} (house: about 120, at most 300)")  # noqa: T201
        print(f"functions: {len(lines)}, median {statistics.median(lines):.0f} lines, p90 {at_90(lines)} (house: at most 8, 30)")  # noqa: T201
        print(f"test lines : source lines {ratio:.2f} (house: 1 to 2)")  # noqa: T201
    assert modules
    assert lines


def test_no_file_names_a_folder_of_the_machine_it_was_written_on(files: list[Path]) -> None:
    found = []
    for path in files:
        if path.suffix in TEXT and path != Path(__file__):
            text = path.read_text("utf-8", "replace")
            found += [f"{path.relative_to(ROOT)}: {match[0]}" for match in MACHINE_PATHS.finditer(text)]
    assert found == []


def test_the_lock_names_versions_and_hashes_but_no_index() -> None:
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    assert INDEX_LINE.search(lock) is None
    assert "--hash=sha256:" in lock


def test_every_module_that_evolves_an_aggregate_is_under_the_contract(files: list[Path]) -> None:
    contract = (ROOT / "pyproject.toml").read_text("utf-8")
    services = [(name, text) for name, text in python(files) if name.startswith("services/")]
    folding = [name for name, text in services if re.search(r"^def evolve\(", text, re.MULTILINE) and "Fold(" in text]
    missing = [name for name in folding if f'"{name.removesuffix(".py").replace("/", ".")}"' not in contract]
    assert folding
    assert missing == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import math", []),
        ("from time import monotonic", ["time"]),
        ("def late():\n    import asyncio", ["asyncio"]),
        ("from vonglau.broker import Entry", ["vonglau.broker"]),
    ],
)
def test_what_a_pure_module_must_not_reach_is_seen(source: str, found: list[str]) -> None:
    assert impure(source) == found


def test_what_calls_itself_pure_reaches_no_network_disk_clock_or_chance(files: list[Path]) -> None:
    pure = [(name, text) for name, text in python(files) if not name.startswith("tests/") and re.match(r'"""[^"]*\bPure\b', text)]
    assert len(pure) > 10
    assert {name: reached for name, text in pure if (reached := impure(text))} == {}


def impure(text: str) -> list[str]:
    """What it imports, anywhere in the module, that acts or differs from call to call."""
    names = [each.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import) for each in node.names]
    names += [node.module or "" for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)]
    return [name for name in names if IMPURE.match(name)]


def at_90(values: list[int]) -> int:
    return values[int(len(values) * 0.9)]
