"""Settings: read once, every mistake named at once, shown as a table."""
from __future__ import annotations

from dataclasses import FrozenInstanceError, dataclass
from pathlib import Path
from typing import Any

import pytest

from vonglau.settings import Misconfigured, PlatformSettings, group, load, render_table, setting, variables
from vonglau.settings.table import as_text


@dataclass(frozen=True, kw_only=True)
class Spool:
    limit: int = setting(1 << 30, unit="bytes", why="a day of one camera", at_least=0)
    folder: Path = setting(Path("var/spool"), unit="folder", why="on a disk of its own")


@dataclass(frozen=True, kw_only=True)
class Example:
    url: str = setting(unit="URL", why="there is no sensible default")
    ratio: float = setting(0.5, unit="ratio", why="half is fair")
    quiet: bool = setting(False, unit="true or false", why="people want to see")
    owners: tuple[str, ...] = setting(("police", "ward-12"), unit="ids, by comma", why="the two we know")
    upstream: str | None = setting(None, unit="host:port", why="none on one machine")
    mode: str = setting("fast", unit="mode", why="fast|slow", choices=("fast", "slow"))
    spool: Spool = group(prefix="SPOOL_")


URL = {"VONGLAU_URL": "rtsp://x"}


def problems(environ: dict[str, str], cls: type[Any] = Example) -> list[str]:
    with pytest.raises(Misconfigured) as caught:
        load(cls, environ)
    return caught.value.problems


def test_what_is_not_set_has_its_default() -> None:
    assert load(Example, URL) == Example(url="rtsp://x", spool=Spool())


def test_each_type_is_read_from_text() -> None:
    environ = {
        "VONGLAU_RATIO": "0.25",
        "VONGLAU_QUIET": "Yes",
        "VONGLAU_OWNERS": " a1 , b2,",
        "VONGLAU_UPSTREAM": "far:1",
        "VONGLAU_MODE": "slow",
        "VONGLAU_SPOOL_LIMIT": "7",
        "VONGLAU_SPOOL_FOLDER": "/data/spool",
    }
    read = load(Example, URL | environ)
    assert (read.ratio, read.quiet, read.owners, read.upstream, read.mode) == (0.25, True, ("a1", "b2"), "far:1", "slow")
    assert read.spool == Spool(limit=7, folder=Path("/data/spool"))


def test_a_variable_that_is_required_is_named_when_it_is_missing() -> None:
    (problem,) = problems({})
    assert problem.startswith("VONGLAU_URL is required")


def test_every_wrong_variable_is_named_at_once() -> None:
    wrong = {"VONGLAU_RATIO": "half", "VONGLAU_QUIET": "maybe", "VONGLAU_MODE": "medium", "VONGLAU_SPOOL_LIMIT": "1.5"}
    assert [problem.split("=")[0].split(" ")[0] for problem in problems(wrong)] == [
        "VONGLAU_URL",
        "VONGLAU_RATIO",
        "VONGLAU_QUIET",
        "VONGLAU_MODE",
        "VONGLAU_SPOOL_LIMIT",
    ]


@pytest.mark.parametrize("text", ["nan", "inf", "1e999", "12px"])
def test_a_number_that_is_none_or_endless_is_wrong(text: str) -> None:
    (problem,) = problems(URL | {"VONGLAU_RATIO": text})
    assert text in problem


def test_a_number_below_its_bound_is_wrong() -> None:
    (problem,) = problems(URL | {"VONGLAU_SPOOL_LIMIT": "-1"})
    assert "at least 0" in problem


def test_an_empty_variable_counts_as_absent_but_for_text() -> None:
    empty = dict.fromkeys(("VONGLAU_RATIO", "VONGLAU_QUIET", "VONGLAU_OWNERS", "VONGLAU_SPOOL_FOLDER", "VONGLAU_UPSTREAM"), "")
    assert load(Example, URL | empty) == load(Example, URL)
    assert load(Example, {"VONGLAU_URL": ""}).url == ""


def test_fields_may_be_checked_against_each_other() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Window:
        low: int = setting(1, unit="s", why="low")
        high: int = setting(2, unit="s", why="high")

        def __post_init__(self) -> None:
            if self.low > self.high:
                raise ValueError("VONGLAU_LOW is above VONGLAU_HIGH")

    assert problems({"VONGLAU_LOW": "9"}, Window) == ["VONGLAU_LOW is above VONGLAU_HIGH"]


def test_settings_cannot_be_changed_after_they_were_read() -> None:
    with pytest.raises(FrozenInstanceError):
        load(PlatformSettings, {}).tenant = "other"  # type: ignore[misc]


def test_the_table_has_a_line_for_each_variable_with_unit_default_and_why() -> None:
    lines = render_table(Example).splitlines()
    assert lines[2:] == [
        "| `VONGLAU_URL` | URL | required | there is no sensible default |",
        "| `VONGLAU_RATIO` | ratio | `0.5` | half is fair |",
        "| `VONGLAU_QUIET` | true or false | `false` | people want to see |",
        "| `VONGLAU_OWNERS` | ids, by comma | `police,ward-12` | the two we know |",
        "| `VONGLAU_UPSTREAM` | host:port | unset | none on one machine |",
        "| `VONGLAU_MODE` | fast or slow | `fast` | fast\\|slow |",
        "| `VONGLAU_SPOOL_LIMIT` | bytes, ≥ 0 | `1073741824` | a day of one camera |",
        "| `VONGLAU_SPOOL_FOLDER` | folder | `var/spool` | on a disk of its own |",
    ]


def test_a_default_reads_back_as_itself() -> None:
    text = {each.name: as_text(each.default) for each in variables(PlatformSettings) if each.default is not None}
    assert load(PlatformSettings, text) == PlatformSettings()


def test_a_field_without_unit_and_why_is_refused() -> None:
    @dataclass(frozen=True)
    class Careless:
        limit: int = 5

    with pytest.raises(TypeError, match=r"Careless\.limit"):
        list(variables(Careless))


def test_a_type_that_cannot_be_read_from_text_is_refused() -> None:
    @dataclass(frozen=True)
    class Fancy:
        by_owner: dict[str, int] = setting(unit="", why="")

    with pytest.raises(TypeError, match="by_owner"):
        load(Fancy, {})
