"""Reading settings: once, at the start, with every mistake named at once."""
from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import MISSING
from pathlib import Path
from typing import Any, TypeVar

from vonglau.settings.declaration import PREFIX, Variable, declared_fields, variable

S = TypeVar("S")

TRUE, FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


class Misconfigured(Exception):
    """The process cannot start with this environment. `problems` names each variable and what was expected of it."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def load(cls: type[S], environ: Mapping[str, str], *, prefix: str = PREFIX) -> S:
    """An instance of the settings class from the environment.

    An empty variable counts as absent, but for a str it is the empty string. A class may check its fields against each other in
    `__post_init__` by raising ValueError with a sentence that names the variables.
    Raises: Misconfigured with all mistakes.
    """
    problems: list[str] = []
    loaded = read_class(cls, environ, prefix, problems)
    if problems or loaded is None:
        raise Misconfigured(problems)
    return loaded


def read_class(cls: type[S], environ: Mapping[str, str], prefix: str, problems: list[str]) -> S | None:
    """None where a problem was added."""
    before, values = len(problems), {}
    for declared, hint in declared_fields(cls):
        if "group" in declared.metadata:
            values[declared.name] = read_class(hint, environ, prefix + declared.metadata["group"], problems)
        else:
            values[declared.name] = read(variable(declared, hint, prefix), environ, problems)
    if len(problems) > before:
        return None
    try:
        return cls(**values)
    except ValueError as error:
        problems.append(str(error))
        return None


def read(wanted: Variable, environ: Mapping[str, str], problems: list[str]) -> Any:
    text = environ.get(wanted.name)
    if text is None or (not text.strip() and wanted.kind is not str):
        if wanted.default is MISSING and not wanted.optional:
            problems.append(f"{wanted.name} is required: {wanted.unit}; {wanted.why}")
        return None if wanted.default is MISSING else wanted.default
    if not text and wanted.optional:
        return None
    try:
        return within(wanted, parse(wanted.kind, text))
    except ValueError as error:
        problems.append(f"{wanted.name}={text!r} is not {error}; expected: {wanted.unit}")
        return None


def within(wanted: Variable, value: Any) -> Any:
    """The value itself if it is one of those that the declaration allows.

    Raises: ValueError whose text completes "is not …".
    """
    if wanted.choices and value not in wanted.choices:
        raise ValueError(f"one of {', '.join(wanted.choices)}")
    if wanted.at_least is not None and value < wanted.at_least:
        raise ValueError(f"at least {wanted.at_least}")
    return value


def parse(kind: type, text: str) -> Any:
    """Raises: ValueError whose text completes "is not …"."""
    if kind is bool:
        return parse_bool(text)
    if kind is tuple:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if kind in (int, float):
        return parse_number(kind, text)
    return Path(text).expanduser() if kind is Path else text


def parse_bool(text: str) -> bool:
    lowered = text.strip().lower()
    if lowered not in TRUE + FALSE:
        raise ValueError("one of true, false")
    return lowered in TRUE


def parse_number(kind: type, text: str) -> int | float:
    noun = "a whole number" if kind is int else "a finite number"
    try:
        number: int | float = kind(text)
    except ValueError:
        raise ValueError(noun) from None
    if not math.isfinite(number):
        raise ValueError(noun)
    return number
