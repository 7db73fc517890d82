"""A disk of a size that a test can fill."""
from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(folder: Path, mib: int) -> Iterator[Path]:
    """A real file system on that folder. Skips where mounting is not permitted."""
    folder.mkdir()
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mib}m", "none", str(folder)], capture_output=True).returncode:  # noqa: S607
        pytest.skip("mounting is not permitted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)  # noqa: S607


class Ballast:
    """What others keep on the disk."""

    def __init__(self, disk: Path) -> None:
        self._disk, self._file = disk, disk / "ballast"

    def leave(self, free: int) -> None:
        """Bytes."""
        found = os.statvfs(self._disk)
        self._file.write_bytes(bytes(found.f_bavail * found.f_frsize - free))

    def remove(self) -> None:
        self._file.unlink()
