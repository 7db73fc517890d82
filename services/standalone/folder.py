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


def must_have_its_log(folder: Path) -> None:
    """Without its log, footage has no owners and cameras do not exist: a new one would begin as if nothing had ever been recorded.

    Raises: Refused (LOG_MISSING).
    """
    footage, log = folder / "footage", folder / "nats" / "jetstream"
    if footage.is_dir() and any(footage.iterdir()) and not log.exists():
        restore = f"restore {folder / 'nats'} from a backup; to begin a new log, make the folder {log}"
        raise Refused("LOG_MISSING", f"{folder} holds footage, but its log is gone: {restore}")
