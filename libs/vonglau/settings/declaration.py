"""How a setting is declared, and the variables that a class of settings is read from."""
from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

PREFIX = "VONGLAU_"


def setting(default: Any = MISSING, *, unit: str, why: str, choices: tuple[str, ...] = (), at_least: float | None = None) -> Any:
    """A field of a settings class: `grace_s: float = setting(10.0, unit="s", why="…", at_least=0)`.

    unit: what the value counts or names ("s", "bytes", "host:port"). why: the reason for it and for its default.
    Without a default the variable must be set.
    """
    return field(default=default, metadata={"unit": unit, "why": why, "choices": choices, "at_least": at_least})


def group(*, prefix: str = "") -> Any:
    """A field that is itself a settings class; its variables follow `prefix` (upper case, ending in _) after the outer one."""
    return field(metadata={"group": prefix})


@dataclass(frozen=True, slots=True)
class Variable:
    """One environment variable of a settings class."""

    name: str
    kind: type  # str, int, float, bool, Path or tuple (of str)
    optional: bool  # None is a value: the variable is empty or absent
    default: Any  # MISSING: required
    unit: str
    why: str
    choices: tuple[str, ...]  # empty: any
    at_least: float | None


def variables(cls: type[Any], prefix: str = PREFIX) -> Iterator[Variable]:
    """Every variable that the class is read from, in the order of its fields.

    Raises: TypeError for a field that is not declared by `setting` or `group`, or whose type cannot be read from text.
    """
    for declared, hint in declared_fields(cls):
        if "group" in declared.metadata:
            yield from variables(hint, prefix + declared.metadata["group"])
        else:
            yield variable(declared, hint, prefix)


def declared_fields(cls: type[Any]) -> Iterator[tuple[Field[Any], Any]]:
    """The fields with their resolved types."""
    hints = get_type_hints(cls)
    for declared in fields(cls):
        if not {"group", "unit"} & declared.metadata.keys():
            raise TypeError(f"{cls.__name__}.{declared.name} says neither unit nor why: declare it with setting() or group()")
        yield declared, hints[declared.name]


def variable(declared: Field[Any], hint: Any, prefix: str) -> Variable:
    kind, optional = readable_type(declared.name, hint)
    return Variable(prefix + declared.name.upper(), kind, optional, declared.default, **declared.metadata)


def readable_type(name: str, hint: Any) -> tuple[type, bool]:
    optional = get_origin(hint) in (Union, types.UnionType) and type(None) in get_args(hint)
    if optional:
        (hint,) = (part for part in get_args(hint) if part is not type(None))
    if hint == tuple[str, ...]:
        return tuple, optional
    if hint not in (str, int, float, bool, Path):
        raise TypeError(f"{name}: {hint} cannot be read from an environment variable")
    return hint, optional
