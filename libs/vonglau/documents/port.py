"""What a document store must do. Adapters: sqlite and mongo; one contract suite for both. Documents are views: they can be dropped and rebuilt.

A document is a dict of JSON values (integers within 64 bits, signed) with two fields of the store's own: `_id`, and `_seq`, its guard:
per log the sequence of the event that last changed it. Field paths are dotted (`stream.main.codec`).
"""
from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol

from vonglau.errors import Invalid

Document = dict[str, Any]
Operator = Literal["=", "in", "<", "<=", ">", ">=", "contains"]
PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(\.[A-Za-z0-9_][A-Za-z0-9_-]*)*")  # of a field
BUILDING = "~new"  # ends the names of what a rebuild fills until it is switched in


class Condition(NamedTuple):
    """`contains` is a substring of a text (letter by letter) or a member of a list; a missing field equals None and satisfies nothing else."""

    field: str
    op: Operator
    value: Any


class Index(NamedTuple):
    """Fields that are asked for together, the one with equality first."""

    fields: tuple[str, ...]


class Stored(NamedTuple):
    """A document as a projection sees it; `document` is None behind a tombstone."""

    document: Document | None
    guard: Mapping[str, int]  # log -> sequence that last changed it
    key: str  # the order key that it belongs to


class Write(NamedTuple):
    """A document's next state, computed from the state under guard `base`."""

    collection: str
    id: str
    document: Document | None  # None leaves a tombstone, which keeps the guard
    log: str
    sequence: int  # of the last event that is in it
    base: Mapping[str, int]  # guard of the state that it was computed from; empty: there was none
    key: str = ""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Everything of the log up to `sequence` that the projection reads is in its documents or parked."""

    projection: str
    log: str
    sequence: int
    created_ns: int  # when the stream was created; tells a replaced stream
    updated_ns: int


@dataclass(frozen=True, slots=True)
class Changes:
    """What one batch of events brings about."""

    writes: Sequence[Write] = ()
    checkpoint: Checkpoint | None = None
    follows: int | None = None  # sequence of the saved checkpoint that this one goes on from; None: there must be none
    forgotten: Sequence[tuple[str, str]] = field(default=())  # (collection, id) removed without a tombstone: only what needs no guard


class Overtaken(Exception):
    """Somebody else wrote meanwhile: read again and go on from the saved checkpoint."""


class Documents(Protocol):
    """Every method may raise vonglau.errors.Unavailable (DOCUMENTS_UNAVAILABLE, DOCUMENTS_FULL)."""

    async def prepare(self, collection: str, indexes: Iterable[Index] = ()) -> None:
        """Make sure that the collection is there with these indexes and no others."""

    async def get(self, collection: str, id: str) -> Document | None:  # noqa: A002 - the word of the domain
        """None where there is none, or a tombstone, or no such collection."""

    async def get_many(self, collection: str, ids: Iterable[str]) -> dict[str, Document]:
        """Those that are there, by id."""

    async def find(
        self, collection: str, *where: Condition, order: str = "_id", descending: bool = False, after: str = "", limit: int = 100
    ) -> list[Document]:
        """Those that satisfy every condition, by `order` (None first) and then by id; `after` is `cursor(last, order)` of the page before."""

    async def count(self, collection: str, *where: Condition) -> int:
        """How many satisfy every condition."""

    async def read(self, collection: str, ids: Iterable[str]) -> dict[str, Stored]:
        """For projections: with guards and tombstones, always the newest."""

    async def apply(self, changes: Changes) -> None:
        """Write documents under their guards, then the checkpoint. Durable against a killed process when it returns.

        A write whose sequence the stored guard has reached for that log is skipped. One whose base is no longer the stored guard, and a
        checkpoint that does not follow the saved one, raise Overtaken; the checkpoint is not moved then.

        The order is documents, forgotten, checkpoint. A store with transactions does all or nothing; one without may have done a part when
        it fails or is killed: the events come again, and the guards make them harmless.
        """

    async def checkpoints(self, projection: str) -> dict[str, Checkpoint]:
        """By log."""

    async def swap(self, projection: str, collections: Iterable[str]) -> None:
        """Put `<name>~new` in the place of each collection and then its checkpoints in the place of the projection's; drop what was there.

        Repeatable: where there is no `<name>~new` any more, nothing is done. Readers see the old or the new, never none.
        """

    async def drop(self, projection: str, collections: Iterable[str]) -> None:
        """Remove the collections and then the projection's checkpoints."""

    async def close(self) -> None:
        """Finish what runs, then let go of the store."""


def building(name: str) -> str:
    return name + BUILDING


def value_at(document: Mapping[str, Any], path: str) -> Any:
    """The value of a dotted path; None where it leads nowhere."""
    value: Any = document
    for step in path.split("."):
        if not isinstance(value, Mapping) or step not in value:
            return None
        value = value[step]
    return value


def cursor(document: Mapping[str, Any], order: str = "_id") -> str:
    """Where a page ended, for `find(after=…)` with the same order."""
    return json.dumps([value_at(document, order), document["_id"]])


def cursor_of(text: str) -> tuple[Any, str]:
    """The value that was ordered by and the id. Raises: Invalid (CURSOR_MALFORMED)."""
    try:
        value, last = json.loads(text)
    except (ValueError, TypeError):
        value, last = None, None
    if not isinstance(last, str) or not can_be_bound(value):
        raise Invalid("CURSOR_MALFORMED", f"not a cursor of this collection: {text[:60]!r}", field="page_token")
    return value, last


def can_be_bound(value: Any) -> bool:
    """Whether a store takes it: a JSON scalar, an integer within 64 bits."""
    return value is None or isinstance(value, (str, float)) or (isinstance(value, int) and -(2**63) <= value < 2**63)
