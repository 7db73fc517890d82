"""What every footage store promises, whatever it is made of."""
from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator, Awaitable
from contextlib import aclosing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vonglau.errors import AlreadyExists, Damaged, Invalid, NotFound, Unavailable
from vonglau.footage import CHUNK_BYTES, Footage, ObjectInfo, Put, footage_bucket

BUCKET = footage_bucket("police")
KEY = "cam-1/2026/11/21/20261121T071500.000Z-7-0.mp4"


async def whole(chunks: AsyncIterator[bytes]) -> bytes:
    return b"".join([chunk async for chunk in chunks])


async def keys(store: Footage, prefix: str = "", after: str = "") -> list[str]:
    return [info.key async for info in store.list(BUCKET, prefix, after)]


def spooled(tmp_path: Path, body: bytes) -> Path:
    path = tmp_path / "spool.mp4"
    path.write_bytes(body)
    return path


def put(store: Footage, path: Path, key: str = KEY) -> Awaitable[Put]:
    body = path.read_bytes()
    return store.put_file(BUCKET, key, path, sha256=hashlib.sha256(body).digest(), size=len(body), metadata={"camera": "cam-1"})


async def test_a_stored_file_reads_back_as_it_was(store: Footage, tmp_path: Path) -> None:
    body = random.Random(1).randbytes(3 * CHUNK_BYTES + 17)
    assert await put(store, spooled(tmp_path, body)) is Put.STORED
    assert await whole(store.read(BUCKET, KEY)) == body


async def test_the_object_stays_when_its_spool_file_goes(store: Footage, tmp_path: Path) -> None:
    path = spooled(tmp_path, b"video")
    await put(store, path)
    path.unlink()
    assert await whole(store.read(BUCKET, KEY)) == b"video"


async def test_head_tells_what_was_told_when_the_object_was_stored(store: Footage, tmp_path: Path) -> None:
    await put(store, spooled(tmp_path, b"video"))
    assert await store.head(BUCKET, KEY) == ObjectInfo(KEY, 5, hashlib.sha256(b"video").digest(), {"camera": "cam-1"})


async def test_the_same_bytes_under_the_same_key_are_already_stored(store: Footage, tmp_path: Path) -> None:
    path = spooled(tmp_path, b"video")
    await put(store, path)
    assert await put(store, path) is Put.ALREADY_STORED


async def test_other_bytes_never_replace_an_object(store: Footage, tmp_path: Path) -> None:
    await put(store, spooled(tmp_path, b"first"))
    with pytest.raises(AlreadyExists) as refused:
        await store.put_bytes(BUCKET, KEY, b"other", {})
    assert refused.value.reason == "KEY_TAKEN"
    assert await whole(store.read(BUCKET, KEY)) == b"first"


async def test_of_many_that_write_one_key_at_once_one_wins_and_its_record_fits_its_bytes(store: Footage) -> None:
    results = await asyncio.gather(*(store.put_bytes(BUCKET, KEY, b"body %d" % n, {"n": str(n)}) for n in range(12)), return_exceptions=True)
    assert [result for result in results if isinstance(result, Put)] == [Put.STORED]
    info = await store.head(BUCKET, KEY)
    body = await whole(store.read(BUCKET, KEY))
    assert info is not None
    assert (info.sha256, info.metadata["n"].encode()) == (hashlib.sha256(body).digest(), body.split()[1])


async def test_a_file_of_another_size_than_told_is_refused(store: Footage, tmp_path: Path) -> None:
    path = spooled(tmp_path, b"video")
    with pytest.raises(Damaged) as refused:
        await store.put_file(BUCKET, KEY, path, sha256=hashlib.sha256(b"video").digest(), size=6, metadata={})
    assert refused.value.reason == "CONTENT_MISMATCH"
    assert await store.head(BUCKET, KEY) is None


