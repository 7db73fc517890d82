"""Gaps are derived, not asserted: the complement of recorded spans within the time a camera was meant to record, with causes laid over it.

- A hole between facts of one epoch is a gap at once. Between epochs it is pending until the older ones are closed. Later than the newest
  fact it is pending, except where an interruption that still lasts says why nothing comes.
- Overlapping epochs count once. One frame of tolerance at each boundary.
- What no cause covers is unexplained.
"""
from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import NamedTuple

from services.recording.intervals import Interval, common, minus, union, within
from vonglau.ingest.v1.events_pb2 import (
    GAP_CAUSE_MOVED,
    GAP_CAUSE_RETENTION_DELETED,
    GAP_CAUSE_SPOOL_LOST,
    GAP_CAUSE_SUSPENDED,
    GAP_CAUSE_UNEXPLAINED,
    GAP_CAUSE_UNKNOWN,
    GAP_CAUSE_WRITER_FAILED,
)
from vonglau.recording.v1.service_pb2 import STRETCH_KIND_GAP, STRETCH_KIND_NOT_MEANT, STRETCH_KIND_PENDING, STRETCH_KIND_RECORDED

FRAME_NS = 100_000_000  # one frame of the slowest rate in use, 10 per second: the tolerance at a boundary
FOREVER = 2**63 - 1
WEAK = (GAP_CAUSE_MOVED, GAP_CAUSE_WRITER_FAILED, GAP_CAUSE_SPOOL_LOST)  # say what became of a process, each more than those before it


class Span(NamedTuple):
    """Recorded time: a segment, or a run of them without a missing packet."""

    start: int  # ns
    end: int  # ns
    epoch: int
    first: int
    last: int
    contiguous: bool  # with the segment before it in its epoch
    deleted: bool = False
    spooled: bool = False  # not stored yet; says nothing of the segments before it


class Interruption(NamedTuple):
    begun: int  # ns
    ended: int  # ns; 0: nobody told
    cause: int
    detail: str = ""


class Stretch(NamedTuple):
    kind: int
    start: int  # ns
    end: int  # ns
    cause: int = 0
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """Everything that the derivation rests on. Spans may lie outside the range: the nearest on each side tell whether a hole is final."""

    spans: Sequence[Span]
    interruptions: Sequence[Interruption] = ()
    meant: Sequence[tuple[int, int | None]] = ((0, None),)  # registered and neither suspended nor retired
    registered: int = 0
    retired: int | None = None
    open_epochs: frozenset[int] = field(default=frozenset())
    unknown: Sequence[Interval] = ()  # restored from a bucket alone
    now: int = FOREVER


def derive(known: Known, start: int, end: int) -> list[Stretch]:
    """The range in order and without holes; the lengths add up to it exactly."""
    spans = settled(known.spans)
    recorded = within(union(((span.start, span.end) for span in spans if not span.deleted), FRAME_NS), start, end)
    covered = within(union(((span.start, span.end) for span in spans), FRAME_NS), start, end)
    deleted = minus(covered, recorded)
    rest = minus([(start, end)], covered)
    alive = [(known.registered, FOREVER if known.retired is None else known.retired)]
    meant = union((begun, FOREVER if ended is None else ended) for begun, ended in known.meant)
    idle, rest = minus(rest, alive), common(rest, alive)
    suspended, holes = minus(rest, meant), common(rest, meant)
    stretches = [
        *(Stretch(STRETCH_KIND_RECORDED, *each) for each in recorded),
        *(Stretch(STRETCH_KIND_GAP, *each, GAP_CAUSE_RETENTION_DELETED) for each in deleted),
        *(Stretch(STRETCH_KIND_NOT_MEANT, *each) for each in idle),
        *(Stretch(STRETCH_KIND_GAP, *each, GAP_CAUSE_SUSPENDED) for each in suspended),
    ]
    order = Order(spans)
    lasting = sorted(each if each.ended else each._replace(ended=order.resumed(each.begun, known.now)) for each in known.interruptions)
    for hole in holes:
        stretches += explained(hole, order.is_pending(hole, known.open_epochs), lasting, known.unknown)
    return joined(absorbed(sorted(stretches, key=lambda each: each.start)))


