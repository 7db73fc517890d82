"""A bucket that has reached its quota, on a real server, which counts some seconds late: no put passes, everything else goes on."""
from __future__ import annotations

import hashlib
import random
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.backends.servers import Server, minio, s3_url
from tests.backends.stores import Administration, Store
from tests.footage.asking import listed, whole
from vonglau.errors import Unavailable
from vonglau.footage import Put
from vonglau.footage.s3 import S3Footage
from vonglau.testing.waiting import eventually

pytestmark = [pytest.mark.backends, pytest.mark.timeout(240)]

BUCKET, OTHER = "police-footage", "ward-7-footage"
COUNTED_WITHIN_S = 120.0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Of its own, which counts sooner."""
    made = minio(tmp_path, scans="fastest")
    if made is None:
        pytest.skip("minio is not installed")
    made.start()
    yield made
    made.stop()


@pytest.fixture
def place(server: Server) -> Store:
    return Store(s3_url(server))


@pytest.fixture
async def store(place: Store) -> AsyncIterator[S3Footage]:
    footage = place.footage()
    for bucket in (BUCKET, OTHER):
        await eventually(partial(made, footage, bucket), 30, f"the server makes {bucket}")
    yield footage
    await footage.close()


async def made(footage: S3Footage, bucket: str) -> bool:
    try:
        await footage.ensure_bucket(bucket)
    except Unavailable:
        return False
    return True


async def spooled(store: S3Footage, folder: Path, key: str, size: int) -> Put:
    """As the uploader does it."""
    body = random.Random(key).randbytes(size)
    path = folder / key.replace("/", "-")
    path.write_bytes(body)
    return await store.put_file(BUCKET, key, path, sha256=hashlib.sha256(body).digest(), size=size, metadata={})


async def test_a_bucket_at_its_quota_refuses_puts_is_read_and_takes_again_once_the_quota_is_raised(store: S3Footage, place: Store, tmp_path: Path) -> None:
    whoever_runs_it = Administration(place, tmp_path)
    accepted = {f"cam-1/{number}": random.Random(number).randbytes(1_000_000) for number in range(3)}
    for key, body in accepted.items():
        assert await store.put_bytes(BUCKET, key, body, {}) is Put.STORED
    whoever_runs_it.bound(BUCKET, "3MB")

    async def is_refused() -> bool:
        key = f"cam-1/{len(accepted)}"
        try:
            await store.put_bytes(BUCKET, key, b"small", {})
        except Unavailable as refused:
            return refused.reason == "STORAGE_FULL"
        accepted[key] = b"small"
        return False

    await eventually(is_refused, COUNTED_WITHIN_S)
    for size in (1, 100_000, 30 << 20):  # of a long one the server closes the connection before it has read the body
        with pytest.raises(Unavailable) as refused:
            await spooled(store, tmp_path, f"cam-2/{size}", size)
        assert (refused.value.reason, refused.value.retry_after > 0) == ("STORAGE_FULL", True)

    assert await listed(store, BUCKET) == sorted(accepted)
    assert [await whole(store, BUCKET, key) for key in accepted] == list(accepted.values())
    assert await store.put_bytes(OTHER, "cam-1/0", b"another owner's", {}) is Put.STORED
    await store.delete(BUCKET, ["cam-1/0"])

    whoever_runs_it.bound(BUCKET, "300MB")
    for size in (1, 100_000, 30 << 20):
        assert await spooled(store, tmp_path, f"cam-2/{size}", size) is Put.STORED
    assert await listed(store, BUCKET) == sorted([*(accepted.keys() - {"cam-1/0"}), *(f"cam-2/{size}" for size in (1, 100_000, 30 << 20))])
