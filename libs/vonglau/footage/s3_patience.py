"""How long a call to the store may take: its own bounds, and no longer than whoever waits for it."""
from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from urllib3 import PoolManager, Retry, Timeout

from vonglau.deadline import bounded, has_passed

CONNECT_S, READ_S = 3.0, 30.0  # for each wait on the network
TRIES = 3


class Patience(Timeout):
    """Of each attempt, as it begins."""

    def __init__(self) -> None:
        super().__init__(connect=CONNECT_S, read=READ_S)

    def clone(self) -> Timeout:
        """As urllib3 asks for it before each attempt, in the thread that makes it."""
        return Timeout(connect=bounded(CONNECT_S), read=bounded(READ_S))


class Tries(Retry):
    """None where nobody waits any more."""

    def increment(self, *args: Any, **more: Any) -> Self:
        if has_passed():
            return super(Tries, self.new(total=0)).increment(*args, **more)
        return super().increment(*args, **more)


def tries() -> Tries:
    return Tries(total=TRIES - 1, status=0, backoff_factor=0.1)


def connections(most: int, ca_file: Path | None) -> PoolManager:
    """most: kept open. ca_file: authorities of the store's certificate; None: those of the system."""
    return PoolManager(maxsize=most, timeout=Patience(), retries=tries(), ca_certs=str(ca_file) if ca_file else None)
