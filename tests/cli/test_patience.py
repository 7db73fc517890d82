"""Whoever looks at a terminal sees after a second that a command works; a program, and a quick command's user, see the answer alone."""
from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import Awaitable, Callable
from contextlib import redirect_stderr, redirect_stdout

import pytest
import typer

from vonglau.cli import patience
from vonglau.cli.options import perform
from vonglau.cli.patience import WAITING
from vonglau.cli.session import Session
from vonglau.errors import Refused

ERASED = "\x1b[2K"  # the line that the cursor is on

Command = Callable[[Session], Awaitable[None]]


class Screen(io.StringIO):
    """A terminal that keeps what was written to it."""

    def __init__(self, *, terminal: bool = True) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal

    @property
    def left(self) -> str:
        """What nothing has erased."""
        return self.getvalue().rpartition(ERASED)[2]


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    """Of somebody without any patience."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(patience, "PATIENCE_S", 0.0)
    return Screen()


def performed(command: Command, out: Screen, err: Screen, *, as_json: bool = False) -> None:
    with redirect_stdout(out), redirect_stderr(err):
        perform("", as_json, command)


async def seen(screen: Screen, text: str) -> None:
    """Waits for it."""
    async with asyncio.timeout(20):
        while text not in screen.getvalue():  # noqa: ASYNC110 - a thread writes it
            await asyncio.sleep(0.005)


def test_a_call_that_stalls_shows_that_it_waits(screen: Screen) -> None:
    async def command(_session: Session) -> None:
        await seen(screen, WAITING)

    performed(command, screen, screen)
    assert WAITING not in screen.left


def test_the_answer_stands_alone(screen: Screen) -> None:
    async def command(session: Session) -> None:
        await seen(screen, WAITING)
        session.output.line("market-gate")

    performed(command, screen, screen)
    assert screen.left.count("market-gate\n") == 1
    assert WAITING not in screen.left


def test_nothing_appears_once_the_answer_has_begun(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PATIENCE_S", 3600.0)

    async def command(session: Session) -> None:
        session.output.line("market-gate")
        session.output.line("school")

    performed(command, screen, screen)
    assert screen.getvalue() == "market-gate\nschool\n"


def test_a_refusal_stands_alone(screen: Screen) -> None:
    async def command(_session: Session) -> None:
        await seen(screen, WAITING)
        raise Refused("CAMERA_RETIRED", "a retired camera stays as it was")

    with pytest.raises(typer.Exit):
        performed(command, screen, screen)
    assert "a retired camera stays as it was" in screen.left
    assert WAITING not in screen.left


def test_what_can_be_measured_shows_how_far_it_is(screen: Screen) -> None:
    async def command(session: Session) -> None:
        await seen(screen, WAITING)
        with session.output.progress("importing [red].csv") as meter:
            await seen(screen, "importing [red].csv")
            meter.tell(30, 40, "row 30")
            await seen(screen, "row 30")
            await seen(screen, "75%")

    performed(command, screen, screen)
    assert "importing" not in screen.left


@pytest.mark.parametrize(("as_json", "terminal"), [(True, True), (False, False)])
def test_a_program_sees_nothing_of_it(screen: Screen, monkeypatch: pytest.MonkeyPatch, as_json: bool, terminal: bool) -> None:
    errors = Screen(terminal=terminal)
    begun: list[threading.Thread] = []
    monkeypatch.setattr(threading.Timer, "start", begun.append)

    async def command(session: Session) -> None:
        with session.output.progress("verifying") as meter:
            meter.tell(1, 2)
        session.output.line("done")

    performed(command, screen, errors, as_json=as_json)
    assert (errors.getvalue(), begun) == ("", [])
    assert screen.getvalue() == ("" if as_json else "done\n")
