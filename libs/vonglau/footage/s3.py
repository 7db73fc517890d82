"""The footage store in S3, MinIO or what speaks like them. Blocking calls run in a bounded thread pool of its own."""
from __future__ import annotations

import asyncio
import hashlib
import itertools
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from typing import BinaryIO, TypeVar

from minio.credentials.providers import Provider
from minio.datatypes import Object
from minio.deleteobjects import DeleteObject
from minio.error import S3Error

from vonglau.errors import Invalid, NotFound, Refused, Unavailable
from vonglau.footage.bucket import check_source, taken
from vonglau.footage.capabilities import probe
from vonglau.footage.port import CHUNK_BYTES, PROBE, ObjectInfo, Put, checked_bucket, checked_key, is_bucket, is_key, is_locked, owner_of
from vonglau.footage.s3_client import Client, listed
from vonglau.footage.s3_download import Download
from vonglau.footage.s3_failures import ABSENT, RETRY_AFTER, told_by_consequence
from vonglau.footage.s3_patience import connections
from vonglau.footage.s3_sessions import OwnerSessions

T = TypeVar("T")
_LISTED_AT_ONCE = 256  # objects per trip to the thread pool
OURS, SOMEBODYS = "BucketAlreadyOwnedByYou", "BucketAlreadyExists"


