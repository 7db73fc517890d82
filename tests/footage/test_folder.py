"""What is particular to a folder: links, sidecars, leftovers, full and read-only disks, processes that are killed."""
from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Iterator
from pathlib import Path

import pytest

from tests.backends import disks
from vonglau.errors import AlreadyExists, Damaged, NotFound, Unavailable
from vonglau.footage import FolderFootage, Footage, ObjectInfo, Put, disk

BUCKET = "police-footage"
KEY = "cam-1/2026/11/21/a.mp4"


def put(store: Footage, path: Path, digest: bytes | None = None) -> Awaitable[Put]:
    body = path.read_bytes()
    return store.put_file(BUCKET, KEY, path, sha256=digest or hashlib.sha256(body).digest(), size=len(body), metadata={})


@pytest.fixture
async def store(root: Path) -> AsyncIterator[Footage]:
    """Only the folder: what is tried here is not the contract."""
    footage = FolderFootage(root, threads=2)
    await footage.ensure_bucket(BUCKET)
    yield footage
    await footage.close()


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    path = tmp_path / "spool.mp4"
    path.write_bytes(b"video")
    return path


@pytest.fixture
def without_links(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*names: Path) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)


async def test_a_file_of_the_same_file_system_is_linked_and_lies_playable_under_its_key(store: Footage, root: Path, spool: Path) -> None:
    await put(store, spool)
    assert (root / BUCKET / KEY).samefile(spool)


async def test_a_file_of_another_file_system_is_copied(store: Footage, root: Path, spool: Path, without_links: None) -> None:
    assert await put(store, spool) is Put.STORED
    assert (root / BUCKET / KEY).read_bytes() == b"video"
    assert not (root / BUCKET / KEY).samefile(spool)


async def test_a_copy_that_is_not_what_was_told_never_shows(store: Footage, root: Path, spool: Path, without_links: None) -> None:
    with pytest.raises(Damaged) as refused:
        await put(store, spool, digest=bytes(32))
    assert refused.value.reason == "CONTENT_MISMATCH"
    assert await store.head(BUCKET, KEY) is None
    assert list((root / BUCKET / ".partial").iterdir()) == []


async def test_a_sidecar_without_its_object_is_no_object_and_in_nobodys_way(store: Footage, root: Path) -> None:
    await store.put_bytes(BUCKET, KEY, b"old", {"n": "1"})
    (root / BUCKET / KEY).unlink()  # as a crash between the two leaves it
    assert await store.head(BUCKET, KEY) is None
    assert [info async for info in store.list(BUCKET)] == []
    assert await store.put_bytes(BUCKET, KEY, b"new", {"n": "2"}) is Put.STORED
    assert await store.head(BUCKET, KEY) == ObjectInfo(KEY, 3, hashlib.sha256(b"new").digest(), {"n": "2"})


@pytest.mark.parametrize("damage", ["lost", "one bit", "no JSON"])
async def test_an_object_whose_record_is_damaged_shows_without_digest(store: Footage, root: Path, damage: str) -> None:
    await store.put_bytes(BUCKET, KEY, b"video", {"owner": "police"})
    sidecar = root / BUCKET / ".info" / f"{KEY}~.json"
    body = sidecar.read_bytes()
    sidecar.write_bytes({"one bit": body.replace(b"police", b"qolice"), "no JSON": b"{", "lost": b""}[damage])
    if damage == "lost":
        sidecar.unlink()
    assert await store.head(BUCKET, KEY) == ObjectInfo(KEY, 5)
    assert [info async for info in store.list(BUCKET)] == [ObjectInfo(KEY, 5)]


async def test_an_object_that_lost_its_record_can_still_be_deleted(store: Footage, root: Path) -> None:
    await store.put_bytes(BUCKET, KEY, b"video", {})
    shutil.rmtree(root / BUCKET / ".info")
    await store.delete(BUCKET, [KEY])
    assert [info async for info in store.list(BUCKET)] == []


async def test_deleting_leaves_no_empty_folders(store: Footage, root: Path) -> None:
    await store.put_bytes(BUCKET, KEY, b"video", {})
    await store.delete(BUCKET, [KEY])
    assert [path.name for path in (root / BUCKET).rglob("*")] == [".partial"]


