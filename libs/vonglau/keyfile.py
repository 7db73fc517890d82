"""Keys that a deployment makes for itself at its first start and keeps in a file that only its user can read."""
from __future__ import annotations

import contextlib
import os
import stat
import uuid
from collections.abc import Callable
from pathlib import Path

from vonglau.errors import Refused

OTHERS = stat.S_IRWXG | stat.S_IRWXO


def key_file(path: Path, make: Callable[[], bytes]) -> bytes:
    """The file's content; made if it is not there. Of several processes that start at once, all get the one that was first.

    Raises: Refused (KEY_FILE_OPEN) when others may read it, OSError.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        _create(path, make())
    found = path.stat()
    if found.st_mode & closed_bits(found.st_uid):
        raise Refused("KEY_FILE_OPEN", f"{path} can be read by others; chmod 600 it, and replace the key if somebody has read it", file=str(path))
    return path.read_bytes()


def closed_bits(owner: int) -> int:
    """Mode bits that must not be set. A mounted Secret belongs to root and is read through the pod's group, so there the group may read."""
    return OTHERS if owner == os.geteuid() else stat.S_IRWXO | stat.S_IWGRP


def _create(path: Path, content: bytes) -> None:
    """Whole and through to the disk before the name shows: what was encrypted or signed with a lost key is lost with it."""
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):  # somebody else was first
            os.link(partial, path)
    finally:
        partial.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
