"""Sets of half-open intervals [start, end): sorted, disjoint, none empty."""
from __future__ import annotations

from collections.abc import Iterable

Interval = tuple[int, int]


def union(intervals: Iterable[Interval], tolerance: int = 0) -> list[Interval]:
    """Holes of at most `tolerance` are closed."""
    joined: list[Interval] = []
    for start, end in sorted(intervals):
        if joined and start - joined[-1][1] <= tolerance:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        elif end > start:
            joined.append((start, end))
    return joined


def within(intervals: Iterable[Interval], start: int, end: int) -> list[Interval]:
    return [(max(first, start), min(last, end)) for first, last in intervals if first < end and last > start]


def minus(intervals: list[Interval], taken: list[Interval]) -> list[Interval]:
    """What of the first set the second one leaves."""
    left: list[Interval] = []
    position = 0
    for start, end in intervals:
        while position < len(taken) and taken[position][1] <= start:
            position += 1
        at = start
        for first, last in taken[position:]:
            if first >= end:
                break
            if first > at:
                left.append((at, first))
            at = max(at, last)
        if at < end:
            left.append((at, end))
    return left


def common(intervals: list[Interval], others: list[Interval]) -> list[Interval]:
    return minus(intervals, minus(intervals, others))