async def test_a_file_that_is_not_there_is_not_found(store: Footage, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        await store.put_file(BUCKET, KEY, tmp_path / "gone.mp4", sha256=bytes(32), size=1, metadata={})


@pytest.mark.parametrize(("offset", "length"), [(0, 4), (3, 5), (CHUNK_BYTES - 1, 2), (5, None), (CHUNK_BYTES + 5, 100), (CHUNK_BYTES + 10, None), (2, 0)])
async def test_a_range_is_what_it_says_and_ends_with_the_object(store: Footage, offset: int, length: int | None) -> None:
    body = random.Random(2).randbytes(CHUNK_BYTES + 9)
    await store.put_bytes(BUCKET, KEY, body, {})
    end = None if length is None else offset + length
    assert await whole(store.read(BUCKET, KEY, offset, length)) == body[offset:end]


async def test_chunks_stay_below_their_bound(store: Footage) -> None:
    await store.put_bytes(BUCKET, KEY, bytes(2 * CHUNK_BYTES + 1), {})
    assert [len(chunk) async for chunk in store.read(BUCKET, KEY)] == [CHUNK_BYTES, CHUNK_BYTES, 1]


async def test_a_reader_may_leave_early(store: Footage) -> None:
    await store.put_bytes(BUCKET, KEY, bytes(3 * CHUNK_BYTES), {})
    async with aclosing(store.read(BUCKET, KEY)) as chunks:
        async for chunk in chunks:
            assert len(chunk) == CHUNK_BYTES
            break
    await store.delete(BUCKET, [KEY])
    assert await store.head(BUCKET, KEY) is None


async def test_a_range_must_not_be_negative(store: Footage) -> None:
    with pytest.raises(Invalid):
        await whole(store.read(BUCKET, KEY, -1))


async def test_reading_what_is_not_there_is_not_found(store: Footage) -> None:
    with pytest.raises(NotFound):
        await whole(store.read(BUCKET, KEY))


async def test_a_folder_of_objects_is_no_object(store: Footage) -> None:
    await store.put_bytes(BUCKET, KEY, b"x", {})
    assert await store.head(BUCKET, "cam-1/2026") is None
    with pytest.raises(NotFound):
        await whole(store.read(BUCKET, "cam-1/2026"))


KEY_TEXT = st.lists(st.text(alphabet="ab-.=_1", min_size=1, max_size=3).filter(lambda part: part[0] in "ab1"), min_size=1, max_size=3).map("/".join)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(KEY_TEXT, max_size=12), st.sampled_from(["", "a", "a/", "b-", "1/a"]), KEY_TEXT | st.just(""))
async def test_a_list_has_every_key_of_the_prefix_after_the_cursor_in_byte_order(store: Footage, wanted: set[str], prefix: str, after: str) -> None:
    await store.delete(BUCKET, await keys(store))
    stored = {key for key in wanted if not any(other.startswith(f"{key}/") for other in wanted)}
    for key in stored:
        await store.put_bytes(BUCKET, key, b"", {})
    assert await keys(store, prefix, after) == sorted(key for key in stored if key.startswith(prefix) and key > after)


async def test_a_list_goes_on_within_the_folder_where_the_page_before_ended(store: Footage) -> None:
    for key in ("cam-1/a", "cam-1/b", "cam-1-b/a", "cam-2/a"):
        await store.put_bytes(BUCKET, key, b"", {})
    assert await keys(store, after="cam-1/a") == ["cam-1/b", "cam-2/a"]
    assert await keys(store, after="cam-1-b/a") == ["cam-1/a", "cam-1/b", "cam-2/a"]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(KEY_TEXT, max_size=12), st.sampled_from(["", "a/", "b/", "1/a/", "a/b/1/"]))
async def test_a_level_has_each_next_part_of_the_keys_once(store: Footage, wanted: set[str], prefix: str) -> None:
    await store.delete(BUCKET, await keys(store))
    stored = {key for key in wanted if not any(other.startswith(f"{key}/") for other in wanted)}
    for key in stored:
        await store.put_bytes(BUCKET, key, b"", {})
    parts = {key.removeprefix(prefix).partition("/")[:2] for key in stored if key.startswith(prefix)}
    assert sorted([each async for each in store.children(BUCKET, prefix)]) == sorted(f"{prefix}{name}{slash}" for name, slash in parts)


