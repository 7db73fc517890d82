"""What a person sees on standard error while a command takes longer than a second: that it waits, or how far it is."""
from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

PATIENCE_S = 1.0  # before anything appears
WAITING = "waiting for an answer"
WHAT, NOTE = TextColumn("{task.description}", markup=False), TextColumn("{task.fields[note]}", markup=False)


class Patience:
    """One command's display. A thread of its own lets it appear, so that it does whatever the command is busy with."""

    def __init__(self, console: Console, *, shown: bool) -> None:
        """shown: whether a person looks at the console."""
        self._shown = shown
        self._waiting = (SpinnerColumn(), WHAT, TimeElapsedColumn(), NOTE)
        self._measured = (WHAT, BarColumn(), TaskProgressColumn(), TimeRemainingColumn(), NOTE)
        self._display = Progress(*self._waiting, console=console, transient=True, redirect_stdout=False, redirect_stderr=False)
        self._task = self._display.add_task(WAITING, total=None, note="")
        self._timer = threading.Timer(PATIENCE_S, self._appear)
        self._timer.daemon = True
        self._turn = threading.Lock()
        self._over = not shown

    def begin(self) -> None:
        if self._shown:
            self._timer.start()

    def end(self) -> None:
        """Nothing is left on the terminal, and nothing appears any more. May be called again."""
        with self._turn:
            if not self._over:
                self._over = True
                self._timer.cancel()
                self._display.stop()

    def _appear(self) -> None:
        with self._turn:
            if not self._over:
                self._display.start()

    @contextmanager
    def measured(self, what: str) -> Iterator[None]:
        """While this lasts it is called by this name, and `tell` says how far it is."""
        self._call(what)
        try:
            yield
        finally:
            self._call(WAITING)

    def tell(self, done: float, total: float | None = None, note: str = "") -> None:
        """total: None where nobody knows it. Cheap."""
        self._display.columns = self._waiting if total is None else self._measured
        self._display.update(self._task, completed=done, total=total, note=note)

    def _call(self, what: str) -> None:
        self._display.columns = self._waiting
        self._display.remove_task(self._task)
        self._task = self._display.add_task(what, total=None, note="")
