"""The platform as a city runs it: documents in MongoDB, footage in MinIO under credentials that may do their own work only, and both of them killed."""
from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import pymongo
import pytest

from tests.backends.servers import Server, minio, mongodb, mongodb_url, s3_url
from tests.backends.stores import Store, Users
from tests.e2e.platform import ENDS_WITHIN_S, Platform, decoded, running, simulated, until
from tests.e2e.timelines import causes
from vonglau.broker import connect
from vonglau.broker.server import free_port
from vonglau.clock import SystemClock
from vonglau.eventlog import FactPublisher, HeaderWriter
from vonglau.footage import footage_bucket
from vonglau.footage.policies import policy
from vonglau.footage.roles import ROLES
from vonglau.ingest.v1.events_pb2 import SegmentRecorded
from vonglau.media.segment import metadata_of, segment_key

pytestmark = [pytest.mark.backends, pytest.mark.timeout(240)]

CAMERAS = 3
DAY_NS = 86_400 * 10**9


@dataclass
class City:
    platform: Platform
    minio: Server
    mongodb: Server
    store: Store
    nats_url: str

    def stored(self, owner: str) -> list[str]:
        bucket = self.store.prefix + footage_bucket(owner)
        return [each.object_name or "" for each in self.store.administrator.list_objects(bucket, recursive=True)]

    def recorded_s(self, camera: str) -> float:
        """0 while the services do not answer."""
        result = self.platform.run("status", "--json")
        cameras = orjson.loads(result.stdout)["cameras"] if result.returncode == 0 else []
        return next((float(each["recorded_s"]) for each in cameras if each["id"] == camera), 0.0)

    def verified(self) -> bool:
        """Of the cameras that are registered; what a test planted belongs to none."""
        return all(self.platform.run("verify", camera).returncode == 0 for camera in simulated(CAMERAS))


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    folder = tmp_path_factory.mktemp("city")
    servers = [made(folder) for made in (minio, mongodb)]
    if None in servers:
        pytest.skip("MinIO or the MongoDB-compatible server is not installed")
    objects, documents = (server for server in servers if server)
    with ExitStack() as stack:
        for server in (objects, documents):
            stack.callback(server.stop)
            server.start()
        store, port = Store(s3_url(objects)), free_port()
        until(lambda: store.administrator.list_buckets() is not None, 20, "MinIO serves")
        told = settings(store, credentials_of(store, folder), documents, port)
        yield City(stack.enter_context(running(folder / "data", told)), objects, documents, store, f"nats://127.0.0.1:{port}")


def credentials_of(store: Store, folder: Path) -> Path:
    """Of a user each with the policy of its role."""
    users, credentials = Users(store, folder), folder / "credentials"
    credentials.mkdir()
    for role in ROLES:
        key, secret = users.add(policy(role, prefix=store.prefix))
        (credentials / f"{role}.access-key").write_text(key)
        (credentials / f"{role}.secret-key").write_text(secret)
    return credentials


def settings(store: Store, credentials: Path, documents: Server, port: int) -> dict[str, str]:
    return {
        "VONGLAU_DOCUMENTS": mongodb_url(documents),
        "VONGLAU_FOOTAGE": f"s3+{store.url}",
        "VONGLAU_FOOTAGE_CREDENTIALS": str(credentials),
        "VONGLAU_FOOTAGE_PREFIX": store.prefix,
        "VONGLAU_ALLOWED_HOSTS": "nowhere.example",
        "VONGLAU_NATS_PORT": str(port),
        "VONGLAU_SEGMENT_S": "3",
        "VONGLAU_SIMULATED_CAMERAS": str(CAMERAS),
        "VONGLAU_RETENTION_EVERY_S": "2",
    }


@pytest.fixture
def platform(city: City) -> Platform:
    """Tells its side where a test fails."""
    return city.platform


def test_cameras_are_recorded_into_the_buckets_of_their_owners(city: City, platform: Platform) -> None:
    until(lambda: platform.all_recording(CAMERAS), 40, "all cameras recorded")
    owners = {each["owner"] for each in platform.ask("camera", "list")["cameras"]}
    assert owners
    until(lambda: all(any(key.endswith(".mp4") for key in city.stored(owner)) for owner in owners), 30, "footage of each owner")


def test_nothing_of_it_lies_on_the_machine(city: City, platform: Platform) -> None:
    assert list(platform.data.glob("documents/*")) == []
    assert list(platform.data.rglob("footage/**/*.mp4")) == []
    client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(mongodb_url(city.mongodb))
    assert {"vonglau_registry", "vonglau_recording"} <= set(client.list_database_names())
    client.close()