async def test_a_level_longer_than_one_page_is_complete_and_an_absent_one_is_empty(store: Footage) -> None:
    wanted = [f"cam-{n:04}/a" for n in range(300)]
    await asyncio.gather(*(store.put_bytes(BUCKET, key, b"", {}) for key in wanted))
    assert sorted([each async for each in store.children(BUCKET)]) == [key.removesuffix("a") for key in wanted]
    for bucket, prefix in ((BUCKET, "nobody/"), (BUCKET, "cam-0001/a/"), (footage_bucket("nobody"), "")):
        assert [each async for each in store.children(bucket, prefix)] == []


async def test_a_list_tells_digest_and_metadata(store: Footage) -> None:
    await store.put_bytes(BUCKET, KEY, b"video", {"owner": "police"})
    assert [info async for info in store.list(BUCKET)] == [ObjectInfo(KEY, 5, hashlib.sha256(b"video").digest(), {"owner": "police"})]


async def test_a_list_longer_than_one_page_is_complete(store: Footage) -> None:
    wanted = [f"cam-1/{n:04}" for n in range(300)]
    await asyncio.gather(*(store.put_bytes(BUCKET, key, b"", {}) for key in wanted))
    assert await keys(store) == wanted


async def test_deleting_removes_objects_and_passes_over_what_is_not_there(store: Footage) -> None:
    await store.put_bytes(BUCKET, KEY, b"x", {})
    await store.put_bytes(BUCKET, "cam-2/a", b"y", {})
    await store.delete(BUCKET, [KEY, "cam-9/none"])
    assert await keys(store) == ["cam-2/a"]


async def test_a_deleted_key_can_be_stored_anew(store: Footage) -> None:
    await store.put_bytes(BUCKET, KEY, b"old", {})
    await store.delete(BUCKET, [KEY])
    assert await store.put_bytes(BUCKET, KEY, b"new", {}) is Put.STORED


async def test_puts_and_deletes_of_one_folder_do_not_disturb_each_other(store: Footage) -> None:
    async def come_and_go(n: int) -> None:
        for turn in range(10):
            assert await store.put_bytes(BUCKET, f"cam-1/day/{n}", b"%d" % turn, {}) is Put.STORED
            await store.delete(BUCKET, [f"cam-1/day/{n}"])

    await asyncio.gather(*(come_and_go(n) for n in range(3)))
    assert await keys(store) == []


UNSAFE_KEYS = [
    "", "/etc/passwd", "../secret", "a/../b", "a//b", "a/", ".info/a", "a/.partial", "a\nb", "a\0b", "a b", "ả", "a\\b", "x" * 129, "a/" * 300 + "a",
]


@pytest.mark.parametrize("key", UNSAFE_KEYS)
async def test_an_unsafe_key_is_refused(store: Footage, key: str) -> None:
    with pytest.raises(Invalid) as refused:
        await store.put_bytes(BUCKET, key, b"x", {})
    assert refused.value.reason == "KEY_UNSAFE"


@pytest.mark.parametrize("bucket", ["", "..", "a", "A-footage", "police/../x", "-a-footage", "x" * 64])
async def test_an_unsafe_bucket_is_refused(store: Footage, bucket: str) -> None:
    with pytest.raises(Invalid) as refused:
        await store.ensure_bucket(bucket)
    assert refused.value.reason == "BUCKET_UNSAFE"


async def test_buckets_are_told_sorted_and_making_one_again_changes_nothing(store: Footage) -> None:
    await store.ensure_bucket(footage_bucket("ward-7"))
    await store.ensure_bucket(BUCKET)
    assert await store.buckets() == (BUCKET, footage_bucket("ward-7"))


async def test_storing_without_a_bucket_waits_for_one_and_reading_finds_nothing(store: Footage) -> None:
    with pytest.raises(Unavailable) as refused:
        await store.put_bytes("nobody-footage", KEY, b"x", {})
    assert refused.value.reason == "BUCKET_MISSING"
    assert await store.head("nobody-footage", KEY) is None
    assert [info async for info in store.list("nobody-footage")] == []
