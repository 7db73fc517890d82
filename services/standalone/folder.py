"""The data folder: who holds it, and where the platform that runs on it can be reached."""
from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vonglau.errors import Refused


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Nobody else runs a platform on this folder meanwhile; the lock goes with the process, however it ends.

    Raises: Refused (DATA_FOLDER_HELD), OSError where the folder can't be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "platform.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            pid = lock.read().strip() or "unknown"
            raise Refused("DATA_FOLDER_HELD", f"a platform runs on {folder} already (process {pid}); set VONGLAU_DATA to another folder") from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield
