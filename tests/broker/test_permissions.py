"""Users of a real server: each service may do what it works with, and nothing of another's; a job declares the streams."""
from __future__ import annotations

import asyncio
import contextlib
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
from nats.errors import Error
from nats.js.api import ConsumerConfig, StreamConfig
from nats.js.errors import NotFoundError

from vonglau.broker import Broker, KeyValue, Login, NatsServer, connect
from vonglau.broker.permissions import JOB, NEEDS, permissions
from vonglau.broker.reconcile import ReconcileSettings, reconcile
from vonglau.broker.topology import declared, declared_elsewhere
from vonglau.broker.users import ACCOUNTS_FILE, main, public_key, seed_file
from vonglau.errors import Refused
from vonglau.testing.waiting import eventually

pytestmark = pytest.mark.loopback

Try = Callable[[Broker], Awaitable[object]]


@pytest.fixture
def users(tmp_path: Path) -> Path:
    assert main([str(tmp_path / "users")]) == 0
    return tmp_path / "users"


@pytest.fixture
async def server(tmp_path: Path, users: Path) -> AsyncIterator[NatsServer]:
    async with NatsServer(tmp_path / "nats", extra=(users / ACCOUNTS_FILE).read_text("utf-8")) as started:
        assert await reconcile(settings(started, users)) == 0
        yield started


def settings(server: NatsServer, users: Path, **changed: object) -> ReconcileSettings:
    return ReconcileSettings(**{"nats_url": server.url, "nats_seed_file": seed_file(users, JOB), "stream_replicas": 1, "within_s": 3.0} | changed)  # type: ignore[arg-type]


@asynccontextmanager
async def as_user(server: NatsServer, users: Path, name: str) -> AsyncIterator[Broker]:
    async with connect(server.url, name=name, within=5, login=Login(name, seed_file(users, name))) as broker:
        yield broker


def event(subject: str) -> Try:
    async def publish(broker: Broker) -> object:
        return await broker.js.publish(subject, b"x", timeout=0.5)

    return publish


def write(bucket: str, key: str = "any") -> Try:
    async def put(broker: Broker) -> object:
        return await broker.js.publish(f"$KV.{bucket}.{key}", b"{}", timeout=0.5)

    return put


def read(stream: str, subject: str) -> Try:
    async def get(broker: Broker) -> object:
        return await broker.nc.request(f"$JS.API.DIRECT.GET.{stream}.{subject}", b"", timeout=0.5)

    return get


def follow(bucket: str) -> Try:
    async def watch(broker: Broker) -> object:
        async for entry in KeyValue(broker, bucket).watch(">"):
            return entry
        return None

    return watch


def consume(stream: str) -> Try:
    async def create(broker: Broker) -> object:
        return await broker.js.add_consumer(stream, ConsumerConfig(durable_name="own", filter_subject=">"), timeout=0.5)

    return create


def forget(stream: str, consumer: str) -> Try:
    """An answer that there is none is a deletion that was allowed."""

    async def delete(broker: Broker) -> object:
        with contextlib.suppress(NotFoundError):
            await limited(partial(broker.js.delete_consumer, stream, consumer))
        return None

    return delete


MAY: dict[str, list[Try]] = {
    "registry": [
        event("es.registry.owner.a"), write("access_state"), write("secrets"), write("leases", "registry-jobs"), read("es_registry", "es.registry.owner.a"),
    ],
    "ingest": [
        event("fact.segment.cam-1"), write("claims"), write("leases", "member.default.ingest-0"), follow("leases"), follow("claims"), follow("access_state"),
        read("KV_secrets", "$KV.secrets.a"),
    ],
    "recording": [
        write("leases", "recording-jobs"), follow("access_state"), read("es_registry", "es.registry.owner.a"), read("es_recording", "es.recording.custody.a"),
    ],
    "retention": [
        event("es.recording.custody.a"), write("leases", "retention"), write("leases", "ran.retention-delete"),
        read("es_recording", "es.recording.custody.a"), read("fact_ingest", "fact.segment.0.a"),
    ],
}
MAY_NOT: dict[str, list[Try]] = {
    "registry": [
        event("fact.segment.cam-1"), event("es.recording.custody.cam-1"), write("claims"), write("leases", "slots.default"),
        read("fact_ingest", "fact.segment.0.cam-1"),
    ],
    "ingest": [
        event("es.registry.owner.a"), event("fact.made-up.cam-1"), write("access_state"), write("secrets"), write("leases", "recording-jobs"),
        read("es_recording", "es.recording.custody.a"),
    ],
    "recording": [
        event("es.recording.custody.a"), event("fact.segment.cam-1"), write("secrets"), write("claims"), write("leases", "retention"),
        read("KV_secrets", "$KV.secrets.a"),
    ],
    "retention": [
        event("es.registry.owner.a"), event("fact.segment.cam-1"), write("secrets"), read("KV_secrets", "$KV.secrets.a"),
        read("KV_access_state", "$KV.access_state.a"), consume("es_recording"), forget("fact_ingest", "recording"), write("leases", "recording-jobs"),
    ],
}


@pytest.mark.parametrize("user", list(NEEDS))
async def test_a_service_may_do_what_it_works_with(server: NatsServer, users: Path, user: str) -> None:
    async with as_user(server, users, user) as broker:
        for attempt in MAY[user]:
            async with asyncio.timeout(5):
                await attempt(broker)


@pytest.mark.parametrize("user", list(NEEDS))
async def test_a_service_may_do_nothing_of_another(server: NatsServer, users: Path, user: str) -> None:
    async with as_user(server, users, user) as broker:
        for attempt in MAY_NOT[user]:
            with pytest.raises((TimeoutError, Error)):
                await attempt(broker)