class S3Footage:
    """The port `Footage`. What it may do is decided by its credential (`vonglau.footage.policies`)."""

    def __init__(
        self, url: str, credentials: Provider, *, region: str = "us-east-1", prefix: str = "", ca_file: Path | None = None, makes_buckets: bool = True,
        threads: int = 8, sessions: OwnerSessions | None = None,
    ) -> None:
        """url: http(s)://host:port. prefix: begins the store's names of all buckets. makes_buckets: False: somebody else does, puts wait for it.

        threads: the most calls at once. sessions: what is an owner's is done under one of that owner's; None: all is done by the credential itself.
        """
        self._http = connections(2 * threads, ca_file)
        self._client = Client(url, credentials, region=region, http=self._http)
        self._sessions = sessions
        self._owners: dict[str, Client] = {}
        self._prefix = prefix
        self._makes_buckets = makes_buckets
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="footage")
        self._suits = False  # once the probe has said so

    async def probe(self) -> None:
        """Whether the store can do what footage needs. Raises: Refused (STORAGE_UNSUITABLE) naming what is missing, Unavailable."""
        missing = await self._run("be tried out", lambda: probe(self._client, self._prefix))
        if missing:
            raise Refused("STORAGE_UNSUITABLE", f"the footage store cannot be used, it lacks: {'; '.join(missing)}")
        self._suits = True

    async def ensure_bucket(self, bucket: str) -> None:
        name = self._name(bucket)
        if not self._makes_buckets:
            return
        if not self._suits:
            await self.probe()
        await self._run(f"make the bucket {bucket}", lambda: self._make(bucket, name))

    def _make(self, bucket: str, name: str) -> None:
        asked = self._of(bucket).asked
        try:
            asked.make_bucket(name, object_lock=is_locked(bucket))
        except S3Error as error:
            if error.code not in {OURS, SOMEBODYS}:
                raise
            if error.code == SOMEBODYS and not asked.bucket_exists(name):
                raise Unavailable("BUCKET_TAKEN", f"the bucket {name} belongs to somebody else", retry_after=RETRY_AFTER, bucket=bucket) from error
            if is_locked(bucket):
                self._must_lock(bucket, name)

    def _must_lock(self, bucket: str, name: str) -> None:
        try:
            self._of(bucket).asked.get_object_lock_config(name)
        except S3Error as error:
            if error.code != "ObjectLockConfigurationNotFoundError":
                raise
            raise Refused("BUCKET_UNLOCKED", f"the bucket {bucket} was made without object lock, which cannot be added later", bucket=bucket) from error

    async def put_file(self, bucket: str, key: str, path: Path, *, sha256: bytes, size: int, metadata: Mapping[str, str]) -> Put:
        name = self._name(bucket)

        def put() -> Put:
            check_source(path, size)
            with path.open("rb") as body:
                return self._put(self._of(bucket), name, key, body, sha256, size, metadata)

        return await self._run(f"store {key}", put)

    async def put_bytes(self, bucket: str, key: str, body: bytes, metadata: Mapping[str, str]) -> Put:
        name, sha256 = self._name(bucket), hashlib.sha256(body).digest()
        return await self._run(f"store {key}", lambda: self._put(self._of(bucket), name, key, body, sha256, len(body), metadata))

    @staticmethod
    def _put(client: Client, name: str, key: str, body: BinaryIO | bytes, sha256: bytes, size: int, metadata: Mapping[str, str]) -> Put:
        stored = client.put(name, checked_key(key), body, sha256=sha256, size=size, metadata=metadata)
        return Put.STORED if stored else compared(client, name, key, sha256, size)

    async def head(self, bucket: str, key: str) -> ObjectInfo | None:
        name = self._name(bucket)
        return await self._run(f"tell of {key}", lambda: absent_as(None, lambda: self._of(bucket).head(name, checked_key(key))))

    async def read(self, bucket: str, key: str, offset: int = 0, length: int | None = None) -> AsyncGenerator[bytes, None]:
        if offset < 0 or (length is not None and length < 0):
            raise Invalid("RANGE_NEGATIVE", f"offset {offset} and length {length} must not be negative", field="offset")
        name = self._name(bucket)
        if length == 0:  # which S3 takes for everything
            if await self.head(bucket, key) is None:
                raise NotFound("object", key)
            return
        download = Download(lambda: self._of(bucket).asked.get_object(name, checked_key(key), offset, length or 0))
        try:
            while chunk := await self._run(f"read {key}", lambda: found(key, lambda: download.read(CHUNK_BYTES))):
                yield chunk
        finally:
            download.close()

    async def list(self, bucket: str, prefix: str = "", after: str = "") -> AsyncGenerator[ObjectInfo, None]:
        objects = self._of(bucket).asked.list_objects(self._name(bucket), prefix=prefix, recursive=True, start_after=after or None, include_user_meta=True)
        async for page in self._pages(objects):
            for info in await asyncio.gather(*(self._described(bucket, each) for each in page)):
                if info is not None:
                    yield info

    async def children(self, bucket: str, prefix: str = "") -> AsyncGenerator[str, None]:
        async for page in self._pages(self._of(bucket).asked.list_objects(self._name(bucket), prefix=prefix)):
            for each in page:
                if (name := each.object_name or "") != prefix:  # an object that stands for the folder itself, as some tools make one
                    yield name

    async def _pages(self, objects: Iterator[Object]) -> AsyncGenerator[tuple[Object, ...], None]:
        """objects: asks the store as it is read."""
        none: tuple[Object, ...] = ()
        while page := await self._run("list objects", lambda: absent_as(none, lambda: tuple(itertools.islice(objects, _LISTED_AT_ONCE)))):
            yield page

    async def _described(self, bucket: str, each: Object) -> ObjectInfo | None:
        """None: it is gone by now. What somebody else put under a name that is no key is shown as it is."""
        key = each.object_name or ""
        if not is_key(key):
            return ObjectInfo(key, each.size or 0)
        return listed(key, each.size or 0, dict(each.metadata or {})) or await self.head(bucket, key)

    async def delete(self, bucket: str, keys: Iterable[str]) -> None:
        name, wanted = self._name(bucket), [DeleteObject(checked_key(key)) for key in keys]

        def delete() -> None:
            for error in self._of(bucket).asked.remove_objects(name, wanted):
                reason = "STORAGE_DENIED" if error.code == "AccessDenied" else "STORAGE_UNAVAILABLE"
                raise Unavailable(reason, f"the footage store does not delete {error.name}: {error.message} ({error.code})", retry_after=RETRY_AFTER)

        await self._run("delete objects", lambda: absent_as(None, delete))

    async def buckets(self) -> tuple[str, ...]:
        there = await self._run("list buckets", self._client.asked.list_buckets)
        named = (each.name.removeprefix(self._prefix) for each in there if each.name.startswith(self._prefix))
        return tuple(sorted(name for name in named if is_bucket(name) and name != PROBE))

    async def close(self) -> None:
        await asyncio.to_thread(self._pool.shutdown)
        self._http.clear()
        if self._sessions:
            self._sessions.close()

    async def _run(self, doing: str, call: Callable[[], T]) -> T:
        def told() -> T:
            with told_by_consequence(doing):
                return call()

        return await asyncio.get_running_loop().run_in_executor(self._pool, copy_context().run, told)  # the caller's deadline binds the thread too

    def _of(self, bucket: str) -> Client:
        """Who acts in the bucket."""
        if self._sessions is None:
            return self._client
        owner = owner_of(bucket)
        return self._owners.get(owner) or self._owners.setdefault(owner, self._client.under(self._sessions.of(owner)))

    def _name(self, bucket: str) -> str:
        return checked_bucket(self._prefix + checked_bucket(bucket))


def compared(client: Client, name: str, key: str, sha256: bytes, size: int) -> Put:
    """With what stands there. Who may only put cannot look: recording compares before it indexes, and names a difference."""
    try:
        stored = client.head(name, key)
    except S3Error as error:
        if error.code == "AccessDenied":
            return Put.ALREADY_STORED
        raise (taken(key) if error.code in ABSENT else error) from error  # something stands above or below the key
    if (stored.sha256, stored.size) != (sha256, size):
        raise taken(key)
    return Put.ALREADY_STORED


def absent_as(default: T, call: Callable[[], T]) -> T:
    try:
        return call()
    except S3Error as error:
        if error.code in ABSENT:
            return default
        raise


def found(key: str, call: Callable[[], T]) -> T:
    try:
        return call()
    except S3Error as error:
        if error.code in ABSENT:
            raise NotFound("object", key) from error
        raise
