"""The options that every command has, and how a command becomes an exit code: 0 done, 1 refused or failed, 2 not understood."""
from __future__ import annotations

import functools
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import grpc
import typer

from vonglau.cli.misspelt import Misspelt
from vonglau.cli.output import Output
from vonglau.cli.session import Session, run
from vonglau.errors import Invalid, VonglauError
from vonglau.rpc import error_of

AsPerson = Annotated[str, typer.Option("--as", metavar="PERSON", help="Speak as this person (default: the seeded one).", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Purpose = Annotated[str, typer.Option(help="Why the footage is looked at, e.g. security_order.")]
Case = Annotated[str, typer.Option(metavar="CASE", help="The open case it is looked at for.")]

FAILED, NOT_UNDERSTOOD = 1, 2


def data_folder() -> Path:
    return Path(os.environ.get("VONGLAU_DATA", "var"))


def perform(person: str, as_json: bool, command: Callable[[Session], Awaitable[Any]]) -> None:
    """Run one command and leave with its exit code."""
    session = Session(data_folder(), person, Output(as_json=as_json))
    try:
        with session.output.patience():
            run(functools.partial(command, session))
    except grpc.aio.AioRpcError as error:
        leave(session.output, error_of(error))
    except VonglauError as error:
        leave(session.output, error)
    except OSError as error:
        leave(session.output, Invalid("FILE_UNUSABLE", f"{error.filename or 'a file'}: {error.strerror}"))
    except KeyboardInterrupt:
        raise typer.Exit(FAILED) from None


def leave(output: Output, error: VonglauError) -> None:
    output.failure(error)
    sys.stdout.flush()
    raise typer.Exit(NOT_UNDERSTOOD if isinstance(error, Misspelt) else FAILED)