@pytest.mark.parametrize("user", list(NEEDS))
async def test_no_service_changes_or_removes_a_stream(server: NatsServer, users: Path, user: str) -> None:
    async with as_user(server, users, user) as broker:
        for request in (partial(broker.js.add_stream, StreamConfig(name="own", subjects=["own"])), partial(broker.js.delete_stream, "es_registry")):
            with pytest.raises((TimeoutError, Error)):
                await limited(request)


async def limited(request: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(0.5):
        await request()


async def test_what_the_server_forbids_is_said_once_each(server: NatsServer, users: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with as_user(server, users, "recording") as broker:
        for subject in ("es.registry.owner.a", "es.registry.owner.a", "fact.segment.cam-1"):
            await broker.nc.publish(subject, b"x")
        await broker.nc.flush()
        await eventually(lambda: len(forbidden(caplog)) >= 2)
    assert ["es.registry.owner.a" in forbidden(caplog)[0], "fact.segment.cam-1" in forbidden(caplog)[1]] == [True, True]
    assert len(forbidden(caplog)) == 2


def forbidden(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if "does not permit" in record.message]


async def test_answers_of_one_service_reach_no_other(server: NatsServer, users: Path) -> None:
    async with as_user(server, users, "recording") as broker:
        refused: list[object] = []
        broker.nc._error_cb = lambda error: told(refused, error)  # what the server says has no other way out
        await broker.nc.subscribe("_INBOX_registry.>")
        await eventually(lambda: refused)
        assert "permissions violation" in str(refused[0]).lower()


async def told(refused: list[object], error: object) -> None:
    refused.append(error)


async def test_who_has_no_key_is_not_admitted(server: NatsServer) -> None:
    with pytest.raises(TimeoutError):
        async with connect(server.url, name="stranger", within=1):
            pass


async def test_the_job_declares_every_stream_and_says_what_it_did(server: NatsServer, users: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert await reconcile(settings(server, users)) == 0
    assert capsys.readouterr().out.splitlines() == [f"{config.name}: as declared" for config in declared()]


async def test_a_cluster_that_cannot_take_it_is_quoted(server: NatsServer, users: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert await reconcile(settings(server, users, stream_replicas=3)) == 1
    assert "replicas > 1 not supported in non-clustered mode" in capsys.readouterr().err


async def test_the_wrong_key_is_told_after_the_time_for_it(server: NatsServer, users: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "others")]) == 0
    assert await reconcile(settings(server, users, nats_seed_file=seed_file(tmp_path / "others", JOB), within_s=1.0)) == 1
    assert "is the seed's key admitted?" in capsys.readouterr().err


async def test_a_service_waits_for_streams_that_a_job_has_not_made_yet(tmp_path: Path, users: Path) -> None:
    async with NatsServer(tmp_path / "nats", extra=(users / ACCOUNTS_FILE).read_text("utf-8")) as fresh, as_user(fresh, users, "registry") as broker:
        waiting = asyncio.create_task(declared_elsewhere(broker, NEEDS["registry"].streams))
        await asyncio.sleep(0)
        assert not waiting.done()
        assert await reconcile(settings(fresh, users)) == 0
        async with asyncio.timeout(5):
            await waiting


def test_seeds_are_made_once_and_closed_to_others(users: Path) -> None:
    seeds = {name: seed_file(users, name).read_bytes() for name in (*NEEDS, JOB)}
    assert main([str(users)]) == 0
    assert {name: seed_file(users, name).read_bytes() for name in seeds} == seeds
    assert all(stat.S_IMODE(seed_file(users, name).stat().st_mode) == 0o600 for name in seeds)
    assert len(set(seeds.values())) == len(seeds)


def test_a_file_that_holds_no_seed_is_told(users: Path) -> None:
    seed_file(users, "ingest").write_bytes(b"password")
    with pytest.raises(ValueError, match="holds no seed"):
        main([str(users)])


def test_a_seed_that_others_may_read_is_refused(users: Path) -> None:
    seed_file(users, "ingest").chmod(0o644)
    with pytest.raises(Refused, match="can be read by others"):
        main([str(users)])


def test_a_site_may_do_what_ingest_may_as_it_passes_from_server_to_server() -> None:
    ingest, site = permissions("ingest"), permissions("site-ha-dong")
    assert site.subscribe == ingest.subscribe
    assert "$JS.hub.API.$KV.claims.>" in site.publish
    assert "$JS.hub.API.$KV.secrets.>" not in site.publish
    assert "fact.*.*" in site.publish
    assert [subject for subject in site.publish if subject.startswith(("es.", "$KV.", "$JS.API."))] == []
    assert len(site.publish) == len(ingest.publish) - 3  # one pattern for all kinds of facts


def test_a_sites_key_stays_when_others_are_added(tmp_path: Path) -> None:
    for sites in (["--site", "ha-dong"], ["--site", "ba-dinh"], []):
        assert main([str(tmp_path), *sites]) == 0
    admitted = (tmp_path / ACCOUNTS_FILE).read_text("utf-8")
    assert all(public_key(seed_file(tmp_path, site)) in admitted for site in ("site-ha-dong", "site-ba-dinh"))


def test_a_site_whose_name_fits_no_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([str(tmp_path), "--site", "../ha-dong"])
    assert "is no name of a site" in capsys.readouterr().err


def test_nobody_else_may_do_anything() -> None:
    with pytest.raises(KeyError):
        permissions("console")
