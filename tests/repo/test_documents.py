"""What is written for people is true: links resolve, settings stand in the README of who reads them."""
from __future__ import annotations

import importlib
import inspect
import re
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

import pytest

from vonglau.broker.reconcile import ReconcileSettings
from vonglau.settings import render_table, variables

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
VARIABLE = re.compile(r"\bVONGLAU_[A-Z0-9_]*[A-Z0-9]\b(?![_{*])")
NAMING = {".py", ".md", ".yaml", ".tpl", ".toml", ""}
READ_ELSEWHERE = {"VONGLAU_CACHE", "VONGLAU_SERVERS", "VONGLAU_UPDATE_GOLDEN"}  # simulated scenes; servers for tests; the chart's golden files
PROGRAMS = sorted(path.parent.relative_to(ROOT).as_posix() for kind in ("services", "operators") for path in ROOT.glob(f"{kind}/**/settings.py"))
READMES_BELOW_150_LINES = ["README.md", *(f"{program}/README.md" for program in PROGRAMS)]


def settings_of(program: str) -> type[Any]:
    """The settings class that <program>/settings.py itself defines; others there are parts of it."""
    module = importlib.import_module(f"{program.replace('/', '.')}.settings")
    found = [each for _, each in inspect.getmembers(module, inspect.isclass) if is_dataclass(each) and each.__module__ == module.__name__]
    assert found, f"{program}/settings.py defines no settings class"
    return max(found, key=lambda each: len(list(variables(each))))


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_settings_of_a_program_stand_in_its_readme_as_they_are(program: str) -> None:
    cls = settings_of(program)
    readme = (ROOT / program / "README.md").read_text("utf-8")
    missing = [line for line in render_table(cls).splitlines() if line not in readme]
    assert not missing, f"{program}/README.md lacks these lines of render_table({cls.__name__}):\n" + "\n".join(missing)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_readme_names_no_setting_that_its_program_does_not_read(program: str) -> None:
    readme = (ROOT / program / "README.md").read_text("utf-8")
    rows = set(re.findall(r"^\| `(VONGLAU_[A-Z0-9_]+)` \|", readme, re.MULTILINE))
    assert rows == {each.name for each in variables(settings_of(program))}


def test_a_variable_that_is_named_anywhere_is_one_that_something_reads(files: list[Path]) -> None:
    """A name with an error in it would be passed on and read by nobody."""
    read = {each.name for cls in (*map(settings_of, PROGRAMS), ReconcileSettings) for each in variables(cls)} | READ_ELSEWHERE
    named = {path.relative_to(ROOT).as_posix(): set(VARIABLE.findall(path.read_text("utf-8"))) for path in files if path.suffix in NAMING}
    assert "VONGLAU_DATA" in named["README.md"]
    unread = [(where, name) for where, names in named.items() for name in sorted(names - read) if not where.startswith("tests/settings/")]
    assert [(where, name) for where, name in unread if not name.startswith("VONGLAU_TEST_")] == []


def test_every_relative_link_leads_somewhere(files: list[Path]) -> None:
    broken = [f"{path.relative_to(ROOT)}: {target}" for path in files if path.suffix == ".md" for target in targets(path) if not resolves(path, target)]
    assert broken == []


@pytest.mark.parametrize("name", READMES_BELOW_150_LINES)
def test_a_readme_stays_below_150_lines(name: str) -> None:
    assert len((ROOT / name).read_text("utf-8").splitlines()) < 150


def targets(document: Path) -> list[str]:
    text = FENCED.sub("", document.read_text("utf-8"))
    return [found["target"] for found in LINK.finditer(text) if not re.match(r"[a-z][a-z0-9+.-]*:", found["target"])]


def resolves(document: Path, target: str) -> bool:
    path, _, anchor = target.partition("#")
    led = (document.parent / path) if path else document
    if not led.exists():
        return False
    return not anchor or led.suffix != ".md" or anchor in {slug(heading) for heading in HEADING.findall(led.read_text("utf-8"))}


def slug(heading: str) -> str:
    """As forges make anchors of headings."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
