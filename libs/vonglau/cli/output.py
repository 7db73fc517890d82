"""What a command prints: a table for people, one JSON document for programs, and how far it is when it takes longer than a second."""
from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from vonglau.cli.patience import Patience
from vonglau.errors import VonglauError

WIDE, PIPED = 120, 400  # columns of the terminal
YIELDING = ("name", "owner", "administrators", "main stream", "message", "value")  # these are cut first where it is narrow
UNSEEN = ("Cc", "Cf", "Zl", "Zp")  # Unicode categories

HINTS = {
    "ADDRESS_UNKNOWN": "is the platform running? `make run` starts it; VONGLAU_DATA names its folder",
    "UNREACHABLE": "is the platform running? `make run` starts it",
    "TOKEN_EXPIRED": "take a new one: `vonglau token`",
    "OWNER_NOT_VISIBLE": "see `vonglau owner list`, or register it: `vonglau owner add`",
    "CAMERA_NOT_VISIBLE": "see `vonglau camera list`; another owner's camera does not show",
    "STREAM_URL_TAKEN": "each stream belongs to one camera; see `vonglau camera list --search`",
    "ID_MALFORMED": "ids are 3 to 40 of a-z, 0-9 and '-'",
}


class Output:
    """Standard output carries the answer and nothing else; all the rest goes to standard error."""

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self.out = Console() if sys.stdout.isatty() else Console(width=PIPED)  # a program that reads lines wants them whole
        self.err = Console(stderr=True)
        self._patience = Patience(self.err, shown=not as_json and self.err.file.isatty())  # a program reads JSON, and what is no terminal

    def document(self, content: Mapping[str, Any]) -> None:
        sys.stdout.write(orjson.dumps(content, option=orjson.OPT_INDENT_2).decode() + "\n")
        sys.stdout.flush()

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]], empty: str) -> None:
        """A column whose name ends in → stands at the right; one that begins with + is left out where the terminal is narrow.

        empty: the sentence that stands there instead of a table without rows.
        """
        self.quiet()
        if not rows:
            self.out.print(empty, highlight=False, soft_wrap=True)
            return
        shown = [index for index, column in enumerate(columns) if self.out.width >= WIDE or not column.startswith("+")]
        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in (columns[index] for index in shown):
            name = column.removeprefix("+").removesuffix("→").rstrip()
            table.add_column(name, justify="right" if column.endswith("→") else "left", no_wrap=name not in YIELDING)
        for row in rows:
            table.add_row(*(Text(plain(row[index]), no_wrap=True, overflow="ellipsis") for index in shown))
        self.out.print(table)

    def line(self, text: str) -> None:
        """For people only."""
        self.quiet()
        if not self.as_json:
            self.out.print(Text(plain(text)), highlight=False, soft_wrap=True)

    def failure(self, error: VonglauError) -> None:
        self.quiet()
        if self.as_json:
            content = {"error": {"reason": error.reason, "message": error.message, "metadata": error.metadata}}
            sys.stderr.write(orjson.dumps(content).decode() + "\n")
            return
        hint = HINTS.get(error.reason, "")
        told = Text.assemble(("error", "bold red"), f" {plain(error.message)} ", (plain(error.reason), "dim"), f"\n  {hint}" if hint else "")
        self.err.print(told, highlight=False, soft_wrap=True)

    @contextmanager
    def patience(self) -> Iterator[None]:
        """While this lasts and nothing is printed, standard error shows after a second that the command works."""
        self._patience.begin()
        try:
            yield
        finally:
            self.quiet()

    @contextmanager
    def progress(self, what: str) -> Iterator[Patience]:
        """It is called by this name meanwhile, and what is yielded can be told how far it is."""
        with self._patience.measured(what):
            yield self._patience

    def quiet(self) -> None:
        """The answer begins: nothing else appears on the terminal any more."""
        self._patience.end()


def plain(text: str) -> str:
    """For a terminal: nothing in data steers it, or turns the direction of the letters that follow."""
    return "".join(letter if letter == "\n" or unicodedata.category(letter) not in UNSEEN else "\ufffd" for letter in text)
