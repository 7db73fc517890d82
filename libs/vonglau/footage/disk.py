"""The steps on a file system that keep footage through a crash, and what its refusals mean."""
from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from vonglau.errors import Unavailable
from vonglau.footage.use import Use

FULL = {errno.ENOSPC, errno.EDQUOT}
NO_FILE = {errno.ELOOP, errno.ENXIO}  # a symbolic link; a socket
NO_LINK = {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}
RETRY_AFTER = 5.0  # s
_COPY_BYTES = 1 << 20


@contextlib.contextmanager
def told_by_consequence() -> Iterator[None]:
    """Whatever the file system refuses becomes `Unavailable`: it can pass, and nothing was changed that shows."""
    try:
        yield
    except OSError as error:
        reason, what = ("STORAGE_FULL", "is full") if error.errno in FULL else ("STORAGE_UNAVAILABLE", "cannot be used")
        raise Unavailable(reason, f"the footage folder {what}: {error.strerror or error}", retry_after=RETRY_AFTER) from error


def sync(path: Path) -> None:
    """Through to the disk: a file's content, or the names in a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folders(path: Path) -> None:
    """Make what is missing of an absolute path; each folder survives a power loss."""
    if path.is_dir() or path == path.parent:
        return
    make_folders(path.parent)
    with contextlib.suppress(FileExistsError):
        path.mkdir()
    sync(path.parent)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Nobody else, thread or process, is inside for the same folder."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def link(source: Path, target: Path) -> bool:
    """A second name for the same bytes; False where the file system has no such thing."""
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno in NO_LINK:
            return False
        raise
    return True


def copy(source: Path, target: Path) -> bytes:
    """Copy through to the disk. Returns: the SHA-256 of what was copied."""
    digest = hashlib.sha256()
    with source.open("rb") as reader, target.open("xb") as writer:
        while chunk := reader.read(_COPY_BYTES):
            digest.update(chunk)
            writer.write(chunk)
        writer.flush()
        os.fsync(writer.fileno())
    return digest.digest()


def write(target: Path, body: bytes) -> None:
    """A new file, through to the disk."""
    with target.open("xb") as writer:
        writer.write(body)
        writer.flush()
        os.fsync(writer.fileno())


def remove_older(folder: Path, before: float) -> None:
    """Remove what lies in the folder and was last written before that time (seconds since the Unix epoch)."""
    with os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):
                if entry.stat(follow_symlinks=False).st_mtime < before:
                    Path(entry.path).unlink()


def remove_empty(folder: Path, up_to: Path) -> None:
    """Remove the folder and those above it, as far as they are empty."""
    while folder != up_to:
        try:
            folder.rmdir()
        except OSError:  # not empty, or somebody else removed it
            return
        folder = folder.parent


def open_file(path: Path) -> int:
    """For reading. What is no plain file (a link, a pipe, which would wait for a writer for ever) is none: FileNotFoundError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if error.errno in NO_FILE:
            raise FileNotFoundError(errno.ENOENT, "is no plain file", str(path)) from error
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileNotFoundError(errno.ENOENT, "is no plain file", str(path))
    return descriptor


class OpenFile:
    """Positioned reads by a thread pool. It may be closed from elsewhere at any moment; no descriptor is left."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1  # opened by the first read
        self._use = Use(self._let_go)

    def read(self, length: int, offset: int) -> bytes:
        """Empty at the end and after `close`."""
        with self._use.reading() as is_open:
            if not is_open:
                return b""
            if self._descriptor < 0:
                self._descriptor = open_file(self._path)
            return os.pread(self._descriptor, length, offset)

    def close(self) -> None:
        self._use.close()

    def _let_go(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
