"""The deadline of the call that is being answered, known to whatever works for it without being handed through every signature."""
from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

FOR_THE_ANSWER, FOR_THE_ANSWER_S = 0.1, 0.25  # the part of a call's time, and the most of it, in which its answer travels
_ends: ContextVar[float | None] = ContextVar("deadline", default=None)  # monotonic s


@contextmanager
def within(seconds: float | None) -> Iterator[None]:
    """What runs inside, tasks that it starts too, works for a call that ends in so many seconds; None: it has no end.

    Its steps end a little earlier, so that the caller learns why.
    """
    token = _ends.set(None if seconds is None else time.monotonic() + seconds - min(seconds * FOR_THE_ANSWER, FOR_THE_ANSWER_S))
    try:
        yield
    finally:
        _ends.reset(token)


def bounded(most: float) -> float:
    """Seconds that a step may take: what is left to the call, at most `most`.

    A deadline that has passed binds nobody: its call was cancelled then, and what still runs was started to outlive it.
    """
    ends = _ends.get()
    left = most if ends is None else ends - time.monotonic()
    return min(most, left) if left > 0 else most


def has_passed() -> bool:
    """Whether the call has ended, so that nobody waits for another try."""
    ends = _ends.get()
    return ends is not None and time.monotonic() >= ends
