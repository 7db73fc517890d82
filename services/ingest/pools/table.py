"""The slot table of a pool: who records each of its slots. Pure.

    slots.<pool>    {"members": ["ingest-0", …], "slots": base64 of 4,096 little-endian uint16: 0 nobody, n the n-th member}
"""
from __future__ import annotations

import base64
import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass

import orjson

from services.ingest.slots import SLOTS

Holders = tuple[str, ...]  # by slot, the member's node; empty: nobody
NOBODY: Holders = ("",) * SLOTS


@dataclass(frozen=True, slots=True)
class SlotTable:
    revision: int  # of the bucket; 0: there is none
    holders: Holders

    def encode(self) -> bytes:
        members = sorted(set(self.holders) - {""})
        number = {"": 0, **{member: index for index, member in enumerate(members, 1)}}
        slots = array("H", (number[holder] for holder in self.holders))
        return orjson.dumps({"members": members, "slots": base64.b64encode(little_endian(slots).tobytes()).decode()})

    def moved(self, since: SlotTable) -> Iterator[int]:
        """Slots whose holder is another one than it was."""
        return (slot for slot, (now, before) in enumerate(zip(self.holders, since.holders, strict=True)) if now != before)


EMPTY = SlotTable(0, NOBODY)


def decode(revision: int, value: bytes) -> SlotTable:
    """Raises: ValueError where it can't be read."""
    try:
        fields = orjson.loads(value)
        slots = array("H", base64.b64decode(fields["slots"], validate=True))
        names = ["", *map(str, fields["members"])]
        holders = tuple(names[index] for index in little_endian(slots))
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise ValueError(f"not a slot table: {error!r}") from error
    if len(holders) != SLOTS:
        raise ValueError(f"a slot table has {SLOTS} slots, not {len(holders)}")
    return SlotTable(revision, holders)


def little_endian(slots: array[int]) -> array[int]:
    """To and fro."""
    if sys.byteorder == "big":
        slots = array("H", slots)
        slots.byteswap()
    return slots
