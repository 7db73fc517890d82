"""A store is tried out before it is trusted: what it lacks is named, and nothing is left but one object."""
from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, cast

import pytest
from minio.error import S3Error

from vonglau.footage.capabilities import KEY, NEVER, probe
from vonglau.footage.port import PROBE, ObjectInfo


def error(code: str) -> S3Error:
    return S3Error(cast(Any, None), code, "no", None, None, None)


class Store:
    """An S3 store that does all that footage needs but for what it lacks."""

    def __init__(self, *lacks: str) -> None:
        self.asked = self  # minio's client, as far as it is asked
        self.lacks = set(lacks)
        self.buckets: dict[str, bool] = {}  # whether they lock
        self.objects: dict[str, bytes] = {}

    def make_bucket(self, name: str, *, object_lock: bool = False) -> None:
        if "rights" in self.lacks:
            raise error("AccessDenied")
        if object_lock and "lock" in self.lacks:
            raise error("NotImplemented")
        if name in self.buckets:
            raise error("BucketAlreadyOwnedByYou")
        self.buckets[name] = object_lock

    def get_object_lock_config(self, name: str) -> None:
        if "reading" in self.lacks:
            raise error("AccessDenied")
        if not self.buckets[name]:
            raise error("ObjectLockConfigurationNotFoundError")

    def put(self, bucket: str, key: str, body: bytes, *, sha256: bytes, size: int, metadata: dict[str, str], free: bool = True) -> bool:
        assert (size, bucket in self.buckets) == (len(body), True)
        if "digests" not in self.lacks and hashlib.sha256(body).digest() != sha256:
            raise error("XAmzContentChecksumMismatch")
        if free and "conditions" not in self.lacks and key in self.objects:
            return False
        self.objects[key] = body
        return True

    def head(self, bucket: str, key: str) -> ObjectInfo:
        body = self.objects[key]
        return ObjectInfo(key, len(body), b"" if "telling" in self.lacks else hashlib.sha256(body).digest())


def missing(store: Store, prefix: str = "city-") -> list[str]:
    return probe(cast(Any, store), prefix)


def called(found: Iterable[str]) -> list[str]:
    """The first two words of each, or the first where it is the name."""
    return [" ".join(each.split()[: 1 if each.startswith("checksums") else 2]) for each in found]


def test_a_store_that_does_all_of_it_lacks_nothing_however_often_it_is_tried() -> None:
    store = Store()
    assert [missing(store) for _ in range(3)] == [[], [], []]
    assert (list(store.buckets), list(store.objects)) == ([f"city-{PROBE}"], [KEY])


@pytest.mark.parametrize(
    ("lacks", "words"),
    [
        (["conditions"], ["conditional put"]),
        (["digests"], ["checksums"]),
        (["telling"], ["checksums"]),
        (["lock"], ["object lock"]),
        (["conditions", "digests", "lock"], ["conditional put", "checksums", "object lock"]),
    ],
)
def test_what_a_store_lacks_is_named(lacks: list[str], words: list[str]) -> None:
    assert called(missing(Store(*lacks))) == words


@pytest.mark.parametrize("lacks", ["rights", "reading"])
def test_a_credential_that_may_not_try_it_out_is_no_lack_of_the_store(lacks: str) -> None:
    with pytest.raises(S3Error, match="AccessDenied"):
        missing(Store(lacks))


def test_a_bucket_without_lock_that_stands_there_from_before_is_seen() -> None:
    store = Store()
    store.buckets[f"city-{PROBE}"] = False
    assert called(missing(store)) == ["object lock"]
    assert NEVER not in store.objects
