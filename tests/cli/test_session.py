"""The way of a command to a platform that admits certificates alone."""
from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.rpc.conftest import Client, Echo
from vonglau.cli.output import Output
from vonglau.cli.session import Session
from vonglau.identity import JWKS_FILE, LocalIssuer, Verifier
from vonglau.registry.v1.service_pb2 import GetOwnerRequest, Owner
from vonglau.rpc import Server, Tls, caller
from vonglau.testing.certificates import Authority

pytestmark = pytest.mark.loopback
TENANT = "city"


@pytest.fixture
async def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Session]:
    """Of a person, to a registry that says who asks."""

    async def who(_request: GetOwnerRequest, context: Any) -> Owner:
        return Owner(owner=str(caller(context)))

    authority, echo = Authority(), Echo()
    echo.plan = who
    authority.issue(tmp_path / "tls", f"test.{TENANT}.vonglau")
    LocalIssuer(tmp_path / "identity")
    theirs = Tls(authority.issue(tmp_path / "registry", f"registry.{TENANT}.vonglau"), TENANT)
    verifier = Verifier(tmp_path / "identity" / JWKS_FILE, TENANT)
    async with Server("127.0.0.1:0", [(Echo.add_to, echo)], verifier, service="registry", grace_s=0.1, tls=theirs) as serving:
        monkeypatch.setenv("VONGLAU_REGISTRY_ADDRESS", serving.address)
        monkeypatch.setenv("VONGLAU_TENANT", TENANT)
        monkeypatch.setenv("VONGLAU_TLS_DIR", str(tmp_path / "tls"))
        yield Session(tmp_path, "an", Output(as_json=True))


async def asked(session: Session) -> str:
    async with session.channel("registry", "local") as opened:
        answer: Owner = await Client(opened).ask(GetOwnerRequest(owner="x"), timeout=5)
        return answer.owner


async def test_a_command_comes_in_by_its_certificate_and_speaks_for_a_person(session: Session) -> None:
    assert await asked(session) == "person:an"


async def test_a_command_without_a_certificate_does_not_come_in(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VONGLAU_TLS_DIR")
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await asked(session)
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
