"""What is an object store's own: what it must be able to do, what it refuses, and what a credential is."""
from __future__ import annotations

import asyncio
import hashlib
import io
import random
import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from minio.credentials.providers import StaticProvider
from urllib3.exceptions import ProtocolError

from services.recording import bucket_walk
from tests.backends.stores import Store
from vonglau.errors import Damaged, Invalid, Refused, Unavailable
from vonglau.footage import FolderFootage, Put, open_footage
from vonglau.footage.s3 import S3Footage
from vonglau.footage.s3_client import FileCredentials
from vonglau.settings import PlatformSettings

pytestmark = pytest.mark.backends

BUCKET, KEY = "police-footage", "cam-1/2026/11/21/one.mp4"


@pytest.fixture
async def store(s3: Store) -> AsyncIterator[S3Footage]:
    footage = s3.footage(threads=4)
    await footage.ensure_bucket(BUCKET)
    yield footage
    await footage.close()


def spooled(tmp_path: Path, size: int) -> tuple[Path, bytes]:
    body = random.Random(size).randbytes(size)
    path = tmp_path / "spool.mp4"
    path.write_bytes(body)
    return path, hashlib.sha256(body).digest()


async def reason(doing: Any) -> str:
    with pytest.raises(Unavailable) as refused:
        await doing
    return refused.value.reason


async def test_the_server_refuses_bytes_that_are_not_those_of_the_digest(store: S3Footage, tmp_path: Path) -> None:
    path, _ = spooled(tmp_path, 100_000)
    with pytest.raises(Damaged) as refused:
        await store.put_file(BUCKET, KEY, path, sha256=hashlib.sha256(b"other").digest(), size=100_000, metadata={})
    assert refused.value.reason == "CONTENT_MISMATCH"
    assert await store.head(BUCKET, KEY) is None


async def test_a_long_object_that_stands_there_is_told_though_the_server_hangs_up_on_its_repetition(store: S3Footage, tmp_path: Path) -> None:
    path, digest = spooled(tmp_path, 30 << 20)
    puts = [await store.put_file(BUCKET, KEY, path, sha256=digest, size=30 << 20, metadata={}) for _ in range(3)]
    assert puts == [Put.STORED, Put.ALREADY_STORED, Put.ALREADY_STORED]


@pytest.mark.parametrize("stands", [True, False])
async def test_after_a_lost_answer_it_is_asked_whether_the_object_stands(
    store: S3Footage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stands: bool
) -> None:
    path, digest = spooled(tmp_path, 1000)
    once = store._client._put
    lost: list[bool] = []

    def losing(bucket: str, key: str, body: Any, size: int, headers: Any) -> None:
        if lost:
            return once(bucket, key, body, size, headers)
        lost.append(True)
        if stands:
            once(bucket, key, body, size, headers)
        raise ProtocolError("connection aborted")

    monkeypatch.setattr(store._client, "_put", losing)
    put = store.put_file(BUCKET, KEY, path, sha256=digest, size=1000, metadata={})
    if stands:
        assert await put is Put.ALREADY_STORED
    else:
        assert await reason(put) == "STORAGE_UNAVAILABLE"
        assert await store.head(BUCKET, KEY) is None


async def test_metadata_of_any_letters_come_back_and_unsafe_names_are_refused(store: S3Footage) -> None:
    metadata = {"start_ns": "17", "place": "Đống Đa  #1 100% ", "empty": ""}
    await store.put_bytes(BUCKET, KEY, b"x", metadata)
    info = await store.head(BUCKET, KEY)
    assert info is not None
    assert info.metadata == metadata
    assert [each async for each in store.list(BUCKET)] == [info]
    for name in ("Camera", "a-b", "a__b", "content_sha256", ""):
        with pytest.raises(Invalid):
            await store.put_bytes(BUCKET, "cam-1/other", b"x", {name: "1"})


