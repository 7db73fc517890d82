"""What a credential may do, tried on the real store: by a user whose policy it is, and by a session that is narrowed to it."""
from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from minio.credentials.providers import AssumeRoleProvider, Provider, StaticProvider

from tests.backends.stores import Store, Users
from tests.footage.asking import denied, listed, whole
from vonglau.footage import Put, policies
from vonglau.footage.policies import policy
from vonglau.footage.roles import INGEST, RECORDING, RETENTION, ROLES
from vonglau.footage.s3 import S3Footage

ARCHIVE, SEGMENT = "cam-1/2026/11/21/archive-0", "cam-1/2026/11/21/20261121T071500.000Z-7-0.mp4"
As = Callable[..., S3Footage]


@pytest.fixture
def users(s3: Store, tmp_path: Path) -> Iterator[Users]:
    made = Users(s3, tmp_path)
    yield made
    made.remove()


@pytest.fixture(params=["user", "session"])
async def acting(request: pytest.FixtureRequest, s3: Store, users: Users) -> AsyncIterator[As]:
    """acting(role, owner="*"): the store as that role sees it."""
    opened: list[S3Footage] = []
    every = [each for role in ROLES for each in policies.statements(role, "*", s3.prefix) if each["Effect"] == "Allow"]

    def provider(wanted: policies.Policy) -> Provider:
        if request.param == "user":
            return StaticProvider(*users.add(wanted))
        key, secret = users.add({"Version": "2012-10-17", "Statement": every})
        return AssumeRoleProvider(sts_endpoint=s3.url, access_key=key, secret_key=secret, policy=json.dumps(wanted), region="us-east-1")

    def act(role: str, owner: str = "*") -> S3Footage:
        store = s3.footage(credentials=provider(policy(role, owner=owner, prefix=s3.prefix)), makes_buckets=role == RECORDING)
        opened.append(store)
        return store

    yield act
    for store in opened:
        await store.close()


@pytest.mark.backends
async def test_each_role_does_its_own_work_and_nothing_else(acting: As) -> None:
    recording, ingest, retention = acting(RECORDING), acting(INGEST), acting(RETENTION)
    await recording.ensure_bucket("police-footage")
    assert await ingest.put_bytes("police-footage", SEGMENT, b"video", {"camera": "cam-1"}) is Put.STORED
    assert await ingest.put_bytes("police-footage", SEGMENT, b"video", {"camera": "cam-1"}) is Put.ALREADY_STORED
    assert await retention.put_bytes("police-footage", ARCHIVE, b"index", {}) is Put.STORED
    assert await whole(recording, "police-footage", SEGMENT) == b"video"
    assert await recording.buckets() == ("police-footage",)

    assert await denied(listed(ingest, "police-footage"))
    assert await denied(whole(ingest, "police-footage", SEGMENT))
    assert await denied(ingest.delete("police-footage", [SEGMENT]))
    assert await denied(ingest.put_bytes("police-footage", ARCHIVE.replace("-0", "-1"), b"forged", {}))
    assert await denied(recording.delete("police-footage", [SEGMENT]))
    for key in (SEGMENT.replace("-0.mp4", "-1.mp4"), ARCHIVE.replace("-0", "-1")):
        assert await denied(recording.put_bytes("police-footage", key, b"forged", {}))
    assert await denied(retention.put_bytes("police-footage", "cam-1/other", b"forged", {}))
    assert await denied(retention.delete("police-footage", [ARCHIVE]))

    assert await listed(retention, "police-footage") == [SEGMENT, ARCHIVE]
    assert await whole(retention, "police-footage", SEGMENT) == b"video"
    await retention.delete("police-footage", [SEGMENT])
    assert await listed(recording, "police-footage") == [ARCHIVE]


@pytest.mark.backends
async def test_an_owners_credential_reaches_no_other_owners_bucket(acting: As, s3: Store) -> None:
    everybody = s3.footage()
    for bucket in ("police-footage", "ward-7-footage"):
        await everybody.ensure_bucket(bucket)
        await everybody.put_bytes(bucket, SEGMENT, b"video", {})
    await everybody.close()
    reader, writer, eraser = (acting(role, "police") for role in (RECORDING, INGEST, RETENTION))
    assert await listed(reader, "police-footage") == [SEGMENT]
    assert await denied(listed(reader, "ward-7-footage"))
    assert await denied(whole(reader, "ward-7-footage", SEGMENT))
    assert await denied(reader.head("ward-7-footage", SEGMENT))
    assert await denied(writer.put_bytes("ward-7-footage", "cam-1/x", b"x", {}))
    assert await denied(eraser.delete("ward-7-footage", [SEGMENT]))


def test_the_command_prints_the_policy_of_a_role(capsys: pytest.CaptureFixture[str]) -> None:
    assert policies.main(["ingest", "--owner", "police", "--prefix", "city-"]) == 0
    assert json.loads(capsys.readouterr().out) == policy(INGEST, owner="police", prefix="city-")


@pytest.mark.parametrize("role", ROLES)
def test_only_the_retention_job_may_delete_and_ingest_may_not_look(role: str) -> None:
    actions = {action for each in policy(role)["Statement"] if each["Effect"] == "Allow" for action in each["Action"]}
    assert ("s3:DeleteObject" in actions) == (role == RETENTION)
    assert ("s3:GetObject" in actions) == ("s3:ListBucket" in actions) == (role != INGEST)
    assert "s3:*" not in actions


def test_what_is_no_role_has_no_policy() -> None:
    with pytest.raises(ValueError, match="auditor"):
        policy("auditor")
