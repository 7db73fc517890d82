"""Keeps the newest loaded histories, so that a load reads only what came since. Dropping it changes nothing but time."""
from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any, TypeVar

from vonglau.eventlog.decision import Fold
from vonglau.eventlog.event import AggregateStream
from vonglau.eventlog.history import History

S = TypeVar("S")


class StateCache:
    """Least recently used first out, bounded by a number of aggregates."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._kept: OrderedDict[AggregateStream, History[Any]] = OrderedDict()

    def get(self, stream: AggregateStream, fold: Fold[S]) -> History[S] | None:
        history = self._kept.get(stream)
        if history is None or history.fold is not fold:
            return None
        self._kept.move_to_end(stream)
        return history

    def keep(self, histories: Iterable[History[Any]]) -> None:
        for history in histories:
            if self._capacity:
                self._kept[history.stream] = history
                self._kept.move_to_end(history.stream)
        while len(self._kept) > self._capacity:
            self._kept.popitem(last=False)

    def forget(self, streams: Iterable[AggregateStream]) -> None:
        for stream in streams:
            self._kept.pop(stream, None)
