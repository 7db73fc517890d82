"""Conditions as MongoDB filters over the body.

MongoDB looks into arrays by itself (`{tags: "north"}` is a member of a list, `a.b` a field of each member); the port does not, so every path is
kept from it. A field with an array on its way leads nowhere, and what leads nowhere equals None.
"""
from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from vonglau.documents.port import PATH, Condition, cursor_of

Filter = dict[str, Any]
NO_ARRAY: Filter = {"$not": {"$type": "array"}}
COMPARED = {"<": "$lt", "<=": "$lte", ">": "$gt", ">=": "$gte"}
THERE: Filter = {"body": {"$exists": True}}  # not a tombstone


def place(path: str) -> str:
    """Where MongoDB finds a field. Raises: ValueError for what is no dotted path."""
    if not PATH.fullmatch(path):
        raise ValueError(f"not a field path: {path!r}")
    return "_id" if path == "_id" else f"body.{path}"


def filtered(where: Sequence[Condition]) -> Filter:
    """One filter; tombstones satisfy nothing."""
    return {"$and": [THERE, *(TERMS[operator](path, value) for path, operator, value in where)]}


def _on_the_way(path: str) -> list[str]:
    """The fields above the last step."""
    steps = place(path).split(".")
    return [".".join(steps[:length]) for length in range(2, len(steps))]


def _scalar(path: str, *terms: Filter) -> Filter:
    """The value itself satisfies the terms, not a member of it."""
    return {"$and": [{place(path): NO_ARRAY}, *({above: NO_ARRAY} for above in _on_the_way(path)), *({place(path): term} for term in terms)]}


def _equal(path: str, value: Any) -> Filter:
    if value is not None:
        return _scalar(path, {"$eq": value})
    return {"$or": [_scalar(path, {"$eq": None}), *({above: {"$type": "array"}} for above in _on_the_way(path))]}


def _among(path: str, values: Any) -> Filter:
    return _scalar(path, {"$in": [value for value in values if value is not None]})


def _compared(operator: str) -> Callable[[str, Any], Filter]:
    return lambda path, value: _scalar(path, {COMPARED[operator]: value})


def _contains(path: str, value: Any) -> Filter:
    member: Filter = {place(path): {"$type": "array", "$elemMatch": {"$eq": value}}}
    above = [{above: NO_ARRAY} for above in _on_the_way(path)]
    if not isinstance(value, str):
        return {"$and": [member, *above]}
    part = re.escape(value).replace("\0", r"\x00")  # a pattern holds no NUL
    return {"$or": [{"$and": [member, *above]}, _scalar(path, {"$type": "string"}, {"$regex": part})]}


TERMS: dict[str, Callable[[str, Any], Filter]] = {"=": _equal, "in": _among, "contains": _contains} | {each: _compared(each) for each in COMPARED}


def behind(order: str, after: str, *, descending: bool) -> Filter:
    """What comes after a cursor. MongoDB sorts null first, as the port says.

    Raises: Invalid (CURSOR_MALFORMED).
    """
    value, last = cursor_of(after)
    field, beyond = place(order), "$lt" if descending else "$gt"
    if order == "_id":
        return {"_id": {beyond: last}}
    tie = {"$and": [{field: {"$eq": value}}, {"_id": {beyond: last}}]}
    if value is None:
        return tie if descending else {"$or": [{field: {"$ne": None}}, tie]}
    nulls = [{field: {"$eq": None}}] if descending else []
    return {"$or": [{field: {beyond: value}}, *nulls, tie]}


def ordered(order: str, *, descending: bool) -> list[tuple[str, int]]:
    direction = -1 if descending else 1
    return [("_id", direction)] if order == "_id" else [(place(order), direction), ("_id", direction)]
