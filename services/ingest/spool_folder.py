"""The spool's folder belongs to one process at a time: recovery cuts what another one is still writing."""
from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vonglau.errors import Refused


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """The lock goes with the process, however it ends. Raises: Refused (SPOOL_HELD), OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "spool.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused("SPOOL_HELD", f"another process records into {folder}; give this one a spool folder of its own") from None
        yield
