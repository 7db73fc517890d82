"""The footage store in a folder, for one machine: files that are linked or copied in, synced and never replaced.

A file handed over by hard link is not read again: its digest is what the caller says (a copy is checked while it is made).
Blocking calls run in a bounded thread pool of its own.
"""
from __future__ import annotations

import asyncio
import hashlib
import itertools
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from vonglau.errors import Invalid, NotFound, Unavailable
from vonglau.footage.bucket import Bucket
from vonglau.footage.disk import RETRY_AFTER, OpenFile, told_by_consequence
from vonglau.footage.port import CHUNK_BYTES, ObjectInfo, Put, checked_bucket, checked_key, is_bucket
from vonglau.footage.sidecar import Sidecar

T = TypeVar("T")
_LISTED_AT_ONCE = 256  # objects per trip to the thread pool


class FolderFootage:
    """Several processes may use one folder at the same time."""

    def __init__(self, root: Path, *, threads: int = 8) -> None:
        """root: made by the first `ensure_bucket`; it may be away at any time. threads: the most calls that touch the disk at once."""
        self._root = root.absolute()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="footage")
        self._buckets: dict[str, Bucket] = {}

    async def ensure_bucket(self, bucket: str) -> None:
        await self._run(self._bucket(bucket).ensure)

    async def put_file(self, bucket: str, key: str, path: Path, *, sha256: bytes, size: int, metadata: Mapping[str, str]) -> Put:
        sidecar = Sidecar(sha256, size, dict(metadata))
        return await self._run(lambda: self._bucket(bucket).put(key, path, sidecar))

    async def put_bytes(self, bucket: str, key: str, body: bytes, metadata: Mapping[str, str]) -> Put:
        sidecar = Sidecar(hashlib.sha256(body).digest(), len(body), dict(metadata))
        return await self._run(lambda: self._bucket(bucket).put(key, body, sidecar))

    async def head(self, bucket: str, key: str) -> ObjectInfo | None:
        return await self._run(lambda: self._standing(bucket).head(checked_key(key)))

    async def read(self, bucket: str, key: str, offset: int = 0, length: int | None = None) -> AsyncGenerator[bytes, None]:
        if offset < 0 or (length is not None and length < 0):
            raise Invalid("RANGE_NEGATIVE", f"offset {offset} and length {length} must not be negative", field="offset")
        file = await self._run(lambda: OpenFile(self._standing(bucket).folder / checked_key(key)))
        end = None if length is None else offset + length
        try:
            while chunk := await self._chunk(file, key, offset, CHUNK_BYTES if end is None else min(CHUNK_BYTES, end - offset)):
                yield chunk
                offset += len(chunk)
        finally:
            file.close()

    async def list(self, bucket: str, prefix: str = "", after: str = "") -> AsyncGenerator[ObjectInfo, None]:
        walk = await self._run(lambda: self._standing(bucket).walk(prefix, after))
        while page := await self._run(lambda: tuple(itertools.islice(walk, _LISTED_AT_ONCE))):
            for info in page:
                yield info

    async def children(self, bucket: str, prefix: str = "") -> AsyncGenerator[str, None]:
        for key in await self._run(lambda: self._standing(bucket).children(prefix)):
            yield key

    async def delete(self, bucket: str, keys: Iterable[str]) -> None:
        await self._run(lambda: self._standing(bucket).delete(keys))

    async def buckets(self) -> tuple[str, ...]:
        return await self._run(lambda: tuple(sorted(folder.name for folder in self._there().iterdir() if is_bucket(folder.name) and folder.is_dir())))

    async def close(self) -> None:
        await asyncio.to_thread(self._pool.shutdown)

    async def _run(self, call: Callable[[], T]) -> T:
        def told() -> T:
            with told_by_consequence():
                return call()

        return await asyncio.get_running_loop().run_in_executor(self._pool, told)

    async def _chunk(self, file: OpenFile, key: str, offset: int, length: int) -> bytes:
        def read() -> bytes:
            try:
                return file.read(length, offset)
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
                raise NotFound("object", key) from error

        return await self._run(read)

    def _bucket(self, name: str) -> Bucket:
        if name not in self._buckets:
            self._buckets[name] = Bucket(self._root, checked_bucket(name))
        return self._buckets[name]

    def _standing(self, name: str) -> Bucket:
        """The bucket of a store that is there: an absent folder must not look like an empty one."""
        self._there()
        return self._bucket(name)

    def _there(self) -> Path:
        if not self._root.is_dir():
            raise Unavailable("STORAGE_UNAVAILABLE", "the footage folder is not there", retry_after=RETRY_AFTER)
        return self._root