async def test_a_key_cannot_be_the_folder_of_another(store: Footage) -> None:
    await store.put_bytes(BUCKET, "cam-1/a", b"x", {})
    for key in ("cam-1/a/b", "cam-1/a/b/c", "cam-1"):
        with pytest.raises(AlreadyExists) as refused:
            await store.put_bytes(BUCKET, key, b"x", {})
        assert refused.value.reason == "KEY_TAKEN"


@pytest.mark.parametrize("lost", ["cam-1", "", ".info"])
async def test_a_folder_that_becomes_a_file_during_a_put_is_a_store_that_is_away_and_not_a_taken_key(
    store: Footage, root: Path, spool: Path, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    make_folders = disk.make_folders

    def replaced(path: Path) -> None:
        broken = root / BUCKET / lost
        shutil.rmtree(broken, ignore_errors=True)
        broken.unlink(missing_ok=True)
        broken.write_bytes(b"")
        make_folders(path)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(disk, "make_folders", replaced)
        with pytest.raises(Unavailable) as refused:
            await put(store, spool)
    assert refused.value.reason == "STORAGE_UNAVAILABLE"


async def test_leftovers_older_than_an_hour_are_cleaned_and_younger_ones_stay(root: Path, store: Footage) -> None:
    old, young = root / BUCKET / ".partial" / "old", root / BUCKET / ".partial" / "young"
    for path, age in ((old, 3700), (young, 3500)):
        path.write_bytes(b"half")
        os.utime(path, (time.time() - age,) * 2)
    await store.put_bytes(BUCKET, KEY, b"x", {})
    assert (old.exists(), young.exists()) == (False, True)


async def test_files_that_are_no_objects_are_not_listed(store: Footage, root: Path) -> None:
    for name in (".DS_Store", "lost+found", "a b"):
        (root / BUCKET / name).write_bytes(b"")
    assert [info async for info in store.list(BUCKET)] == []


@pytest.mark.parametrize("prefix", ["../police-footage/", "./", ".info/", ".info/cam-1/", "//"])
async def test_a_level_is_of_the_bucket_and_of_objects_only(store: Footage, prefix: str) -> None:
    await store.put_bytes(BUCKET, KEY, b"", {})
    assert [each async for each in store.children(BUCKET, prefix)] == []
    assert [each async for each in store.children(BUCKET)] == ["cam-1/"]


async def test_a_folder_that_is_away_is_not_taken_for_an_empty_one(store: Footage, root: Path) -> None:
    await store.put_bytes(BUCKET, KEY, b"x", {})
    away = shutil.move(root, root.with_name("unmounted"))
    for call in (store.head(BUCKET, KEY), anext(store.list(BUCKET)), anext(store.read(BUCKET, KEY)), store.delete(BUCKET, [KEY]), store.buckets()):
        with pytest.raises(Unavailable) as refused:
            await call
        assert refused.value.reason == "STORAGE_UNAVAILABLE"
    shutil.move(away, root)
    assert await store.head(BUCKET, KEY) is not None


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (errno.ENOSPC, "STORAGE_FULL"), (errno.EDQUOT, "STORAGE_FULL"),
        (errno.EROFS, "STORAGE_UNAVAILABLE"), (errno.EACCES, "STORAGE_UNAVAILABLE"), (errno.EIO, "STORAGE_UNAVAILABLE"),
    ],
)
async def test_a_refusal_of_the_disk_is_told_and_passes(
    store: Footage, root: Path, spool: Path, monkeypatch: pytest.MonkeyPatch, code: int, reason: str
) -> None:
    def refuse(path: Path) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as broken:
        broken.setattr(disk, "sync", refuse)
        with pytest.raises(Unavailable) as refused:
            await put(store, spool)
    assert refused.value.reason == reason
    assert refused.value.retry_after > 0
    assert await store.head(BUCKET, KEY) is None
    assert list((root / BUCKET / ".partial").iterdir()) == []
    assert await put(store, spool) is Put.STORED


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Where there is none, test_a_refusal_of_the_disk_is_told_and_passes stands in."""
    with disks.small_disk(tmp_path / "small", 1) as folder:
        yield folder


async def test_a_full_disk_is_told_leaves_nothing_half_done_and_takes_again_when_there_is_room(small_disk: Path, tmp_path: Path) -> None:
    store = FolderFootage(small_disk)
    await store.ensure_bucket(BUCKET)
    await store.put_bytes(BUCKET, "cam-1/a", bytes(600_000), {})
    big = tmp_path / "big.mp4"
    big.write_bytes(bytes(600_000))
    with pytest.raises(Unavailable) as refused:
        await put(store, big)
    assert refused.value.reason == "STORAGE_FULL"
    assert [info.key async for info in store.list(BUCKET)] == ["cam-1/a"]
    await store.delete(BUCKET, ["cam-1/a"])
    assert await put(store, big) is Put.STORED
    await store.close()


async def test_a_read_only_disk_still_reads_and_takes_again_when_it_may(small_disk: Path, spool: Path) -> None:
    store = FolderFootage(small_disk)
    await store.ensure_bucket(BUCKET)
    await store.put_bytes(BUCKET, "cam-1/a", b"kept", {})
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)  # noqa: ASYNC221, S607 - a moment, on a local mount
    for call in (put(store, spool), store.delete(BUCKET, ["cam-1/a"]), store.ensure_bucket("ward-7-footage")):
        with pytest.raises(Unavailable) as refused:
            await call
        assert refused.value.reason == "STORAGE_UNAVAILABLE"
    assert [chunk async for chunk in store.read(BUCKET, "cam-1/a")] == [b"kept"]
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)  # noqa: ASYNC221, S607
    assert await put(store, spool) is Put.STORED
    await store.close()


WRITER = """
import asyncio, hashlib, os, sys
from pathlib import Path
from vonglau.footage import FolderFootage

