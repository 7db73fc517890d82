"""An owner's site: ingest behind a NATS server of its own, as k8s/site/ configures it, with one outgoing connection to the centre."""
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from nats.errors import Error
from nats.js.errors import APIError

from vonglau.broker import Broker, Entry, KeyValue, Login, NatsServer, connect
from vonglau.broker.permissions import JOB
from vonglau.broker.reconcile import ReconcileSettings, reconcile
from vonglau.broker.server import free_port
from vonglau.broker.topology import CLAIMS, LEASES
from vonglau.broker.users import ACCOUNTS_FILE, main, public_key, seed_file
from vonglau.errors import LostRace, Unavailable
from vonglau.ingest.v1 import service_pb2 as wire
from vonglau.testing.certificates import Authority
from vonglau.testing.waiting import eventually
from vonglau.testing.wire import Wire

if TYPE_CHECKING:
    from tests.ingest.service.conftest import City
    from vonglau.testing.cameras import CameraFarm

pytestmark = [pytest.mark.loopback, pytest.mark.long]

EXAMPLES = Path(__file__).parents[3] / "k8s" / "site"
SITE = "site-ha-dong"


class Site:
    """The centre's server, the site's, and the wire between them, which can be cut."""

    def __init__(self, folder: Path) -> None:
        self.users = folder / "users"
        assert main([str(self.users), "--site", SITE.removeprefix("site-")]) == 0
        accounts = self.users / ACCOUNTS_FILE
        users = accounts.read_text("utf-8").replace("users: [", "users: [ { user: tests, password: tests },")
        door = free_port()
        self.wire = Wire(("127.0.0.1", door))
        tls = Authority().issue(folder / "tls", "localhost")
        told = {"0.0.0.0:7422": f"127.0.0.1:{door}", "/tls/": f"{tls}/", "/data": str(folder / "hub"), "include accounts.conf": users}
        self.hub = NatsServer(folder / "hub", port=free_port(), extra=example("hub.conf", told))
        own = {"$SITE_KEY": public_key(seed_file(self.users, SITE)), "$SITE_SEED": seed_file(self.users, SITE).read_text("utf-8").strip()}
        own |= {"/tls/": f"{tls}/", "hub.example:7422": f"localhost:{self.wire.port}"}
        self.leaf = NatsServer(folder / "leaf", port=free_port(), extra=example("leaf.conf", own))

    @property
    def centre(self) -> str:
        """For whom everything is allowed."""
        return f"nats://tests:tests@127.0.0.1:{self.hub.port}"


def example(name: str, replaced: dict[str, str]) -> str:
    """As it is shipped, at this test's places. Ports of clients are the server's own."""
    text = "\n".join(line for line in (EXAMPLES / name).read_text("utf-8").splitlines() if not line.startswith("listen:"))
    for before, after in replaced.items():
        assert before in text, before
        text = text.replace(before, after)
    return text + "\n"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    made = Site(tmp_path)
    async with made.hub, made.leaf:
        seed = seed_file(made.users, JOB)
        assert await reconcile(ReconcileSettings(nats_url=made.hub.url, nats_seed_file=seed, stream_replicas=1, within_s=5.0)) == 0
        await made.wire.join()
        yield made
        await made.wire.cut()


@pytest.fixture
async def at_site(site: Site) -> AsyncIterator[Broker]:
    """The site's ingest, once the link stands."""
    async with connect(site.leaf.url, name="ingest", within=5, login=Login("ingest", seed_file(site.users, SITE))) as broker:
        await eventually(lambda: answers(broker))
        yield broker


async def answers(broker: Broker) -> bool:
    try:
        await broker.js.stream_info("fact_ingest")
    except (APIError, Error):
        return False
    return True


