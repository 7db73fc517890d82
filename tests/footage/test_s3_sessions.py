"""Under a session per owner the adapter itself reaches one owner's buckets alone, on the real store; sessions go on without a pause."""
from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from minio.credentials.credentials import Credentials
from minio.credentials.providers import Provider, StaticProvider
from urllib3.exceptions import HTTPError

from tests.backends.stores import Store, Users
from tests.footage.asking import denied, listed, whole
from vonglau.clock import utc
from vonglau.errors import Unavailable
from vonglau.footage import Put, open_footage
from vonglau.footage.policies import policy
from vonglau.footage.roles import INGEST, RECORDING, RETENTION, ROLES
from vonglau.footage.s3 import S3Footage
from vonglau.footage.s3_sessions import AGAIN_S, AHEAD_S, SESSION_S, OwnerSession, OwnerSessions, Sts
from vonglau.settings import PlatformSettings
from vonglau.testing.clock import SettableClock

SEGMENT = "cam-1/2026/11/21/20261121T071500.000Z-7-0.mp4"
ARCHIVE = "cam-1/2026/11/21/archive-0"
POLICE, WARD = "police-footage", "ward-7-footage"
MOST_OF_A_POLICY = 2048  # characters, of S3 and of MinIO


class Confused(OwnerSessions):
    """Takes every owner for one: what a mistake in the code would do."""

    def of(self, owner: str) -> Provider:
        return super().of("police")


@pytest.fixture
def users(s3: Store, tmp_path: Path) -> Iterator[Users]:
    made = Users(s3, tmp_path)
    yield made
    made.remove()


@pytest.fixture
def by_role(s3: Store, users: Users) -> dict[str, tuple[str, str]]:
    """Key and secret of each role, over all owners, as whoever runs a store makes them."""
    return {role: users.add(policy(role, prefix=s3.prefix)) for role in ROLES}


@pytest.fixture
async def filled(s3: Store) -> AsyncIterator[S3Footage]:
    everybody = s3.footage()
    for bucket in (POLICE, WARD):
        await everybody.ensure_bucket(bucket)
        await everybody.put_bytes(bucket, SEGMENT, b"video", {})
    yield everybody
    await everybody.close()


@pytest.mark.backends
@pytest.mark.usefixtures("filled")
async def test_the_session_of_one_owner_opens_no_other_owners_bucket_whatever_is_asked(s3: Store, by_role: dict[str, tuple[str, str]]) -> None:
    def acting(role: str) -> S3Footage:
        whoever = StaticProvider(*by_role[role])
        return s3.footage(credentials=whoever, makes_buckets=role == RECORDING, sessions=Confused(s3.url, whoever, role, prefix=s3.prefix))

    recording, ingest, retention = (acting(role) for role in (RECORDING, INGEST, RETENTION))
    assert await listed(recording, POLICE) == [SEGMENT]
    assert await whole(recording, POLICE, SEGMENT) == b"video"
    assert await denied(listed(recording, WARD))
    assert await denied(whole(recording, WARD, SEGMENT))
    assert await denied(recording.head(WARD, SEGMENT))
    assert await denied(recording.ensure_bucket("ward-8-footage"))
    assert await denied(ingest.put_bytes(WARD, "cam-1/x", b"x", {}))
    assert await denied(retention.delete(WARD, [SEGMENT]))
    assert await denied(listed(retention, WARD))
    for store in (recording, ingest, retention):
        await store.close()


@pytest.mark.backends
@pytest.mark.usefixtures("filled")
async def test_with_the_setting_every_role_does_its_work_for_each_owner(s3: Store, by_role: dict[str, tuple[str, str]], tmp_path: Path) -> None:
    for role, (key, secret) in by_role.items():
        (tmp_path / f"{role}.access-key").write_text(key)
        (tmp_path / f"{role}.secret-key").write_text(secret)
    settings = PlatformSettings(footage=f"s3+{s3.url}", footage_credentials=tmp_path, footage_prefix=s3.prefix, footage_sessions="owner")
    recording, ingest, retention = [await open_footage(settings, role) for role in (RECORDING, INGEST, RETENTION)]
    await recording.ensure_bucket("ward-8-footage")
    await recording.ensure_bucket("ward-8-evidence")
    for bucket in (POLICE, WARD, "ward-8-footage"):
        assert await ingest.put_bytes(bucket, "cam-1/x", b"x", {}) is Put.STORED
        assert await ingest.put_bytes(bucket, "cam-1/x", b"x", {}) is Put.ALREADY_STORED
        assert await retention.put_bytes(bucket, ARCHIVE, b"part", {}) is Put.STORED
        assert {ARCHIVE, "cam-1/x"} <= set(await listed(retention, bucket))
        assert await whole(retention, bucket, ARCHIVE) == await whole(recording, bucket, ARCHIVE) == b"part"
        await retention.delete(bucket, ["cam-1/x"])
        assert await recording.head(bucket, "cam-1/x") is None
        assert await denied(retention.delete(bucket, [ARCHIVE]))
    assert set(await recording.buckets()) == {POLICE, WARD, "ward-8-footage", "ward-8-evidence"}
    for store in (recording, ingest, retention):
        await store.close()


