"""mTLS: only services of the tenant come in, each under its own name; certificates are exchanged while everything runs."""
from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.rpc.conftest import Client, Echo, NameTags
from vonglau.errors import Refused
from vonglau.registry.v1.service_pb2 import GetOwnerRequest, Owner
from vonglau.rpc import Server, Tls, caller, channel
from vonglau.testing.certificates import Authority

pytestmark = pytest.mark.loopback
TENANT = "city"


@pytest.fixture
def authority() -> Authority:
    return Authority()


@pytest.fixture
async def server(echo: Echo, authority: Authority, tmp_path: Path) -> AsyncIterator[Server]:
    async def who(_request: GetOwnerRequest, context: Any) -> Owner:
        return Owner(owner=str(caller(context)))

    echo.plan = who
    tls = Tls(authority.issue(tmp_path / "echo", f"echo.{TENANT}.vonglau"), TENANT)
    async with Server("127.0.0.1:0", [(Echo.add_to, echo)], NameTags(), service="echo", grace_s=1, tls=tls, health_address="127.0.0.1:0") as serving:
        yield serving


def as_service(authority: Authority, folder: Path, name: str, tenant: str = TENANT) -> Tls:
    return Tls(authority.issue(folder, f"{name}.{tenant}.vonglau"), tenant)


async def who_am_i(server: Server, tls: Tls, token: str = "", service: str = "echo") -> str:
    async with channel(server.address, (lambda: token) if token else None, tls=tls, service=service) as opened:
        answer: Owner = await Client(opened).ask(GetOwnerRequest(owner="x"), timeout=5)
        return answer.owner


async def code_of(server: Server, tls: Tls, token: str = "", service: str = "echo") -> grpc.StatusCode:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await who_am_i(server, tls, token, service)
    return refused.value.code()


async def test_the_certificate_says_which_service_calls(server: Server, authority: Authority, tmp_path: Path) -> None:
    assert await who_am_i(server, as_service(authority, tmp_path / "a", "ingest")) == "service:ingest"


async def test_a_token_speaks_for_the_person_behind_a_service(server: Server, authority: Authority, tmp_path: Path) -> None:
    assert await who_am_i(server, as_service(authority, tmp_path / "a", "console"), "person:an") == "person:an"


async def test_a_token_that_is_not_good_is_not_made_up_for_by_a_certificate(server: Server, authority: Authority, tmp_path: Path) -> None:
    assert await code_of(server, as_service(authority, tmp_path / "a", "console"), "forged") == grpc.StatusCode.UNAUTHENTICATED


async def test_a_certificate_of_another_tenant_names_nobody(server: Server, authority: Authority, tmp_path: Path) -> None:
    other = Tls(authority.issue(tmp_path / "a", "ingest.other.vonglau"), TENANT)
    assert await code_of(server, other, "person:an") == grpc.StatusCode.UNAUTHENTICATED


async def test_a_certificate_of_another_authority_is_not_admitted(server: Server, authority: Authority, tmp_path: Path) -> None:
    stranger = Authority()
    folder = stranger.issue(tmp_path / "a", f"ingest.{TENANT}.vonglau")
    (folder / "ca.crt").write_bytes(authority.pem)
    assert await code_of(server, Tls(folder, TENANT)) == grpc.StatusCode.UNAVAILABLE


async def test_a_client_without_a_certificate_is_not_admitted(server: Server, authority: Authority) -> None:
    credentials = grpc.ssl_channel_credentials(authority.pem)
    async with grpc.aio.secure_channel(server.address, credentials, options=[("grpc.ssl_target_name_override", f"echo.{TENANT}.vonglau")]) as opened:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await Client(opened).ask(GetOwnerRequest(owner="x"), timeout=5)
    assert refused.value.code() == grpc.StatusCode.UNAVAILABLE


async def test_another_service_is_not_taken_for_the_one_that_was_meant(server: Server, authority: Authority, tmp_path: Path) -> None:
    assert await code_of(server, as_service(authority, tmp_path / "a", "ingest"), service="registry") == grpc.StatusCode.UNAVAILABLE


async def test_probes_see_health_in_plaintext_and_nothing_else(server: Server) -> None:
    async with grpc.aio.insecure_channel(server.health_address) as opened:
        answer = await health_pb2_grpc.HealthStub(opened).Check(health_pb2.HealthCheckRequest(), timeout=5)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await Client(opened).ask(GetOwnerRequest(owner="x"), timeout=5)
    assert refused.value.code() == grpc.StatusCode.UNIMPLEMENTED


async def test_after_an_exchange_of_the_authority_new_connections_follow_it(server: Server, authority: Authority, tmp_path: Path) -> None:
    old, new = as_service(authority, tmp_path / "a", "ingest"), Authority()
    new.issue(tmp_path / "echo", f"echo.{TENANT}.vonglau")
    renewed = as_service(new, tmp_path / "b", "ingest")
    assert await who_am_i(server, renewed) == "service:ingest"
    assert await code_of(server, old) == grpc.StatusCode.UNAVAILABLE


def test_half_an_exchange_changes_nothing(authority: Authority, tmp_path: Path) -> None:
    tls = as_service(authority, tmp_path, "ingest")
    before = tls.current
    authority.issue(tmp_path / "next", f"ingest.{TENANT}.vonglau")
    (tmp_path / "tls.crt").write_bytes((tmp_path / "next" / "tls.crt").read_bytes())
    assert tls.look() == before
    (tmp_path / "tls.key").write_bytes((tmp_path / "next" / "tls.key").read_bytes())
    assert tls.look() != before


@pytest.mark.parametrize("missing", ["tls.crt", "tls.key", "ca.crt"])
def test_a_folder_that_lacks_a_file_is_refused_with_what_it_must_hold(authority: Authority, tmp_path: Path, missing: str) -> None:
    folder = authority.issue(tmp_path, f"ingest.{TENANT}.vonglau")
    (folder / missing).unlink()
    with pytest.raises(Refused, match=r"must hold tls\.crt, tls\.key and ca\.crt") as refused:
        Tls(folder, TENANT)
    assert refused.value.reason == "TLS_FILES_UNUSABLE"


def test_a_key_of_another_certificate_is_refused(authority: Authority, tmp_path: Path) -> None:
    folder = authority.issue(tmp_path / "a", f"ingest.{TENANT}.vonglau")
    other = authority.issue(tmp_path / "b", f"ingest.{TENANT}.vonglau")
    (folder / "tls.key").write_bytes((other / "tls.key").read_bytes())
    with pytest.raises(Refused, match="is not the key"):
        Tls(folder, TENANT)
