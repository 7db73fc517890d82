"""A link follows the other service's address and the own certificate."""
from __future__ import annotations

import asyncio
import contextlib
import struct
from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.rpc.conftest import Client, Echo, NameTags
from vonglau.errors import Unavailable
from vonglau.registry.v1.service_pb2 import GetOwnerRequest
from vonglau.rpc import Link, Server, Tls
from vonglau.rpc import link as links
from vonglau.testing.certificates import Authority
from vonglau.testing.waiting import eventually

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


async def test_a_name_that_nobody_knew_for_long_is_found_soon_after_it_is_known(echo: Echo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "ANEW_S", 0.3)
    names = Names()
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: names, ("127.0.0.1", 0))
    async with Server("127.0.0.1:0", [(Echo.add_to, echo)], NameTags(), service="echo", grace_s=0.1) as server:
        port = server.address.rpartition(":")[2]
        resolver = transport.get_extra_info("sockname")[1]
        link = Link("echo", lambda: f"dns://127.0.0.1:{resolver}/echo.city.test:{port}", lambda: "person:an")
        for _ in range(30):  # gRPC waits longer and longer meanwhile
            with pytest.raises(grpc.aio.AioRpcError):
                await ask(link)
            await asyncio.sleep(0.1)
        names.known = True

        async def is_found() -> bool:
            with contextlib.suppress(grpc.aio.AioRpcError):
                return await ask(link) == "x"
            return False

        await eventually(is_found, within=1.5)
        assert link.channel() is link.channel()
        await link.close()
    transport.close()


class Names(asyncio.DatagramProtocol):
    """A name server (RFC 1035) that knows every name as 127.0.0.1, or none."""

    known = False

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        asked = data[12 : data.index(0, 12) + 5]  # name, type, class
        is_known = self.known and asked[-4:-2] == b"\0\1"  # type A
        flags = b"\x81\x80" if self.known else b"\x81\x83"  # NXDOMAIN
        answer = b"\xc0\x0c\0\1\0\1" + struct.pack("!IH", 5, 4) + bytes([127, 0, 0, 1]) if is_known else b""
        self._transport.sendto(data[:2] + flags + struct.pack("!4H", 1, is_known, 0, 0) + asked + answer, addr)


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
