"""What is said where a person watches, and where none does."""
from __future__ import annotations

import io
import re
from typing import Any, cast

import pytest
from rich.console import Console

from services.standalone import console
from services.standalone.console import Display
from vonglau.cli.session import Session
from vonglau.errors import Unavailable
from vonglau.testing.waiting import eventually

Look = tuple[list[dict[str, Any]], str] | Exception

ENDED = "ingest ended (exit code 1) and is started again in 0.5 s"
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")  # colours and cursor
AWAY = Unavailable("UNREACHABLE", "no answer")


def cameras(recording: int, of: int = 2) -> list[dict[str, Any]]:
    figures = {"cause": "", "name": "gate", "owner": "ward", "bitrate_bps": 0, "recorded_s": 0.0, "gaps": 0, "spool_bytes": 0}
    return [{**figures, "id": f"sim-{number}", "state": "recording" if number <= recording else "connecting"} for number in range(1, of + 1)]


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[Look]:
    """What the services answer, in turn; the last for ever. Those that were asked for are gone."""
    answers: list[Look] = []

    async def look(session: Session) -> tuple[list[dict[str, Any]], str]:
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(console, "look", look)
    monkeypatch.setattr(console, "EVERY_S", 0.001)
    return answers


@pytest.fixture
def display() -> Display:
    return Display(cast(Session, None))


def written(display: Display, *, terminal: bool) -> io.StringIO:
    """Where the display writes from now on."""
    display._console = Console(file=io.StringIO(), width=120, force_terminal=terminal)
    return cast(io.StringIO, display._console.file)


async def test_a_log_has_a_line_for_each_change_and_what_is_said(display: Display, looks: list[Look]) -> None:
    looks += [AWAY, AWAY, (cameras(1), ""), (cameras(1), ""), (cameras(1), "facts wait"), (cameras(2), "")]
    log = written(display, terminal=False)
    async with display.shown():
        await eventually(lambda: "2 of 2" in log.getvalue(), why="the last look")
        display.say(ENDED)
    assert log.getvalue().splitlines() == [
        "the services do not answer yet (UNREACHABLE)",
        "1 of 2 cameras recording; sim-2 connecting",
        "1 of 2 cameras recording; sim-2 connecting (facts wait)",
        "2 of 2 cameras recording",
        ENDED,
    ]


async def test_a_terminal_has_the_table_and_below_it_what_was_said(display: Display, looks: list[Look]) -> None:
    looks += [AWAY, (cameras(2), "facts wait")]
    terminal = written(display, terminal=True)
    async with display.shown():
        display.say("before the first look")  # goes with the first screen
        await eventually(lambda: len(looks) == 1, why="the last look")
        display.say(ENDED)
        display._draw(*cast(tuple[list[dict[str, Any]], str], looks[0]))
    last = CONTROL.sub("", terminal.getvalue()).rpartition("camera ")[2].splitlines()
    assert [row.split()[0] for row in last[1:3]] == ["sim-1", "sim-2"]
    assert "facts wait" in last[3]
    assert ENDED in last[-1]


async def test_of_what_was_said_the_newest_is_kept_for_below_the_table(display: Display) -> None:
    for number in range(9):
        display.say(f"sentence {number}")
    assert display._said == [f"sentence {number}" for number in range(4, 9)]
