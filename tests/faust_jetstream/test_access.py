"""Who gets in and how: TLS, users, tokens, accounts, credentials; and who does not, with the reason."""
# ruff: noqa: S106  these secrets open a server that lives for a second

import asyncio
import base64
import datetime
import ipaddress
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import nkeys
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from faust_jetstream.connection import Connection, connect, credentials
from faust_jetstream.errors import BadSetting, CannotConnect, ServerTooOld
from faust_jetstream.settings import Access
from faust_jetstream.testkit import Server

pytestmark = [pytest.mark.loopback, pytest.mark.usefixtures("reconnects")]

ACCOUNTS = """
accounts {
  CITY: { jetstream: enabled, users: [{user: city, password: "p w"}] }
  POOR: { users: [{user: poor, password: poor}] }
}
"""


def access(server: Server, **given: object) -> Access:
    return Access((server.url,), connect_timeout=1.5, **given)  # type: ignore[arg-type]


async def works(asked: Access) -> None:
    connection = Connection(asked, "test")
    await connection.open()
    assert (await connection.js.account_info()).streams >= 0
    await connection.close()


async def test_a_user_works_in_the_account_it_belongs_to(tmp_path: Path) -> None:
    with Server(tmp_path, config=ACCOUNTS) as server:
        await works(access(server, user="city", password="p w"))
        with pytest.raises(CannotConnect, match="not enabled for this account"):
            await works(access(server, user="poor", password="poor"))


async def test_wrong_credentials_name_the_options(tmp_path: Path) -> None:
    with Server(tmp_path, config=ACCOUNTS) as server, pytest.raises(CannotConnect, match="refuses the credentials"):
        await works(access(server, user="city", password="wrong"))


async def test_a_seed_file_proves_who_asks(tmp_path: Path) -> None:
    public, seed = key_pair(nkeys.PREFIX_BYTE_USER)
    file = tmp_path / "app.nk"
    file.write_bytes(seed)
    with Server(tmp_path, config=f"accounts {{ CITY: {{ jetstream: enabled, users: [{{nkey: {public}}}] }} }}") as server:
        await works(access(server, nkey_seed=str(file)))


async def test_a_credentials_file_chooses_the_account(tmp_path: Path) -> None:
    (operator, operator_seed), (account, account_seed), (user, user_seed) = (
        key_pair(kind) for kind in (nkeys.PREFIX_BYTE_OPERATOR, nkeys.PREFIX_BYTE_ACCOUNT, nkeys.PREFIX_BYTE_USER)
    )
    limits = {"subs": -1, "conn": -1, "data": -1, "payload": -1}
    streams = {"mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1}
    system, _ = key_pair(nkeys.PREFIX_BYTE_ACCOUNT)
    accounts = {
        one: jwt(operator, operator_seed, one, {"type": "account", "version": 2, "limits": {**limits, **allowed}})
        for one, allowed in ((account, streams), (system, {}))      # the system's account may have no JetStream
    }
    user_jwt = jwt(account, account_seed, user, {"type": "user", "version": 2, "subs": -1, "data": -1, "payload": -1})
    operator_jwt = jwt(operator, operator_seed, operator, {"type": "operator", "version": 2})
    file = tmp_path / "app.creds"
    file.write_text(
        f"-----BEGIN NATS USER JWT-----\n{user_jwt}\n------END NATS USER JWT------\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{user_seed.decode()}\n------END USER NKEY SEED------\n",
        encoding="utf-8",
    )
    known = "\n".join(f'{one}: "{text}"' for one, text in accounts.items())
    config = f'operator: "{operator_jwt}"\nsystem_account: {system}\nresolver: MEMORY\nresolver_preload {{\n{known}\n}}'
    with Server(tmp_path, config=config) as server:
        await works(access(server, credentials=str(file)))
        with pytest.raises(CannotConnect, match="refuses the credentials"):
            await works(access(server))


async def test_a_token_lets_in(tmp_path: Path) -> None:
    with Server(tmp_path, config='authorization { token: "t0ken" }') as server:
        await works(access(server, token="t0ken"))


async def test_tls_with_an_own_authority(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    with Server(tmp_path, config=f'tls {{ cert_file: "{certificate}", key_file: "{key}" }}') as server:
        await works(access(server, tls_ca=str(certificate)))
        with pytest.raises(CannotConnect, match="tls_ca="):
            await works(access(server, tls=True))


async def test_a_server_without_jetstream_is_told_apart(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        configured = server.folder / "nats.conf"
        server.stop()
        configured.write_text(f'listen: "127.0.0.1:{server.port}"\n', encoding="utf-8")
        server.start()
        with pytest.raises(CannotConnect, match="start nats-server with -js"):
            await works(access(server))


async def test_nobody_there_is_told_with_the_address() -> None:
    with pytest.raises(CannotConnect, match=r"no NATS server at nats://127.0.0.1:1 within 0.4 s"):
        await connect(Access(("nats://127.0.0.1:1",), connect_timeout=0.4), "test")


@pytest.fixture
async def old_server() -> AsyncIterator[str]:
    """As much of a nats-server 2.10 as a client meets before it asks for JetStream."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        info = {"server_id": "old", "version": "2.10.7", "headers": True, "jetstream": True, "max_payload": 1048576, "proto": 1}
        writer.write(b"INFO " + json.dumps(info).encode() + b"\r\n")
        while line := await reader.readline():
            if line.startswith(b"PING"):
                writer.write(b"PONG\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield f"nats://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


async def test_an_old_server_is_refused_before_anything_is_lost(old_server: str) -> None:
    with pytest.raises(ServerTooOld, match=r"2\.10\.7 has no atomic batches.*2\.12 or later"):
        await connect(Access((old_server,), connect_timeout=2.0), "test")


def test_files_that_cannot_be_read_name_their_option() -> None:
    with pytest.raises(BadSetting, match="tls_ca, tls_cert or tls_key"):
        credentials(Access((), tls_ca="/nowhere/ca.pem"))


def test_credentials_files_and_seeds_reach_the_client() -> None:
    given = credentials(Access((), credentials="/etc/app.creds", nkey_seed="/etc/app.nk"))
    assert given == {"user_credentials": "/etc/app.creds", "nkeys_seed": "/etc/app.nk"}


@pytest.mark.parametrize(
    ("asked", "prefix"), [(Access(()), "$JS.API"), (Access((), domain="leaf"), "$JS.leaf.API"), (Access((), api_prefix="JS.city.API"), "JS.city.API")]
)
def test_the_api_of_another_domain_or_account_can_be_used(asked: Access, prefix: str) -> None:
    assert Connection(asked, "test").api == prefix


def key_pair(kind: int) -> tuple[str, bytes]:
    """A public key as NATS writes it, and its seed."""
    seed = nkeys.encode_seed(os.urandom(32), kind)
    return nkeys.from_seed(bytearray(seed)).public_key.decode(), bytes(seed)


def jwt(issuer: str, issuer_seed: bytes, subject: str, what: dict[str, object]) -> str:
    claims = {"jti": subject, "iat": 1_700_000_000, "iss": issuer, "sub": subject, "name": "test", "nats": what}
    parts = [json.dumps(part).encode() for part in ({"typ": "JWT", "alg": "ed25519-nkey"}, claims)]
    signed = ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
    signature = nkeys.from_seed(bytearray(issuer_seed)).sign(signed.encode())
    return f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def self_signed(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / "cert.pem", folder / "key.pem"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return files
