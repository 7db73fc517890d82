"""What a secret store promises, and what the sealed one promises besides: nothing readable at rest, nothing opened that was tampered with."""
from __future__ import annotations

from pathlib import Path

import pytest

from vonglau.broker import Broker, KeyValue, NatsServer
from vonglau.broker.topology import SECRETS
from vonglau.errors import Damaged, Invalid, Refused, Unavailable
from vonglau.secrets import SealedSecrets, Secrets
from vonglau.testing.secrets import MemorySecrets

NAME = "camera.cam-1.4f2a"


@pytest.fixture
def bucket(broker: Broker) -> KeyValue:
    return KeyValue(broker, SECRETS)


@pytest.fixture
def sealed(bucket: KeyValue, tmp_path: Path) -> SealedSecrets:
    return SealedSecrets(bucket, tmp_path / "secrets.key")


@pytest.fixture(params=["memory", pytest.param("sealed", marks=pytest.mark.loopback)])
def secrets(request: pytest.FixtureRequest) -> Secrets:
    return MemorySecrets() if request.param == "memory" else request.getfixturevalue("sealed")


async def stored(bucket: KeyValue, name: str = NAME) -> bytes:
    entry = await bucket.get(name)
    assert entry is not None
    assert entry.value is not None
    return entry.value


def contents(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("plaintext", [b"admin:p4ss", b"", "mật khẩu".encode(), bytes(range(256)) * 64])
async def test_a_secret_comes_back_as_it_was_put(secrets: Secrets, plaintext: bytes) -> None:
    await secrets.put(NAME, plaintext)
    assert await secrets.get(NAME) == plaintext


async def test_a_name_without_a_secret_has_none(secrets: Secrets) -> None:
    assert await secrets.get(NAME) is None


async def test_the_newest_secret_under_a_name_counts(secrets: Secrets) -> None:
    await secrets.put(NAME, b"old")
    await secrets.put(NAME, b"new")
    assert await secrets.get(NAME) == b"new"


async def test_a_purged_secret_is_gone_and_can_be_put_anew(secrets: Secrets) -> None:
    await secrets.put(NAME, b"old")
    await secrets.purge(NAME)
    await secrets.purge("never.there")
    assert await secrets.get(NAME) is None
    await secrets.put(NAME, b"new")
    assert await secrets.get(NAME) == b"new"


@pytest.mark.parametrize("name", ["", ">", "*", "camera.*", "a..b", ".a", "a b", "a\n", "khoá", "a" * 201])
async def test_a_name_outside_the_grammar_is_refused(secrets: Secrets, name: str) -> None:
    for asked in (secrets.put(name, b"x"), secrets.get(name), secrets.purge(name)):
        with pytest.raises(Invalid) as refused:
            await asked
        assert refused.value.reason == "SECRET_NAME_MALFORMED"


@pytest.mark.loopback
async def test_nothing_of_a_secret_is_readable_where_it_lies(bucket: KeyValue, sealed: SealedSecrets, tmp_path: Path) -> None:
    await sealed.put(NAME, b"p4ssw0rd-of-the-gate")
    assert b"p4ssw0rd" not in await stored(bucket)
    assert not any(b"p4ssw0rd" in content for content in contents(tmp_path))


@pytest.mark.loopback
async def test_the_same_secret_never_looks_the_same_twice(bucket: KeyValue, sealed: SealedSecrets) -> None:
    await sealed.put(NAME, b"secret")
    first = await stored(bucket)
    await sealed.put(NAME, b"secret")
    assert await stored(bucket) != first


@pytest.mark.loopback
async def test_a_purge_leaves_no_ciphertext_behind(broker: Broker, sealed: SealedSecrets) -> None:
    await sealed.put(NAME, b"secret")
    await sealed.purge(NAME)
    info = await broker.js.stream_info("KV_secrets")
    last = await broker.js.get_last_msg("KV_secrets", f"$KV.secrets.{NAME}")
    assert (info.state.messages, last.data or b"") == (1, b"")


@pytest.mark.loopback
async def test_every_flipped_byte_is_noticed(bucket: KeyValue, sealed: SealedSecrets) -> None:
    await sealed.put(NAME, b"secret")
    value = await stored(bucket)
    for at in range(len(value)):
        await bucket.put(NAME, value[:at] + bytes([value[at] ^ 1]) + value[at + 1 :])
        with pytest.raises(Damaged):
            await sealed.get(NAME)


@pytest.mark.loopback
@pytest.mark.parametrize("length", [0, 1, 9, 15, 21, 36])
async def test_a_value_cut_short_is_noticed(bucket: KeyValue, sealed: SealedSecrets, length: int) -> None:
    await sealed.put(NAME, b"secret")
    await bucket.put(NAME, (await stored(bucket))[:length])
    with pytest.raises(Damaged):
        await sealed.get(NAME)


@pytest.mark.loopback
async def test_a_value_moved_under_another_name_does_not_open(bucket: KeyValue, sealed: SealedSecrets) -> None:
    await sealed.put(NAME, b"secret")
    await bucket.put("camera.cam-2.4f2a", await stored(bucket))
    with pytest.raises(Damaged) as refused:
        await sealed.get("camera.cam-2.4f2a")
    assert refused.value.reason == "SECRET_DAMAGED"


@pytest.mark.loopback
async def test_another_key_is_named_as_the_cause(bucket: KeyValue, sealed: SealedSecrets, tmp_path: Path) -> None:
    await sealed.put(NAME, b"secret")
    with pytest.raises(Damaged) as refused:
        await SealedSecrets(bucket, tmp_path / "another.key").get(NAME)
    assert refused.value.reason == "SECRETS_KEY_WRONG"


@pytest.mark.loopback
async def test_the_key_outlives_a_restart(bucket: KeyValue, sealed: SealedSecrets, tmp_path: Path) -> None:
    await sealed.put(NAME, b"secret")
    assert await SealedSecrets(bucket, tmp_path / "secrets.key").get(NAME) == b"secret"


@pytest.mark.loopback
async def test_a_damaged_or_open_key_file_is_refused(bucket: KeyValue, sealed: SealedSecrets, tmp_path: Path) -> None:
    (tmp_path / "secrets.key").write_bytes(b"short")
    with pytest.raises(Damaged) as damaged:
        SealedSecrets(bucket, tmp_path / "secrets.key")
    (tmp_path / "secrets.key").chmod(0o644)
    with pytest.raises(Refused) as refused:
        SealedSecrets(bucket, tmp_path / "secrets.key")
    assert (damaged.value.reason, refused.value.reason) == ("KEY_FILE_DAMAGED", "KEY_FILE_OPEN")


@pytest.mark.loopback
async def test_while_the_store_is_away_it_says_so(nats_server: NatsServer, sealed: SealedSecrets, broker: Broker) -> None:
    await nats_server.kill()
    with pytest.raises(Unavailable):
        await sealed.put(NAME, b"secret")
