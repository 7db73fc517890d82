"""A link follows the other service's address and the own certificate."""
from __future__ import annotations

from pathlib import Path

import pytest

from tests.rpc.conftest import Client, Echo, NameTags
from vonglau.errors import Unavailable
from vonglau.registry.v1.service_pb2 import GetOwnerRequest
from vonglau.rpc import Link, Server, Tls
from vonglau.rpc import link as links
from vonglau.testing.certificates import Authority

pytestmark = pytest.mark.loopback
NAME = "echo.city.vonglau"


async def ask(link: Link) -> str:
    answer = await Client(link.channel()).ask(GetOwnerRequest(owner="x"), timeout=5)
    return str(answer.owner)


async def test_a_service_that_moved_is_found_at_its_new_address(echo: Echo) -> None:
    addresses: list[str] = []
    link = Link("echo", lambda: addresses[-1], lambda: "person:an")
    for _ in range(2):
        async with Server("127.0.0.1:0", [(Echo.add_to, echo)], NameTags(), service="echo", grace_s=0.1) as server:
            addresses.append(server.address)
            assert await ask(link) == "x"
            assert link.channel() is link.channel()
    await link.close()


async def test_an_address_that_is_unknown_is_told() -> None:
    def nowhere() -> str:
        raise Unavailable("ADDRESS_UNKNOWN", "echo is not running")

    with pytest.raises(Unavailable, match="echo is not running"):
        Link("echo", nowhere, None).channel()


async def test_a_new_certificate_is_used_once_the_folder_holds_it(echo: Echo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "LOOK_S", 0.0)
    before, after = Authority(), Authority()
    own = before.issue(tmp_path / "own", "ingest.city.vonglau")
    theirs = before.issue(tmp_path / "theirs", NAME)
    async with Server("127.0.0.1:0", [(Echo.add_to, echo)], NameTags(), service="echo", grace_s=0.1, tls=Tls(theirs, "city")) as server:
        link = Link("echo", lambda: server.address, None, Tls(own, "city"))
        assert await ask(link) == "x"
        old = link.channel()
        assert link.channel() is old
        after.issue(theirs, NAME)
        after.issue(own, "ingest.city.vonglau")
        assert await ask(link) == "x"
        assert link.channel() is not old
        await link.close()
