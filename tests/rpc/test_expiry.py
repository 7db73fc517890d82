"""A certificate's end: said ahead of time and when it has come, measured, and mended by new files alone."""
from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.conftest import Exported
from tests.rpc.conftest import Client, Echo, NameTags
from vonglau.errors import Unavailable
from vonglau.registry.v1.service_pb2 import GetOwnerRequest, Owner
from vonglau.rpc import Link, Server, Tls, channel
from vonglau.rpc.expiry import Expiry
from vonglau.rpc.validity import Stage
from vonglau.telemetry.names import TLS_LEFT, TLS_LEFT_SHARE
from vonglau.testing.certificates import Authority
from vonglau.testing.clock import SettableClock
from vonglau.testing.waiting import eventually

NAME = "echo.city.vonglau"
DAY_S = 86_400.0


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock(time.time_ns())


@pytest.fixture
def authority() -> Authority:
    return Authority(timedelta(days=400))


def watching(authority: Authority, folder: Path, clock: SettableClock, days: int) -> Expiry:
    return Expiry(Tls(authority.issue(folder, NAME, timedelta(days=days)), "city"), clock)


def said(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(record.levelname, record.getMessage()) for record in caplog.records if record.name == "vonglau.rpc.expiry"]


def test_a_certificate_that_nobody_renews_is_told_once_ahead_and_once_at_its_end(
    authority: Authority, tmp_path: Path, clock: SettableClock, caplog: pytest.LogCaptureFixture
) -> None:
    expiry = watching(authority, tmp_path, clock, days=90)
    for _ in range(180):
        expiry.look()
        clock.advance(DAY_S / 2 + 1)
    expiry.look()
    ((ahead, first), (at_its_end, second)) = said(caplog)
    assert (ahead, at_its_end) == ("WARNING", "ERROR")
    assert "nobody has renewed it" in first
    assert str(tmp_path) in second


def test_days_are_left_and_a_share_of_its_life(authority: Authority, tmp_path: Path, clock: SettableClock, exported: Exported) -> None:
    watching(authority, tmp_path, clock, days=90)
    clock.advance(45 * DAY_S)
    assert exported.value(TLS_LEFT.name) == pytest.approx(45 * DAY_S, abs=120)
    assert exported.value(TLS_LEFT_SHARE.name) == pytest.approx(0.5, abs=0.01)
    clock.advance(46 * DAY_S)
    assert exported.value(TLS_LEFT.name) == pytest.approx(-DAY_S, abs=120)


def test_new_files_end_the_alarm(authority: Authority, tmp_path: Path, clock: SettableClock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    expiry = watching(authority, tmp_path, clock, days=90)
    clock.advance(91 * DAY_S)
    expiry.look()
    authority.issue(tmp_path, NAME, timedelta(days=180))
    expiry.look()
    assert expiry.stage is Stage.LASTS
    assert [level for level, _ in said(caplog)] == ["ERROR", "INFO"]


def test_a_certificate_is_no_better_than_the_authority_that_signed_it(tmp_path: Path, clock: SettableClock) -> None:
    brief, other = Authority(timedelta(days=10)), Authority(timedelta(days=1))
    folder = brief.issue(tmp_path, NAME, timedelta(days=90))
    (folder / "ca.crt").write_bytes(other.pem + brief.pem)
    expiry = Expiry(Tls(folder, "city"), clock)
    assert expiry.validity.ends - datetime.now(UTC) < timedelta(days=10)
    assert expiry.validity.ends - datetime.now(UTC) > timedelta(days=9)


@pytest.mark.loopback
@pytest.mark.long
async def test_after_its_end_new_connections_fail_and_new_files_alone_mend_both_sides(authority: Authority, echo: Echo, tmp_path: Path) -> None:
    async def owner(request: GetOwnerRequest, _context: Any) -> Owner:
        return Owner(owner=request.owner)

    echo.plan = owner
    brief = timedelta(seconds=3)
    tls = Tls(authority.issue(tmp_path / "echo", NAME, brief), "city")
    client = authority.issue(tmp_path / "client", "ingest.city.vonglau", timedelta(days=1))
    async with Server("127.0.0.1:0", [(Echo.add_to, echo)], NameTags(), service="echo", grace_s=1, tls=tls) as server:
        async with channel(server.address, None, tls=Tls(client, "city"), service="echo") as standing:
            assert await asked(standing) == "x"
            await eventually(lambda: is_turned_away(server, Tls(client, "city")))
            assert await asked(standing) == "x"  # a connection outlives the certificate
        authority.issue(tmp_path / "echo", NAME)
        assert await asked_anew(server, Tls(client, "city")) == "x"

        authority.issue(tmp_path / "client", "ingest.city.vonglau", timedelta(seconds=2))
        link = Link("echo", lambda: server.address, None, Tls(client, "city"))
        await eventually(lambda: Tls(client, "city").current.validity.stage(datetime.now(UTC)) is Stage.ENDED)
        with pytest.raises(Unavailable, match=r"the certificate in .* ended at"):
            link.channel()
        authority.issue(tmp_path / "client", "ingest.city.vonglau")
        assert await asked(link.channel()) == "x"
        await link.close()


async def asked(opened: grpc.aio.Channel) -> str:
    answer: Owner = await Client(opened).ask(GetOwnerRequest(owner="x"), timeout=5)
    return answer.owner


async def asked_anew(server: Server, tls: Tls) -> str:
    async with channel(server.address, None, tls=tls, service="echo") as opened:
        return await asked(opened)


async def is_turned_away(server: Server, tls: Tls) -> bool:
    try:
        await asked_anew(server, tls)
    except grpc.aio.AioRpcError as error:
        return error.code() == grpc.StatusCode.UNAVAILABLE
    return False
