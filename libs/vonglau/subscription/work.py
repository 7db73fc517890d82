"""What becomes of events: documents (`views`) or reactions (`reactions`). Either says which keys got stuck, and where."""
from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from vonglau.documents import Write
from vonglau.errors import Conflict, Poison, RetryLater, Unavailable
from vonglau.eventlog.event import Recorded
from vonglau.subscription.parked import Failure

logger = logging.getLogger(__name__)

Groups = Mapping[str, Sequence[Recorded]]  # order key -> its events of one log, in order


@dataclass(slots=True)
class Worked:
    writes: list[Write] = field(default_factory=list)
    failed: dict[str, Failure] = field(default_factory=dict)  # the events before `at` are in the writes


class Work(Protocol):
    async def apply(self, groups: Groups, *, replay: bool = False) -> Worked:
        """replay: they have been parked. Raises: vonglau.errors.Unavailable (documents); what views and handlers raise is in the result."""


class Stuck(Exception):
    """An event could not be applied: its index, and why."""

    def __init__(self, at: int, error: Exception) -> None:
        super().__init__(at)
        self.at = at
        self.error = error

    @property
    def is_final(self) -> bool:
        """Whether trying again at once is of no use."""
        return isinstance(self.error, (Poison, RetryLater, Unavailable, Conflict))

    def failure(self) -> Failure:
        match self.error:
            case Poison(reason=reason):
                return Failure(self.at, reason, str(self.error))
            case RetryLater(delay=delay):
                return Failure(self.at, "RETRY_LATER", str(self.error), delay)
            case Unavailable(reason=reason, retry_after=delay):
                return Failure(self.at, reason, str(self.error), delay)
            case Conflict(reason=reason):
                return Failure(self.at, reason, str(self.error), 1.0)
        return Failure(self.at, type(self.error).__name__, str(self.error))


class Tries:
    """How often a key may fail before its events wait."""

    def __init__(self, limit: int, wait: float) -> None:
        """wait: s, between tries."""
        self._limit = limit
        self._wait = wait
        self._failed: Counter[str] = Counter()

    async def another(self, key: str, stuck: Stuck) -> bool:
        """Whether to try again, after waiting."""
        self._failed[key] += 1
        if stuck.is_final or self._failed[key] >= self._limit:
            logger.warning("event parked: %s", stuck.failure().reason, exc_info=None if stuck.is_final else stuck.error)
            return False
        await asyncio.sleep(self._wait)
        return True
