"""Table changes and outputs that wait for their commit (exactly_once).

A commit must be a consistent cut. A change may be written only if every earlier change of the same key is written too: the value contains them.
With one agent and no concurrency that holds by itself; with several writers of one key it does not, and the cut is lowered until it does.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from faust.types import TP
from faust.types.tuples import FutureMessage

from .errors import CommitTooLarge


class Change(NamedTuple):
    """One message for the state stream, made while the event (source, offset) was processed; no source: made outside of a stream."""

    source: TP | None
    offset: int
    subject: str
    body: bytes
    headers: Mapping[str, str]
    target: TP
    future: FutureMessage | None


Cut = dict[TP, int]     # next offset to read, per source partition


@dataclass(slots=True)
class Portion:
    """What one atomic batch carries: offsets, and the last change of each subject below them."""

    offsets: Cut
    changes: dict[str, Change]
    covered: list[Change] = field(default_factory=list)


class PendingChanges:
    """Changes in the order in which they were made."""

    def __init__(self) -> None:
        self._made: list[Change] = []

    def __len__(self) -> int:
        return len(self._made)

    @property
    def loose(self) -> int:
        """How many changes belong to no event."""
        return sum(change.source is None for change in self._made)

    def add(self, change: Change) -> None:
        self._made.append(change)

    def clear(self) -> list[Change]:
        made, self._made = self._made, []
        return made

    def remove(self, covered: list[Change]) -> None:
        gone = {id(change) for change in covered}
        self._made = [change for change in self._made if id(change) not in gone]

    def closed(self, wanted: Cut) -> Cut:
        """The largest cut within ``wanted`` that writes no change without the earlier ones of its key; partitions may drop out."""
        return _closed(self._made, wanted)

    def portions(self, cut: Cut, most: int) -> Iterator[Portion]:
        """``cut`` as portions of at most ``most`` messages, each a consistent cut; raises CommitTooLarge if one event needs more.

        They follow the order in which changes were made. Where that allows no end, because agents of one topic work far apart, a narrower cut is
        taken first.
        """
        rest = [change for change in self._made if _within(change, cut)]
        ends, begin, room = _boundaries(rest), 0, most - len(cut)
        while begin < len(rest):
            end = _fit(rest, ends, begin, room)
            if end == len(rest):
                break
            if end > begin:
                covered, begin = rest[begin:end], end
                yield Portion(_offsets(covered), _last(covered), covered)
                continue
            narrow, covered = _narrower(rest[begin:], room)
            yield Portion(narrow, _last(covered), covered)
            gone = {id(change) for change in covered}
            rest, begin = [change for change in rest[begin:] if id(change) not in gone], 0
            ends = _boundaries(rest)
        covered = rest[begin:]
        if covered or cut:
            yield Portion(dict(cut), _last(covered), covered)


def _within(change: Change, cut: Cut) -> bool:
    return change.source is None or change.offset < cut.get(change.source, -1)


def _boundaries(chosen: list[Change]) -> list[bool]:
    """After which changes a batch may end: no event is torn, and no later change belongs to an offset below."""
    lowest: dict[TP, int] = {}
    below = [sys.maxsize] * len(chosen)
    for index in range(len(chosen) - 1, -1, -1):
        source = chosen[index].source
        if source is not None:
            below[index] = lowest.get(source, sys.maxsize)
            lowest[source] = min(chosen[index].offset, below[index])
    highest: dict[TP, int] = {}
    torn: set[TP] = set()
    ends = []
    for index, change in enumerate(chosen):
        if change.source is not None:
            highest[change.source] = max(change.offset, highest.get(change.source, -1))
            (torn.add if highest[change.source] >= below[index] else torn.discard)(change.source)
        ends.append(not torn)
    return ends


def _fit(chosen: list[Change], ends: list[bool], begin: int, most: int) -> int:
    """The furthest end of a batch that begins at ``begin``; ``begin`` itself where there is none."""
    subjects: set[str] = set()
    end = begin
    for index in range(begin, len(chosen)):
        subjects.add(chosen[index].subject)
        if len(subjects) > most:
            break
        if ends[index]:
            end = index + 1
    return end


def _closed(made: list[Change], wanted: Cut) -> Cut:
    cut = dict(wanted)
    while True:
        lowered = False
        held: set[str] = set()
        for change in made:
            if not _within(change, cut):
                held.add(change.subject)
            elif change.subject in held and change.source is not None:
                cut[change.source] = change.offset
                lowered = True
        if not lowered:
            return cut


def _narrower(rest: list[Change], most: int) -> tuple[Cut, list[Change]]:
    """The first events of each partition, as many as one batch holds; raises CommitTooLarge when it does not hold one."""
    low: Cut = {}
    high: Cut = {}
    for change in rest:
        if change.source is not None:
            low[change.source] = min(change.offset, low.get(change.source, change.offset))
            high[change.source] = max(change.offset + 1, high.get(change.source, 0))
    widths = {tp: high[tp] - low[tp] for tp in low}
    shares = [2**power for power in range(1, max(widths.values(), default=1).bit_length() + 1)]
    wanted = [{tp: low[tp] + max(1, width // share) for tp, width in widths.items()} for share in shares]
    for tried in (*wanted, *({tp: offset + 1} for tp, offset in low.items())):
        cut = _closed(rest, tried)
        covered = [change for change in rest if _within(change, cut)]
        if covered and len(_last(covered)) <= most:
            return {tp: offset for tp, offset in cut.items() if offset > low[tp]}, covered
    event = rest[0]
    raise CommitTooLarge(
        f"the event at {event.source} offset {event.offset} changes more than {most} table keys or outputs at once; an atomic batch holds no more: "
        "split the event, or keep the many values under one key"
    )


def _last(covered: list[Change]) -> dict[str, Change]:
    return {change.subject: change for change in covered}


def _offsets(covered: list[Change]) -> Cut:
    offsets: Cut = {}
    for change in covered:
        if change.source is not None:
            offsets[change.source] = max(offsets.get(change.source, 0), change.offset + 1)
    return offsets