async def test_a_list_without_metadata_is_completed_by_asking_for_each_object(store: S3Footage, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on stores that do not know MinIO's extension."""
    for number in range(3):
        await store.put_bytes(BUCKET, f"cam-1/{number}", b"%d" % number, {"n": str(number)})
    plain = store._client.asked.list_objects
    monkeypatch.setattr(store._client.asked, "list_objects", lambda *args, **more: plain(*args, **{**more, "include_user_meta": False}))
    assert [(each.metadata, each.sha256) async for each in store.list(BUCKET)] == [
        ({"n": str(number)}, hashlib.sha256(b"%d" % number).digest()) for number in range(3)
    ]


async def test_evidence_is_kept_in_buckets_with_lock_and_versions_and_footage_is_not(store: S3Footage, s3: Store) -> None:
    await store.ensure_bucket("police-evidence")
    await store.ensure_bucket("police-evidence")
    assert s3.administrator.get_bucket_versioning(f"{s3.prefix}police-evidence").status == "Enabled"
    s3.administrator.get_object_lock_config(f"{s3.prefix}police-evidence")
    assert s3.administrator.get_bucket_versioning(f"{s3.prefix}{BUCKET}").status != "Enabled"


async def test_a_bucket_of_evidence_without_lock_is_refused(store: S3Footage, s3: Store) -> None:
    s3.administrator.make_bucket(f"{s3.prefix}ward-evidence")
    with pytest.raises(Refused) as refused:
        await store.ensure_bucket("ward-evidence")
    assert refused.value.reason == "BUCKET_UNLOCKED"


async def test_buckets_of_others_are_not_told(store: S3Footage, s3: Store) -> None:
    other = Store(f"{s3.url.replace('://', f'://{s3.key}:{s3.secret}@')}")
    theirs = other.footage()
    await theirs.ensure_bucket("ward-footage")
    assert await store.buckets() == (BUCKET,)
    await theirs.close()
    other.remove()


async def test_the_probe_can_be_repeated_and_leaves_one_object(store: S3Footage, s3: Store) -> None:
    await store.probe()
    await store.probe()
    probed = s3.administrator.list_objects(f"{s3.prefix}vonglau-probe", recursive=True, include_version=True)
    assert [each.object_name for each in probed] == ["probe"]


@pytest.mark.parametrize("lacking", ["conditional put", "checksums", "object lock"])
async def test_a_store_that_lacks_something_is_refused_by_its_name(s3: Store, monkeypatch: pytest.MonkeyPatch, lacking: str) -> None:
    store = s3.footage()
    once = store._client._put

    def put(bucket: str, key: str, body: Any, size: int, headers: dict[str, str]) -> None:
        dropped = {"conditional put": "if-none-match", "checksums": "x-amz-checksum-sha256"}.get(lacking)
        once(bucket, key, body, size, {name: value for name, value in headers.items() if name != dropped})

    monkeypatch.setattr(store._client, "_put", put)
    if lacking == "object lock":
        make = store._client.asked.make_bucket
        monkeypatch.setattr(store._client.asked, "make_bucket", lambda name, object_lock=False: make(name))
    with pytest.raises(Refused) as refused:
        await store.ensure_bucket(BUCKET)
    assert refused.value.reason == "STORAGE_UNSUITABLE"
    assert lacking in refused.value.message
    assert BUCKET not in await store.buckets()
    await store.close()


class Answering(BaseHTTPRequestHandler):
    """Answers everything with one status and body."""

    status, body = 200, b"<html>welcome</html>"

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", "0")))
        self.send_response(self.status)
        self.send_header("content-length", str(len(self.body)))
        self.send_header("content-type", "application/xml" if self.body.startswith(b"<Error") else "text/html")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(self.body)

    do_GET = do_PUT = do_HEAD = answer  # noqa: N815 - the server's names

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """answering(status, body): a store that says only that."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()

    def made(status: int, body: bytes) -> S3Footage:
        monkeypatch.setattr(Answering, "status", status)
        monkeypatch.setattr(Answering, "body", body)
        return S3Footage(f"http://127.0.0.1:{server.server_port}", StaticProvider("key", "secret"), makes_buckets=False)

    yield made
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("status", "code", "told"),
    [
        (507, "XMinioStorageFull", "STORAGE_FULL"),
        (400, "XMinioAdminBucketQuotaExceeded", "STORAGE_FULL"),
        (503, "SlowDown", "STORAGE_UNAVAILABLE"),
        (500, "InternalError", "STORAGE_UNAVAILABLE"),
        (403, "InvalidAccessKeyId", "STORAGE_DENIED"),
        (403, "RequestTimeTooSkewed", "STORAGE_DENIED"),
        (404, "NoSuchBucket", "BUCKET_MISSING"),
    ],
)
async def test_what_a_store_refuses_is_told_by_its_consequence(answering: Any, status: int, code: str, told: str) -> None:
    store = answering(status, f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode())
    assert await reason(store.put_bytes(BUCKET, KEY, b"x", {})) == told
    await store.close()


@pytest.mark.parametrize("status", [200, 502])
async def test_what_speaks_no_s3_is_unavailable(answering: Any, status: int) -> None:
    store = answering(status, b"<html>welcome</html>")
    if status != 200:
        assert await reason(store.put_bytes(BUCKET, KEY, b"x", {})) == "STORAGE_UNAVAILABLE"
    assert await reason(store.buckets()) == "STORAGE_UNAVAILABLE"
    await store.close()


async def test_a_store_that_is_away_is_unavailable() -> None:
    store = S3Footage("http://127.0.0.1:1", StaticProvider("key", "secret"), makes_buckets=False)
    for doing in (store.put_bytes(BUCKET, KEY, b"x", {}), store.head(BUCKET, KEY), store.buckets(), store.delete(BUCKET, [KEY])):
        assert await reason(doing) == "STORAGE_UNAVAILABLE"
    await store.close()


async def test_a_credential_that_was_exchanged_is_used_from_the_next_call_on(s3: Store, tmp_path: Path) -> None:
    folder = s3.credentials(tmp_path / "credentials", "ingest")
    (folder / "ingest.secret-key").write_text("an old one")
    store = s3.footage(credentials=FileCredentials(folder, "ingest"))
    assert await reason(store.buckets()) == "STORAGE_DENIED"
    s3.credentials(folder, "ingest")
    assert await store.buckets() == ()
    (folder / "ingest.access-key").write_text("")
    assert await reason(store.buckets()) == "STORAGE_UNAVAILABLE"
    await store.close()


async def test_settings_say_which_store_and_as_whom(s3: Store, tmp_path: Path) -> None:
    here = await open_footage(PlatformSettings(footage_dir=tmp_path), "recording")
    assert isinstance(here, FolderFootage)
    folder = s3.credentials(tmp_path / "credentials", "recording", "ingest")
    settings = PlatformSettings(footage=f"s3+{s3.url}", footage_credentials=folder, footage_prefix=s3.prefix)
    recording, ingest = await open_footage(settings, "recording"), await open_footage(settings, "ingest")
    await ingest.ensure_bucket(BUCKET)
    assert await reason(ingest.put_bytes(BUCKET, KEY, b"x", {})) == "BUCKET_MISSING"
    await recording.ensure_bucket(BUCKET)
    assert await ingest.put_bytes(BUCKET, KEY, b"x", {}) is Put.STORED
    for store in (here, recording, ingest):
        await store.close()


async def test_a_start_without_the_store_goes_on_and_tries_it_out_before_the_first_bucket(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("recording.access-key", "recording.secret-key"):
        (tmp_path / name).write_text("something")
    store = await open_footage(PlatformSettings(footage="s3+http://127.0.0.1:1", footage_credentials=tmp_path), "recording")
    assert "not tried out yet" in caplog.text
    assert await reason(store.ensure_bucket(BUCKET)) == "STORAGE_UNAVAILABLE"
    await store.close()


async def test_a_reader_that_is_cancelled_leaves_no_connection_behind(store: S3Footage) -> None:
    await store.put_bytes(BUCKET, KEY, bytes(8 << 20), {})

    async def read() -> None:
        async for _ in store.read(BUCKET, KEY):
            await asyncio.sleep(0)

    for _ in range(6):
        reading = asyncio.create_task(read())
        await asyncio.sleep(0.01)  # somewhere on its way
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    assert await store.head(BUCKET, KEY) is not None


async def test_an_answer_without_words_is_taken_by_its_status(answering: Any) -> None:
    store = answering(412, b"")
    assert store._client.put(BUCKET, KEY, b"x", sha256=bytes(32), size=1, metadata={}) is False
    store = answering(418, b"")
    assert await reason(store.put_bytes(BUCKET, KEY, b"x", {})) == "STORAGE_UNAVAILABLE"
    await store.close()


async def test_what_somebody_else_put_there_is_listed_as_it_is_and_ends_nobodys_walk(store: S3Footage, s3: Store) -> None:
    """Names that are no keys, and the empty objects by which some tools make a folder."""
    for name in ("cam-1/2026/01/01/my clip.mp4", "cam-1/", "cam-1/2026/01/01/", "x y"):
        s3.administrator.put_object(f"{s3.prefix}{BUCKET}", name, io.BytesIO(b"x"), 1)
    await store.put_bytes(BUCKET, "cam-1/2026/01/01/archive-0", b"x", {})
    listed = [each.key async for each in store.list(BUCKET)]
    assert set(listed) >= {"cam-1/2026/01/01/my clip.mp4", "x y", "cam-1/2026/01/01/archive-0"}
    assert sorted([each async for each in store.children(BUCKET)]) == ["cam-1/", "x y"]
    assert sorted([each async for each in store.children(BUCKET, "cam-1/")]) == ["cam-1/2026/"]
    assert await bucket_walk.days(store, "police", "cam-1") == [20_454]
    assert {each async for each in bucket_walk.strays(store, "police", {"cam-1"})} == {"x y"}
