"""The table of a settings class, as it stands in a service's README."""
from __future__ import annotations

from dataclasses import MISSING
from pathlib import Path
from typing import Any

from vonglau.settings.declaration import PREFIX, Variable, variables


def render_table(cls: type[Any], *, prefix: str = PREFIX) -> str:
    """Markdown: variable, unit, default, why; one line each, in the order of the fields."""
    rows = [f"| `{each.name}` | {cell(unit(each))} | {shown_default(each)} | {cell(each.why)} |" for each in variables(cls, prefix)]
    return "\n".join(["| variable | unit | default | why |", "|---|---|---|---|", *rows])


def unit(variable: Variable) -> str:
    if variable.choices:
        return " or ".join(variable.choices)
    return variable.unit if variable.at_least is None else f"{variable.unit}, ≥ {variable.at_least:g}"


def shown_default(variable: Variable) -> str:
    if variable.default is MISSING:
        return "unset" if variable.optional else "required"
    if variable.default is None:
        return "unset"
    text = as_text(variable.default)
    return f"`{cell(text)}`" if text else "empty"


def as_text(default: Any) -> str:
    """As the variable would have to be written."""
    if isinstance(default, bool):
        return "true" if default else "false"
    if isinstance(default, tuple):
        return ",".join(default)
    return default.as_posix() if isinstance(default, Path) else str(default)


def cell(text: str) -> str:
    return text.replace("|", "\\|")