@pytest.mark.backends
async def test_a_store_that_gives_no_session_is_told_as_one_that_denies(s3: Store, filled: S3Footage) -> None:
    nobody = StaticProvider("nobody-known", "a-secret-of-nobody")
    store = s3.footage(credentials=nobody, makes_buckets=False, sessions=OwnerSessions(s3.url, nobody, RECORDING, prefix=s3.prefix))
    with pytest.raises(Unavailable, match="no session that is narrowed to an owner") as refused:
        await store.head(POLICE, SEGMENT)
    assert refused.value.reason == "STORAGE_DENIED"
    assert await filled.head(POLICE, SEGMENT) is not None
    await store.close()


@pytest.mark.backends
def test_a_session_is_used_again_and_exchanged_before_it_ends(s3: Store, by_role: dict[str, tuple[str, str]]) -> None:
    clock = SettableClock(time.time_ns())
    session = OwnerSessions(s3.url, StaticProvider(*by_role[RECORDING]), RECORDING, prefix=s3.prefix, clock=clock).of("police")
    first = session.retrieve()
    clock.advance(SESSION_S - AHEAD_S - 60)
    assert session.retrieve() is first
    clock.advance(70)
    assert session.retrieve().session_token != first.session_token


class Given(Sts):
    """Sessions that end after an hour by the clock, or none."""

    def __init__(self, clock: SettableClock) -> None:
        super().__init__("http://127.0.0.1:1", region="us-east-1", ca_file=None)
        self.asked, self.away, self._clock = 0, False, clock

    def session(self, credentials: Credentials, narrowed: str) -> Credentials:
        self.asked += 1
        if self.away:
            raise HTTPError("away")
        return Credentials(f"{credentials.access_key}-{self.asked}", "secret", "token", utc(self._clock.now_ns()) + timedelta(seconds=SESSION_S))


class Asking(Provider):
    key = "one"

    def retrieve(self) -> Credentials:
        return Credentials(self.key, "secret")


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
def sts(clock: SettableClock) -> Iterator[Given]:
    given = Given(clock)
    yield given
    given.close()


def test_a_session_that_is_not_renewed_serves_to_its_end_and_no_longer(sts: Given, clock: SettableClock, caplog: pytest.LogCaptureFixture) -> None:
    session = OwnerSession(sts, Asking(), "{}", clock)
    first, sts.away = session.retrieve(), True
    clock.advance(SESSION_S - AHEAD_S + 1)
    assert [session.retrieve() for _ in range(3)] == [first] * 3
    assert sts.asked == 2
    assert "not renewed yet" in caplog.text
    clock.advance(AHEAD_S)
    with pytest.raises(HTTPError):
        session.retrieve()


def test_a_session_is_renewed_a_little_after_a_renewal_that_failed(sts: Given, clock: SettableClock) -> None:
    session = OwnerSession(sts, Asking(), "{}", clock)
    first, sts.away = session.retrieve(), True
    clock.advance(SESSION_S - AHEAD_S + 1)
    assert session.retrieve() == first
    sts.away = False
    clock.advance(AGAIN_S)
    assert session.retrieve() != first


def test_a_credential_that_was_exchanged_asks_for_a_session_of_its_own(sts: Given, clock: SettableClock) -> None:
    asking = Asking()
    session = OwnerSession(sts, asking, "{}", clock)
    assert session.retrieve().access_key == "one-1"
    asking.key = "two"
    assert session.retrieve().access_key == "two-2"


@pytest.mark.parametrize("owner", ["x" * 40, "*"])
@pytest.mark.parametrize("role", ROLES)
def test_the_longest_policy_fits_into_a_session(role: str, owner: str) -> None:
    assert len(json.dumps(policy(role, owner=owner, prefix="p" * 14), separators=(",", ":"))) <= MOST_OF_A_POLICY