def test_a_clip_plays_and_everything_verifies(city: City, platform: Platform, tmp_path: Path) -> None:
    until(lambda: city.recorded_s("sim-1") > 6, 40, "six seconds stored")
    clip = tmp_path / "clip.mp4"
    assert platform.run("play", "sim-1", "--from", "-8s", "--to", "now", "--out", str(clip)).returncode == 0
    assert decoded(clip) == ""
    assert city.verified()


def test_a_rebuild_changes_no_timeline(platform: Platform) -> None:
    at = datetime.now(UTC).isoformat(timespec="seconds")
    before = platform.ask("timeline", "sim-1", "--from", "-5m", "--to", at)
    platform.ask("rebuild", "recording")
    after = platform.ask("timeline", "sim-1", "--from", before["stretches"][0]["from"], "--to", at)
    assert causes(after["stretches"]) == causes(before["stretches"])


def test_a_rebuild_of_the_registry_passes_over_what_keeps_no_documents(platform: Platform) -> None:
    assert platform.ask("rebuild", "registry")["projections"] == ["registry"]
    assert len(platform.ask("camera", "list")["cameras"]) == CAMERAS


def test_retention_deletes_what_is_due_and_nothing_else(city: City, platform: Platform) -> None:
    owner = platform.ask("camera", "show", "sim-1")["camera"]["owner"]
    start = SystemClock().now_ns() - 100 * DAY_NS
    body = b"footage of a hundred days ago"
    old = SegmentRecorded(
        camera="old-cam", owner=owner, epoch=1, start_ns=start, end_ns=start + 3 * 10**9, key=segment_key("old-cam", start, 1, 0), codec="avc1.4d401f",
        width_px=640, height_px=360, size_bytes=len(body), sha256=sha256(body).digest(), last_of_epoch=True,
    )
    asyncio.run(tell_of(city, old, body))
    until(lambda: any("archive-" in key for key in city.stored(owner) if key.startswith("old-cam/")), 40, "its deletion is archived")
    until(lambda: old.key not in city.stored(owner), 20, "it is deleted")
    assert any(key.startswith("sim-1/") for key in city.stored(owner))


async def tell_of(city: City, fact: SegmentRecorded, body: bytes) -> None:
    """As ingest would have done then."""
    footage = city.store.footage()
    await footage.put_bytes(footage_bucket(fact.owner), fact.key, body, metadata_of(fact))
    await footage.close()
    async with connect(city.nats_url, name="tests", within=5) as broker:
        await FactPublisher(broker.nc, HeaderWriter("/test", SystemClock()), "service:ingest").publish("segment", fact.camera, fact, "1-0")


def test_a_killed_object_store_costs_no_second(city: City, platform: Platform) -> None:
    began = datetime.now(UTC).isoformat(timespec="milliseconds")
    city.minio.kill()
    before = city.recorded_s("sim-1")
    until(lambda: platform.all_recording(CAMERAS), 10, "recording goes on")
    city.minio.start()
    until(lambda: city.recorded_s("sim-1") > before + 8, 90, "what was spooled is stored")
    stretches = platform.ask("timeline", "sim-1", "--from", began)["stretches"]
    assert causes(stretches) == []
    until(city.verified, 30, "all that is indexed is stored")


def test_documents_that_were_lost_with_their_server_are_there_again(city: City, platform: Platform) -> None:
    at = datetime.now(UTC).isoformat(timespec="seconds")
    before = platform.ask("timeline", "sim-1", "--from", "-5m", "--to", at)["stretches"]
    known = len(platform.ask("camera", "list")["cameras"])
    city.mongodb.kill()
    assert platform.reason("camera", "list") == "DOCUMENTS_UNAVAILABLE"
    city.mongodb.start()

    def filled_again() -> bool:
        cameras = platform.run("camera", "list", "--json")
        timeline = platform.run("timeline", "sim-1", "--from", before[0]["from"], "--to", at, "--json")
        if cameras.returncode or timeline.returncode:
            return False
        after = orjson.loads(timeline.stdout)["stretches"]
        return len(orjson.loads(cameras.stdout)["cameras"]) == known and causes(after) == causes(before) and after[-1]["kind"] == "recorded"

    until(filled_again, 90, "inventory and timeline are filled again")


def test_it_ends_in_time(platform: Platform) -> None:
    assert platform.stop() < ENDS_WITHIN_S
