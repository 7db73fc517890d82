"""One bucket as a folder, called from a thread pool.

    <bucket>/<key>                 the object: the plain file, playable as it lies there
    <bucket>/.info/<key>~.json     its sidecar, durable before the object shows; without the object it means nothing
    <bucket>/.partial/<random>     what is being written; a crash leaves it behind, an hour later it is removed
"""
from __future__ import annotations

import contextlib
import os
import time
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path

from vonglau.errors import AlreadyExists, Damaged, NotFound, Unavailable
from vonglau.footage import disk
from vonglau.footage.port import ObjectInfo, Put, checked_key, is_key
from vonglau.footage.sidecar import Sidecar

LEFTOVER_AFTER = 3600.0  # s; no put takes that long
_ATTEMPTS = 5  # a folder may be removed as empty between being made and being used


class Bucket:
    def __init__(self, root: Path, name: str) -> None:
        self.name = name
        self.folder = root / name
        self._partial = self.folder / ".partial"
        self._cleaned = float("-inf")  # monotonic s

    def ensure(self) -> None:
        disk.make_folders(self._partial)

    def put(self, key: str, source: Path | bytes, sidecar: Sidecar) -> Put:
        checked_key(key)
        if isinstance(source, Path):
            check_source(source, sidecar.size)
        if not self._partial.is_dir():
            raise Unavailable("BUCKET_MISSING", f"there is no bucket {self.name!r} in the footage folder", retry_after=disk.RETRY_AFTER, bucket=self.name)
        self._clean()
        for _ in range(_ATTEMPTS):
            with contextlib.suppress(FileNotFoundError):
                return self._put(key, source, sidecar)
        raise Unavailable("STORAGE_UNAVAILABLE", f"the folder of {key} vanishes again and again", retry_after=disk.RETRY_AFTER)

    def head(self, key: str) -> ObjectInfo | None:
        target = self.folder / key
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            size = target.stat().st_size
            if target.is_file():
                sidecar = self._sidecar(key)
                if sidecar is not None:
                    return ObjectInfo(key, size, sidecar.sha256, sidecar.metadata)
                return ObjectInfo(key, target.stat().st_size)  # still there, so its record is lost; NotFound: a deletion passed by
        return None

    def delete(self, keys: Iterable[str]) -> None:
        touched = {self.folder / key: self._info(key) for key in map(checked_key, keys)}
        for target, info in touched.items():
            with contextlib.suppress(FileNotFoundError, NotADirectoryError), disk.locked(target.parent):
                target.unlink(missing_ok=True)  # the object first: a crash leaves a sidecar, which is no object
                info.unlink(missing_ok=True)
        for folder in {path.parent for pair in touched.items() for path in pair}:
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                disk.sync(folder)
                disk.remove_empty(folder, self.folder)

    def walk(self, prefix: str, after: str) -> Iterator[ObjectInfo]:
        """Objects in the byte order of their keys; holds the names of one folder per level, not of the bucket."""
        for key in self._keys("", prefix, after):
            info = self.head(key)
            if info is not None:
                yield info

    def children(self, prefix: str) -> list[str]:
        return list(_names(self.folder, prefix)) if not prefix or is_key(prefix.removesuffix("/")) else []

    def _keys(self, above: str, prefix: str, after: str) -> Iterator[str]:
        for key in sorted(_names(self.folder, above)):
            if not key.endswith("/"):
                if key.startswith(prefix) and key > after:
                    yield key
            elif (key.startswith(prefix) or prefix.startswith(key)) and (key > after or after.startswith(key)):
                yield from self._keys(key, prefix, after)

    def _put(self, key: str, source: Path | bytes, sidecar: Sidecar) -> Put:
        """A folder on the way that becomes a file meanwhile is an OSError like any other: only what stood there before has the key."""
        target, info = self.folder / key, self._info(key)
        if any(self.folder in above.parents and above.is_file() for above in target.parents):
            raise taken(key)
        disk.make_folders(target.parent)
        disk.make_folders(info.parent)
        with disk.locked(target.parent):
            if target.exists():
                return self._compare(key, target, sidecar)
            self._place(target, info, source, sidecar)
            return Put.STORED

    def _place(self, target: Path, info: Path, source: Path | bytes, sidecar: Sidecar) -> None:
        """Content durable, sidecar durable, then the name: whatever shows is whole."""
        content, record = self._partial / uuid.uuid4().hex, self._partial / uuid.uuid4().hex
        try:
            self._prepare(content, source, sidecar)
            disk.write(record, sidecar.encode())
            record.replace(info)
            disk.sync(info.parent)
            content.rename(target)
            disk.sync(target.parent)
        finally:
            with contextlib.suppress(OSError):  # a store that has just failed; the hourly clean-up gets it
                content.unlink(missing_ok=True)
                record.unlink(missing_ok=True)

    def _prepare(self, content: Path, source: Path | bytes, sidecar: Sidecar) -> None:
        if isinstance(source, bytes):
            disk.write(content, source)
        elif disk.link(source, content):
            disk.sync(content)
        elif disk.copy(source, content) != sidecar.sha256:
            raise Damaged("CONTENT_MISMATCH", f"{source.name} does not have the digest that was told")

    def _compare(self, key: str, target: Path, sidecar: Sidecar) -> Put:
        stored = self.head(key)
        if stored is None or (stored.sha256, stored.size) != (sidecar.sha256, sidecar.size):
            raise taken(key)
        disk.sync(target)  # whoever stored it may have died before its name was durable
        disk.sync(target.parent)
        return Put.ALREADY_STORED

    def _sidecar(self, key: str) -> Sidecar | None:
        try:
            return Sidecar.decode(self._info(key).read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return None

    def _info(self, key: str) -> Path:
        return self.folder / ".info" / f"{key}~.json"  # no key has a ~, so no sidecar is in the way of a folder

    def _clean(self) -> None:
        if time.monotonic() - self._cleaned > LEFTOVER_AFTER:
            disk.remove_older(self._partial, time.time() - LEFTOVER_AFTER)
            self._cleaned = time.monotonic()


def taken(key: str) -> AlreadyExists:
    return AlreadyExists("KEY_TAKEN", f"something else stands under {key}", key=key)


def check_source(source: Path, size: int) -> None:
    try:
        found = source.stat().st_size
    except FileNotFoundError as error:
        raise NotFound("file", source.name) from error
    if found != size:
        raise Damaged("CONTENT_MISMATCH", f"{source.name} has {found} bytes, not the {size} that were told")


def _names(folder: Path, above: str) -> Iterator[str]:
    """Keys of the files and, with a / at the end, of the folders under one folder; what is no key is not the store's."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder / above) as entries:
        for entry in entries:
            if is_key(entry.name):
                yield f"{above}{entry.name}/" if entry.is_dir(follow_symlinks=False) else f"{above}{entry.name}"