async def test_claims_and_leases_work_over_the_link_as_in_the_centre(at_site: Broker) -> None:
    claims = KeyValue(at_site, CLAIMS)
    epoch = await claims.update("slot.site.1", b"one", 0)
    assert await claims.update("slot.site.1", b"two", epoch) == epoch + 1
    with pytest.raises(LostRace):
        await claims.update("slot.site.1", b"three", epoch)
    entry = await claims.get("slot.site.1")
    assert entry is not None
    assert entry.value == b"two"
    leases = KeyValue(at_site, LEASES)
    await leases.put("member.site.a", b"", ttl_s=1)
    async with asyncio.timeout(10):
        values = [entry.value async for entry in until_gone(leases)]
    assert values == [b"", None]


async def until_gone(leases: KeyValue) -> AsyncIterator[Entry]:
    async for entry in leases.watch("member.site.*"):
        if entry is not None:
            yield entry
            if entry.value is None:
                return


async def test_facts_pass_and_what_is_not_ingests_does_not(at_site: Broker) -> None:
    assert (await at_site.js.publish("fact.segment.cam-1", b"x")).stream == "fact_ingest"
    others: list[Callable[[], Awaitable[object]]] = [
        lambda: at_site.js.publish("es.registry.owner.a", b"x", timeout=0.5),
        lambda: at_site.js.publish("$KV.access_state.a", b"x", timeout=0.5),
        lambda: at_site.js.publish("$JS.hub.API.$KV.access_state.a", b"x", timeout=0.5),
        lambda: at_site.js.stream_info("es_recording"),
        lambda: at_site.js.delete_stream("fact_ingest"),
    ]
    for attempt in others:
        with pytest.raises((Error, APIError, TimeoutError)):
            async with asyncio.timeout(1):
                await attempt()


async def test_a_watch_goes_on_when_the_link_is_back(site: Site, at_site: Broker) -> None:
    claims = KeyValue(at_site, CLAIMS)
    await claims.put("started.a", b"1")
    seen: list[bytes | None] = []

    async def watch() -> None:
        async for entry in claims.watch("started.>"):
            seen.extend([entry.value] if entry is not None else [])

    watching = asyncio.create_task(watch())
    await eventually(lambda: seen)
    await site.wire.cut()
    await eventually(lambda: not_there(claims), within=30)
    await site.wire.join()
    async with connect(site.centre, name="centre", within=5) as centre:
        await KeyValue(centre, CLAIMS).put("started.a", b"2")
    await eventually(lambda: seen[-1] == b"2", within=30)
    watching.cancel()


async def not_there(claims: KeyValue) -> bool:
    try:
        await claims.get("started.a")
    except Unavailable:
        return True
    return False


@pytest.fixture
async def city(tmp_path: Path, site: Site, make_city: Callable[..., City]) -> AsyncIterator[City]:
    """Its ingest is at the site; registry and those who look are in the centre."""
    async with connect(site.centre, name="centre", within=5) as centre:
        city = make_city(tmp_path, centre, site.leaf.url)
        city.settings = replace(city.settings, nats_seed_file=seed_file(site.users, SITE), streams="expect")
        yield city
        await city.close()


async def test_while_the_link_is_away_the_site_records_and_afterwards_all_is_told(site: Site, city: City, farm: CameraFarm) -> None:
    await city.start()
    await city.register("cam-1", farm.url("cam-1"))
    before = len(await city.recorded("cam-1", 2))
    await site.wire.cut()
    await eventually(lambda: city.spooled_files() >= 6, within=30)
    health = await city.health()
    assert (health.log_reachable, health.facts_waiting > 0) == (False, True)
    assert (await city.status("cam-1")).state == wire.RECORDING_STATE_RECORDING
    await site.wire.join()
    segments = await city.recorded("cam-1", before + 8, within=60)
    assert all(after.contiguous and after.start_ns == one.end_ns for one, after in pairwise(segments))
    await city.register("cam-2", farm.url("cam-2"))
    await city.recorded("cam-2", 1, within=60)
