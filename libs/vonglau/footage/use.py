"""What a thread reads and somebody else may close at any moment."""
from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Use:
    """Of one thing by one reader at a time: a read in progress ends before the thing is let go, and nothing is left open."""

    def __init__(self, let_go: Callable[[], None]) -> None:
        """let_go: closes the thing, if it was ever opened; called once, in the thread that closes or in the one that read last."""
        self._let_go = let_go
        self._lock = threading.Lock()
        self._reading = self._closed = False

    @contextmanager
    def reading(self) -> Iterator[bool]:
        """False: it is closed, and there is nothing to read."""
        with self._lock:
            if not self._closed:
                self._reading = True
        if not self._reading:
            yield False
            return
        try:
            yield True
        finally:
            with self._lock:
                self._reading = False
                if self._closed:
                    self._let_go()

    def close(self) -> None:
        """More than once is as good as once."""
        with self._lock:
            is_first, self._closed = not self._closed, True
            if is_first and not self._reading:
                self._let_go()
