"""What the operator and ingest say to each other, over mTLS."""
from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from operators.ingest_fleet.ingest import Ingest
from operators.ingest_fleet.pool import pool_of
from tests.operators.conftest import body
from vonglau.errors import Unauthenticated, Unavailable
from vonglau.identity import Caller
from vonglau.ingest.v1.service_pb2 import Demand, MemberDemand
from vonglau.ingest.v1.service_pb2_grpc import add_IngestServicer_to_server
from vonglau.rpc import Link, Server, Tls
from vonglau.testing.certificates import Authority
from vonglau.testing.demand import DemandingIngest

pytestmark = pytest.mark.loopback


class NoTokens:
    def verify(self, token: str) -> Caller:
        raise Unauthenticated("TOKEN_FORGED", "certificates alone")


class Both:
    def __init__(self, folder: Path) -> None:
        authority = Authority()
        self._theirs = Tls(authority.issue(folder / "ingest", "ingest.city.vonglau"), "city")
        own = Tls(authority.issue(folder / "operator", "operator.city.vonglau"), "city")
        self.ingest = DemandingIngest()  # type: ignore[abstract]
        self.server = self.listening()
        self.link = Link("ingest", lambda: self.server.address, None, own)
        self.operator = Ingest(self.link)

    def listening(self) -> Server:
        return Server("127.0.0.1:0", [(add_IngestServicer_to_server, self.ingest)], NoTokens(), service="ingest", grace_s=0.1, tls=self._theirs)


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[Both]:
    made = Both(tmp_path)
    await made.server.start()
    yield made
    await made.link.close()
    await made.server.stop()


def pool(**spec: Any) -> Any:
    return pool_of(body(**spec))


async def test_a_pool_is_put_once_and_its_demand_asked(both: Both) -> None:
    both.ingest.demands["default"] = Demand(
        cameras=41, bitrate_bps=5, recording=40, unassigned=1, overlapping_pools=["bbb"], overlapping_cameras=2, unselected_cameras=3,
        members=[MemberDemand(name="ingest-default-0"), MemberDemand(name="ingest-default-1", leaving=True)],
    )  # fmt: skip
    selected = pool(selector={"owners": ["police"], "zones": ["zone-b", "zone-a"]}, pins={"17": "ingest-default-1"})
    for _ in range(3):
        found = await both.operator.demand(selected)
    assert (found.cameras, found.bitrate, found.recording, found.unassigned, found.members) == (41, 5, 40, 1, 1)
    assert (found.overlapping, found.overlapping_cameras, found.unselected) == (("bbb",), 2, 3)
    assert both.ingest.puts == 1
    put = both.ingest.pools["default"]
    assert (list(put.selector.owners), list(put.selector.zones), dict(put.pins)) == (["police"], ["zone-a", "zone-b"], {17: "ingest-default-1"})
    assert (put.capacity.cameras, put.capacity.bitrate_bps) == (20, 800_000_000)
    assert both.ingest.callers == {"service:operator"}


async def test_a_pool_that_changed_is_put_again(both: Both) -> None:
    await both.operator.demand(pool())
    await both.operator.demand(pool(camerasPerPod=30))
    assert both.ingest.pools["default"].capacity.cameras == 30


async def test_a_pool_that_ingest_has_lost_is_put_again(both: Both) -> None:
    await both.operator.demand(pool())
    both.ingest.pools.clear()
    await both.operator.demand(pool())
    assert "default" in both.ingest.pools


async def test_a_pool_that_somebody_else_has_put_otherwise_is_put_again(both: Both) -> None:
    await both.operator.demand(pool())
    both.ingest.pools["default"].capacity.cameras = 1
    both.ingest.pools["default"].generation += 1
    await both.operator.demand(pool())
    assert both.ingest.pools["default"].capacity.cameras == 20


async def test_a_pool_is_forgotten_once_or_more_often(both: Both) -> None:
    await both.operator.demand(pool())
    await both.operator.forget("default")
    await both.operator.forget("default")
    assert both.ingest.pools == {}


async def test_an_ingest_that_is_away_is_found_again_at_its_new_address(both: Both) -> None:
    await both.operator.demand(pool())
    await both.server.stop()
    with pytest.raises(Unavailable):
        await both.operator.demand(pool())
    both.server = both.listening()
    await both.server.start()
    assert (await both.operator.demand(pool())).cameras == 0
