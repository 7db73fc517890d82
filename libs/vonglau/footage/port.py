"""Where footage lies: buckets of an owner, each holding objects that are written once and never replaced."""
from __future__ import annotations

import enum
import re
from collections.abc import AsyncGenerator, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from vonglau.errors import Invalid

CHUNK_BYTES = 1 << 20  # the most that one read hands out at a time
PROBE = "vonglau-probe"  # a bucket that is nobody's: where a store is tried out
_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{2,62}")
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._=-]{0,127}(/[A-Za-z0-9][A-Za-z0-9._=-]{0,127})*")
_KEY_LENGTH = 512  # characters, all ASCII


class Put(enum.Enum):
    STORED = "stored"
    ALREADY_STORED = "already stored"  # the same bytes stood under this key before


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    key: str
    size: int  # bytes that are there now
    sha256: bytes = b""  # as told when it was stored, 32 bytes; empty: that record is lost or damaged
    metadata: Mapping[str, str] = field(default_factory=dict)


class Footage(Protocol):
    """One store. Every method raises `Unavailable` (STORAGE_FULL, STORAGE_UNAVAILABLE, STORAGE_DENIED: its credential may not) while the store
    cannot be used, and recovers by itself.
    """

    async def ensure_bucket(self, bucket: str) -> None:
        """Make the bucket unless it is there; a locked one with object lock and versioning where the store has them (a folder has not).

        Raises `Invalid` (BUCKET_UNSAFE), `Refused` (BUCKET_UNLOCKED: one without lock is there; STORAGE_UNSUITABLE).
        """

    async def put_file(self, bucket: str, key: str, path: Path, *, sha256: bytes, size: int, metadata: Mapping[str, str]) -> Put:
        """Store a closed file that is not written to any more; when this returns the object survives a power loss and the file may go.

        Raises `AlreadyExists` (KEY_TAKEN) when other bytes stand under the key, `Damaged` (CONTENT_MISMATCH) when the file is not what size and digest say,
        `Unavailable` (BUCKET_MISSING) before `ensure_bucket`, `NotFound` when there is no such file, `Invalid` (KEY_UNSAFE).
        """

    async def put_bytes(self, bucket: str, key: str, body: bytes, metadata: Mapping[str, str]) -> Put:
        """The same for a small object in memory."""

    async def head(self, bucket: str, key: str) -> ObjectInfo | None:
        """None when there is no such object or no such bucket."""

    def read(self, bucket: str, key: str, offset: int = 0, length: int | None = None) -> AsyncGenerator[bytes, None]:
        """Chunks of at most `CHUNK_BYTES`, to the end when length is None; nothing past the end. Raises `NotFound`."""

    def list(self, bucket: str, prefix: str = "", after: str = "") -> AsyncGenerator[ObjectInfo, None]:
        """Objects whose key begins with prefix and is greater than after, in the byte order of the whole key; nothing when there is no such bucket."""

    def children(self, bucket: str, prefix: str = "") -> AsyncGenerator[str, None]:
        """The next level below a prefix that is empty or ends with /, in no order: keys of objects and, with a / at the end, what longer keys begin with.

        Takes time by what it hands out, not by what lies deeper. After a crash it may name a folder that holds nothing.
        """

    async def delete(self, bucket: str, keys: Iterable[str]) -> None:
        """Remove objects; keys that are not there are passed over."""

    async def buckets(self) -> tuple[str, ...]:
        """All buckets, sorted."""

    async def close(self) -> None:
        """Finish what is under way; nothing is asked afterwards."""


def footage_bucket(owner: str) -> str:
    """Where the owner's recordings lie."""
    return f"{owner}-footage"


def owner_of(bucket: str) -> str:
    """Whose bucket it is, of whatever kind: what it holds is the last part of its name."""
    return bucket.rpartition("-")[0]


def is_locked(bucket: str) -> bool:
    """Whether what lies in it may be kept from deletion, by whomever: buckets of evidence are made so, since it cannot be added later."""
    return bucket.endswith("-evidence")


def is_bucket(name: str) -> bool:
    return _BUCKET.fullmatch(name) is not None


def is_key(name: str) -> bool:
    return len(name) <= _KEY_LENGTH and _KEY.fullmatch(name) is not None


def checked_bucket(bucket: str) -> str:
    if not is_bucket(bucket):
        raise Invalid("BUCKET_UNSAFE", f"{bucket[:80]!r} is no bucket name: 3 to 63 of a-z, 0-9 and -", field="bucket")
    return bucket


def checked_key(key: str) -> str:
    if not is_key(key):
        raise Invalid("KEY_UNSAFE", f"{key[:80]!r} is no object key: parts of letters, digits and ._=- divided by /", field="key")
    return key
