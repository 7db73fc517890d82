"""Where each slot of a pool belongs: weighted rendezvous hashing (Thaler and Ravishankar 1998), each member's load bounded while others have room. Pure.

Whoever holds a slot keeps it unless it is dead, leaving, over its bound, or another one has the first right to the slot and room to spare.
So a death moves the slots of the dead and nothing else, and a newcomer gets those that hash to it.
"""
from __future__ import annotations

import hashlib
import math
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from services.ingest.slots import SLOTS

ROOM_TO_SPARE = 0.9  # of the bound: a slot moves for its own good only to where it may stay


class Load(NamedTuple):
    cameras: int = 0
    bitrate_bps: int = 0

    def plus(self, other: Load) -> Load:
        return Load(self.cameras + other.cameras, self.bitrate_bps + other.bitrate_bps)

    def fits(self, bound: Load, share: float = 1.0) -> bool:
        return self.cameras <= bound.cameras * share and self.bitrate_bps <= bound.bitrate_bps * share


NONE = Load()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A member with a live lease."""

    node: str
    bound: Load
    is_leaving: bool = False


@dataclass(frozen=True, slots=True)
class Slots:
    """What a pool's slots carry."""

    loads: Mapping[int, Load]  # a slot that is not named carries nothing
    recorded: Mapping[int, int]  # cameras that are recorded where the slot is now: what a move costs
    pins: Mapping[int, str]  # slot -> node


@dataclass
class Placing:
    """One computation."""

    slots: Slots
    staying: Mapping[str, Candidate]
    live: frozenset[str]
    budget: int  # cameras that may begin to move
    holders: list[str]
    used: dict[str, Load] = field(default_factory=dict)

    def run(self) -> None:
        for slot, holder in enumerate(self.holders):
            if holder in self.live:
                self._add(slot, holder)
        for slot, holder in enumerate(self.holders):
            if holder not in self.live:
                self.holders[slot] = ""
                self._give(slot, self._best(slot) or self._least_loaded())
        for slot, holder in enumerate(self.holders):
            if holder not in self.staying:
                self._move(slot, self._best(slot) or self._least_loaded())
            elif self.slots.loads.get(slot) and not self.used[holder].fits(self.staying[holder].bound):
                self._move(slot, self._best(slot))
        for slot, wanted in self._preferred():
            self._move(slot, wanted)

    def _preferred(self) -> Iterable[tuple[int, str]]:
        """Slots that have a better place: a pin, or the member with the first right where that one has room to spare."""
        for slot, wanted in enumerate(first_rights(tuple((each.node, each.bound.cameras) for each in self.staying.values()))):
            pinned = self.slots.pins.get(slot, "")
            if pinned in self.staying:
                yield slot, pinned
            elif self.used.get(wanted, NONE).plus(self._load(slot)).fits(self.staying[wanted].bound, ROOM_TO_SPARE):
                yield slot, wanted

    def _best(self, slot: int) -> str:
        """The staying member with room that has the highest right to it; empty: nobody has room."""
        pinned = self.slots.pins.get(slot, "")
        if pinned in self.staying:
            return pinned
        load = self._load(slot)
        with_room = [each for each in self.staying.values() if load == NONE or self.used.get(each.node, NONE).plus(load).fits(each.bound)]
        return max(with_room, key=lambda each: rights(each.node, each.bound.cameras)[slot]).node if with_room else ""

    def _least_loaded(self) -> str:
        """Where nobody has room, a bound gives way before a camera does."""
        return min(self.staying.values(), key=lambda each: (self.used.get(each.node, NONE).cameras / max(1, each.bound.cameras), each.node)).node

    def _move(self, slot: int, wanted: str) -> None:
        cost = self.slots.recorded.get(slot, 0)
        if wanted in ("", self.holders[slot]) or cost > self.budget:
            return
        self.budget -= cost
        self._give(slot, wanted)

    def _give(self, slot: int, node: str) -> None:
        before, self.holders[slot] = self.holders[slot], node
        if before:
            load, used = self._load(slot), self.used[before]
            self.used[before] = Load(used.cameras - load.cameras, used.bitrate_bps - load.bitrate_bps)
        if node:
            self._add(slot, node)

    def _add(self, slot: int, node: str) -> None:
        self.used[node] = self.used.get(node, NONE).plus(self._load(slot))

    def _load(self, slot: int) -> Load:
        return self.slots.loads.get(slot, NONE)


def placed(slots: Slots, candidates: Iterable[Candidate], before: Sequence[str], movable: int) -> tuple[str, ...]:
    """Who holds each slot from now on.

    before: who holds them now. movable: cameras that may begin to move between live members; those of the dead don't count.
    Where everybody leaves, who is there keeps what it has.
    """
    members = sorted(candidates, key=lambda each: each.node)
    staying = {each.node: each for each in members if not each.is_leaving} or {each.node: each for each in members}
    if not staying:
        return tuple(before)
    placing = Placing(slots, staying, frozenset(each.node for each in members), movable, list(before))
    placing.run()
    return tuple(placing.holders)


@lru_cache(maxsize=1024)
def rights(node: str, weight: int) -> Sequence[float]:
    """By slot, the member's right to it; the highest has it. -weight/ln(u), u in (0, 1) drawn by a hash of member and slot."""
    drawn = array("Q", hashlib.shake_256(node.encode()).digest(8 * SLOTS))
    return array("d", (-weight / math.log((each + 0.5) / 2.0**64) if each < 2**64 - 2**11 else math.inf for each in drawn))


@lru_cache(maxsize=8)
def first_rights(members: tuple[tuple[str, int], ...]) -> Sequence[str]:
    """By slot, the node with the highest right. members: node and weight."""
    names = [node for node, _ in members]
    columns = zip(*(rights(node, weight) for node, weight in members), strict=True)
    return tuple(names[column.index(max(column))] for column in columns)
