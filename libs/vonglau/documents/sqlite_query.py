"""Conditions as SQLite expressions over the JSON body. Paths stand in the text, so that indexes on the same expressions are used; values are bound."""
from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from vonglau.documents.port import PATH, Condition, cursor_of

Term = tuple[str, list[Any]]


def expression(path: str) -> str:
    return "id" if path == "_id" else f"json_extract(body, '{_json_path(path)}')"


def _json_path(path: str) -> str:
    """Raises: ValueError for what is no dotted path."""
    if not PATH.fullmatch(path):
        raise ValueError(f"not a field path: {path!r}")
    return "$" + "".join(f'."{step}"' for step in path.split("."))


def _equal(field: str, value: Any) -> Term:
    return (f"{field} IS NULL", []) if value is None else (f"{field} = ?", [value])


def _among(field: str, values: Iterable[Any]) -> Term:
    return f"{field} IN (SELECT value FROM json_each(?))", [json.dumps(list(values))]  # noqa: S608 - a checked path


def _compared(operator: str) -> Callable[[str, Any], Term]:
    return lambda field, value: (f"{field} {operator} ?", [value])


TERMS: dict[str, Callable[[str, Any], Term]] = {"=": _equal, "in": _among} | {operator: _compared(operator) for operator in ("<", "<=", ">", ">=")}


def _contains(path: str, value: Any) -> Term:
    member = f"EXISTS (SELECT 1 FROM json_each(body, '{_json_path(path)}') WHERE value = ?)"  # noqa: S608 - a checked path
    part = f"instr({expression(path)}, ?) > 0" if isinstance(value, str) else "0"
    return f"CASE json_type(body, '{_json_path(path)}') WHEN 'array' THEN {member} ELSE {part} END", [value] * (1 + isinstance(value, str))


def filtered(where: Sequence[Condition]) -> Term:
    """One WHERE clause; tombstones satisfy nothing."""
    terms, values = ["body IS NOT NULL"], []
    for path, operator, value in where:
        term, bound = _contains(path, value) if operator == "contains" else TERMS[operator](expression(path), value)
        terms.append(term)
        values += bound
    return " AND ".join(terms), values


def behind(order: str, after: str, *, descending: bool) -> Term:
    """What comes after a cursor. SQLite sorts NULL first, as the port says.

    Raises: Invalid (CURSOR_MALFORMED).
    """
    value, last = cursor_of(after)
    field, beyond = expression(order), "<" if descending else ">"
    if order == "_id":
        return f"id {beyond} ?", [last]
    if value is None:
        rest = "0" if descending else f"{field} IS NOT NULL"
        return f"({rest} OR ({field} IS NULL AND id {beyond} ?))", [last]
    nulls = f" OR {field} IS NULL" if descending else ""
    return f"({field} {beyond} ?{nulls} OR ({field} = ? AND id {beyond} ?))", [value, value, last]


def ordered(order: str, *, descending: bool) -> str:
    direction = "DESC" if descending else "ASC"
    return f"id {direction}" if order == "_id" else f"{expression(order)} {direction}, id {direction}"