async def main(root, spool, link):
    store = FolderFootage(root)
    if not link:
        os.link = lambda *names: (_ for _ in ()).throw(OSError(18, "cross-device"))
    await store.ensure_bucket("police-footage")
    for n in range(100000):
        path = spool / f"{os.getpid()}-{n}"
        body = os.urandom(200_000)
        path.write_bytes(body)
        print(n, flush=True)
        digest = hashlib.sha256(body).digest()
        await store.put_file("police-footage", f"cam-{n % 3}/{path.name}", path, sha256=digest, size=len(body), metadata={"n": str(n)})
        path.unlink()

asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] == "link"))
"""


@pytest.mark.parametrize("way", ["link", "copy"])
async def test_a_killed_writer_leaves_only_whole_objects_and_its_spool_file_can_be_stored_again(store: Footage, root: Path, tmp_path: Path, way: str) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    for delay in (0.0, 0.001, 0.002, 0.004):
        writer = await asyncio.create_subprocess_exec(sys.executable, "-c", WRITER, str(root), str(spool), way, stdout=asyncio.subprocess.PIPE)
        assert writer.stdout is not None
        for _ in range(4):
            await writer.stdout.readline()
        await asyncio.sleep(delay)  # where in the put it dies is the point, and chance
        writer.kill()
        await writer.communicate()
    listed = [info async for info in store.list(BUCKET)]
    assert len(listed) >= 4 * 3
    for info in listed:
        body = b"".join([chunk async for chunk in store.read(BUCKET, info.key)])
        assert (info.size, info.sha256) == (len(body), hashlib.sha256(body).digest())
        assert info.metadata["n"] == info.key.rsplit("-", 1)[1]
    for path in (path for path in spool.iterdir() if path.stat().st_size == 200_000):
        body = path.read_bytes()
        key = f"cam-{int(path.name.split('-')[1]) % 3}/{path.name}"
        assert await store.put_file(BUCKET, key, path, sha256=hashlib.sha256(body).digest(), size=len(body), metadata={}) in Put


@pytest.mark.parametrize("kind", ["pipe", "link", "folder"])
async def test_what_is_no_plain_file_is_not_read(store: Footage, root: Path, tmp_path: Path, kind: str) -> None:
    await store.ensure_bucket(BUCKET)
    lying = root / BUCKET / "a.mp4"
    (tmp_path / "outside").write_bytes(b"of somebody else")
    if kind == "pipe":
        os.mkfifo(lying)
    elif kind == "link":
        lying.symlink_to(tmp_path / "outside")
    else:
        lying.mkdir()
    with pytest.raises(NotFound):
        [chunk async for chunk in store.read(BUCKET, "a.mp4")]