def settled(spans: Iterable[Span]) -> list[Span]:
    """In the order of time. A span ends where the next of its epoch begins if no packet is missing between; stored beats spooled."""
    once: dict[tuple[int, int], Span] = {}
    for span in spans:
        name = (span.epoch, span.first)
        present = once.get(name)
        if present is None or (present.spooled and not span.spooled):
            once[name] = span
    ordered = [once[name] for name in sorted(once)]
    for position, (span, following) in enumerate(pairwise(ordered)):
        if following.contiguous and following.epoch == span.epoch and following.first == span.last + 1 and following.start > span.end:
            ordered[position] = span._replace(end=following.start)
    return sorted(ordered)


class Order:
    """What stands left and right of a hole."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self._spans = spans
        self._starts = [span.start for span in spans]
        self._latest = list(accumulate(spans, later))

    def resumed(self, at: int, now: int) -> int:
        """When something is recorded again; an interruption that nobody ended lasts until then."""
        position = bisect_left(self._starts, at)
        return self._starts[position] if position < len(self._starts) else max(at, now)

    def is_pending(self, hole: Interval, open_epochs: frozenset[int]) -> bool:
        before, after = bisect_left(self._starts, hole[0]), bisect_left(self._starts, hole[1] - FRAME_NS)
        if after == len(self._spans):
            return True
        left, right = self._latest[before - 1] if before else None, self._spans[after]
        if left is not None and left.epoch == right.epoch:
            return right.spooled and right.first > left.last + 1
        if right.spooled and right.first > 0:
            return True
        older = {epoch for epoch in open_epochs if (0 if left is None else left.epoch) <= epoch < right.epoch}
        return bool(older) and bool(older - {span.epoch for span in self._spans[after:] if not span.spooled})


def later(one: Span, other: Span) -> Span:
    """The one that ends last."""
    return one if one.end >= other.end else other


def explained(hole: Interval, pending: bool, interruptions: Sequence[Interruption], unknown: Sequence[Interval]) -> list[Stretch]:
    """Where several causes cover an instant what happened to the camera counts, then what happened to its process; of the same kind what began last."""
    over = sorted((each for each in interruptions if each.begun < hole[1] and each.ended > hole[0]), key=strength)
    stretches: list[Stretch] = []
    rest = [hole]
    for each in reversed(over):
        laid = common(rest, [(each.begun, each.ended)])
        stretches += (Stretch(STRETCH_KIND_GAP, *part, each.cause, each.detail) for part in laid)
        rest = minus(rest, laid)
    if pending:
        return stretches + [Stretch(STRETCH_KIND_PENDING, *part) for part in rest]
    blank = common(rest, union(unknown))
    stretches += (Stretch(STRETCH_KIND_GAP, *part, GAP_CAUSE_UNKNOWN) for part in blank)
    return stretches + [Stretch(STRETCH_KIND_GAP, *part, GAP_CAUSE_UNEXPLAINED) for part in minus(rest, blank)]


def strength(interruption: Interruption) -> int:
    return WEAK.index(interruption.cause) if interruption.cause in WEAK else len(WEAK)


def absorbed(stretches: list[Stretch]) -> list[Stretch]:
    """At most a frame that nothing explains goes to its neighbour: a gap with a cause before a recorded span."""
    kept: list[Stretch] = []
    for position, each in enumerate(stretches):
        open_cause = each.kind == STRETCH_KIND_PENDING or each.cause == GAP_CAUSE_UNEXPLAINED
        after = stretches[position + 1] if position + 1 < len(stretches) else None
        if not open_cause or each.end - each.start > FRAME_NS or (not kept and after is None):
            kept.append(each)
        elif kept and (after is None or after.kind != STRETCH_KIND_GAP or after.cause == GAP_CAUSE_UNEXPLAINED):
            kept[-1] = kept[-1]._replace(end=each.end)
        else:
            stretches[position + 1] = after._replace(start=each.start)  # type: ignore[union-attr]
    return kept


def joined(stretches: list[Stretch]) -> list[Stretch]:
    merged: list[Stretch] = []
    for each in stretches:
        if merged and (merged[-1].kind, merged[-1].cause, merged[-1].detail) == (each.kind, each.cause, each.detail):
            merged[-1] = merged[-1]._replace(end=each.end)
        else:
            merged.append(each)
    return merged
