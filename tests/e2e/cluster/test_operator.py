"""The operator against a real API server: what the definition refuses, what is owned, who acts. Ingest is one that says what a test wants."""
from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
import yaml

from faust_jetstream.testkit import Proxy
from services.ingest.pools import Member, SlotTable
from services.ingest.pools.census import Census
from services.ingest.pools.demand import demand
from services.ingest.pools.selection import Selection
from services.ingest.roster import Listed, Roster
from services.ingest.slots import SLOTS
from tests.e2e.cluster.conftest import MADE_BY, ROOT, Cluster, Object
from vonglau.errors import Unauthenticated
from vonglau.identity import Caller
from vonglau.ingest.v1.service_pb2 import Demand, GetDemandRequest
from vonglau.ingest.v1.service_pb2_grpc import add_IngestServicer_to_server
from vonglau.registry.v1.events_pb2 import CAMERA_CLASS_TRAFFIC
from vonglau.rpc import Server, Tls
from vonglau.testing.certificates import Authority
from vonglau.testing.demand import DemandingIngest
from vonglau.testing.waiting import eventually

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]
IDLE_MB = 120
LEASE_S = 10
AWAY = "the fleet stays as it is until this is over: the API server does not answer"
POOL: Object = {
    "apiVersion": "vonglau.vn/v1alpha1", "kind": "IngestPool", "metadata": {"name": "default"},
    "spec": {
        "camerasPerPod": 20, "headroomPercent": 0, "scaleDownAfterSeconds": 1, "storage": {"size": "1Gi"},
        "template": {"spec": {
            "terminationGracePeriodSeconds": 0, "containers": [{"name": "ingest", "image": "docker.io/kubelocal/busybox:1", "args": ["sleep", "9999"]}],
        }},
    },
}  # fmt: skip


class NoTokens:
    def verify(self, token: str) -> Caller:
        raise Unauthenticated("TOKEN_FORGED", "certificates alone")


class CountingIngest(DemandingIngest):
    """With cameras it counts them as ingest does, by the pools that it was told of; without, it says what a test has set."""

    def __init__(self) -> None:
        super().__init__()
        self.cameras: list[Listed] = []

    async def GetDemand(self, request: GetDemandRequest, context: Any) -> Demand:  # noqa: N802 - gRPC's name
        told = await super().GetDemand(request, context)
        return self._counted(request.pool) if self.cameras else told

    def _counted(self, pool: str) -> Demand:
        roster = Roster()
        roster.cameras = {each.camera: each for each in self.cameras}
        census = Census(roster, Selection(self.pools))
        for camera in roster.cameras:
            census.camera_changed(camera)
        return demand(pool, census, SlotTable(1, ("ingest-0",) * SLOTS), [Member(pool, "ingest-0", "127.0.0.1:7070", 20)], {})


def camera(number: int, zone: str) -> Listed:
    return Listed(f"cam-{number}", "o-cho-dua", "rtsp://h/1", "", CAMERA_CLASS_TRAFFIC, 0, zone=zone)


class Bench:
    def __init__(self, cluster: Cluster, namespace: str, folder: Path) -> None:
        authority = Authority()
        self.cluster, self.namespace, self._folder = cluster, namespace, folder
        self.ingest = CountingIngest()  # type: ignore[abstract]
        theirs = Tls(authority.issue(folder / "ingest", "ingest.e2e.vonglau"), "e2e")
        authority.issue(folder / "operator", "operator.e2e.vonglau")
        self.server = Server("127.0.0.1:0", [(add_IngestServicer_to_server, self.ingest)], NoTokens(), service="ingest", grace_s=0.1, tls=theirs)
        self.operators: list[subprocess.Popen[bytes]] = []

    def operator(self, pools_file: str = "", kubeconfig: Path | None = None) -> subprocess.Popen[bytes]:
        told = {
            "VONGLAU_NAMESPACE": self.namespace, "VONGLAU_KUBECONFIG": str(kubeconfig or self.cluster.kubeconfig), "VONGLAU_TENANT": "e2e",
            "VONGLAU_TLS_DIR": str(self._folder / "operator"), "VONGLAU_INGEST_ADDRESS": self.server.address, "VONGLAU_POOLS_FILE": pools_file,
        }  # fmt: skip
        with self._log(len(self.operators)).open("wb") as log:
            self.operators.append(subprocess.Popen([sys.executable, "-m", "operators.ingest_fleet"], cwd=ROOT, env={**os.environ, **told}, stderr=log))
        return self.operators[-1]

    def said(self, operator: int = 0) -> str:
        """All that it logged."""
        return self._log(operator).read_text("utf-8", "replace")

    def _log(self, operator: int) -> Path:
        return self._folder / f"operator-{operator}.log"

    def proxy(self) -> tuple[Proxy, Path]:
        """Before the API server, and a kubeconfig that leads there."""
        config = json.loads(self.cluster.kubectl("config", "view", "--raw", "--minify", "--flatten", "--output", "json"))
        (cluster,) = config["clusters"]
        server = urlsplit(cluster["cluster"]["server"])
        if server.hostname not in ("127.0.0.1", "localhost") or server.port is None:
            pytest.skip("the API server is not on loopback, where a proxy could stand before it")
        proxy = Proxy(server.port)
        cluster["cluster"]["server"] = f"{server.scheme}://127.0.0.1:{proxy.port}"
        (made := self._folder / "through-proxy").write_text(json.dumps(config), "utf-8")
        return proxy, made

    def needs(self, cameras: int) -> None:
        self.ingest.demands["default"] = Demand(cameras=cameras, bitrate_bps=cameras * 200_000)

    def apply(self, body: Object, *, check: bool = True) -> str:
        """What the server says where it refuses."""
        if check:
            return self.cluster.kubectl("apply", "-n", self.namespace, "-f", "-", given=json.dumps(body))
        with pytest.raises(AssertionError) as refused:
            self.cluster.kubectl("apply", "-n", self.namespace, "-f", "-", given=json.dumps(body))
        return str(refused.value)

    def one(self, kind: str, name: str) -> Object | None:
        found = [each for each in self.cluster.objects(kind, self.namespace) if each["metadata"]["name"] == name]
        return found[0] if found else None

    def replicas(self) -> int | None:
        found = self.one("statefulset", "ingest-default")
        return found["spec"]["replicas"] if found else None

    def condition(self, kind: str, pool: str = "default") -> tuple[str, str, str]:
        """Status, reason, message; empty while nothing is said of it."""
        found = self.one("ingestpool", pool) or {}
        said = found.get("status", {}).get("conditions", ())
        return next(((each["status"], each["reason"], each["message"]) for each in said if each["type"] == kind), ("", "", ""))

    def events(self, reason: str) -> set[str]:
        """Pools that it was told of."""
        return {each["involvedObject"]["name"] for each in self.cluster.objects("event", self.namespace) if each["reason"] == reason}

    def holder(self) -> str:
        found = self.one("lease", "vonglau-ingest-fleet")
        return str(found["spec"].get("holderIdentity", "")) if found else ""


@pytest.fixture(scope="module")
def namespace(cluster: Cluster) -> Iterator[str]:
    name = f"vonglau-e2e-{uuid.uuid4().hex[:6]}"
    cluster.kubectl("create", "namespace", name)
    cluster.kubectl("label", "namespace", name, f"{MADE_BY}=tests")
    cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(ROOT / "helm" / "vonglau" / "files" / "ingestpools.vonglau.vn.yaml"))
    cluster.kubectl("wait", "crd/ingestpools.vonglau.vn", "--for=condition=Established", "--timeout=30s")
    yield name
    assert cluster.object("namespace", name, name)["metadata"]["labels"][MADE_BY] == "tests"
    cluster.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture
async def bench(cluster: Cluster, namespace: str, tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(cluster, namespace, tmp_path)
    made.needs(0)
    async with made.server:
        yield made
        for each in made.operators:
            each.kill()
            each.wait()
    for pool in cluster.kubectl("get", "ingestpool", "-n", namespace, "-o", "name").split():
        cluster.kubectl("patch", pool, "-n", namespace, "--type=merge", "--patch", '{"metadata": {"finalizers": null}}', check=False)
        cluster.kubectl("delete", pool, "-n", namespace, "--ignore-not-found")
    cluster.kubectl("delete", "statefulset,job,pvc,lease", "--all", "-n", namespace, "--timeout=60s")


def changed(**spec: Any) -> Object:
    return {**POOL, "spec": {**POOL["spec"], **spec}}


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (changed(minPods=5, maxPods=2), "spec.minPods: … minPods must not be more than maxPods"),
        (changed(minPods=0), "spec.minPods"),
        (changed(camerasPerPod=0), "spec.camerasPerPod"),
        (changed(storage={"size": "50"}), "spec.storage.size"),
        (changed(selector={"owners": ["Ward One"]}), "spec.selector.owners[0]"),
        (changed(selector={"owners": ["ward-one", "ward-one"]}), "spec.selector.owners[1]: Duplicate value"),
        (changed(pins={"4096": "ingest-default-0"}), "spec.pins: … a slot is a number from 0 to 4095"),
        (changed(template={"spec": {"containers": [{"name": "other", "image": "x"}]}}), "spec.template.spec.containers: … one container must be called ingest"),
        (changed(template={"spec": {"containers": [{"name": "ingest"}]}}), "spec.template.spec.containers[0].image: Required value"),
        (changed(storage=None), "spec.storage: Required value"),
        ({**POOL, "metadata": {"name": "a-pool-whose-name-is-far-too-long"}}, "a pool's name is 3 to 28 of a-z"),
        (changed(maxPod=3), 'unknown field "spec.maxPod"'),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)  # fmt: skip
async def test_a_pool_that_cannot_be_is_refused_with_its_path(bench: Bench, body: Object, path: str) -> None:
    said = bench.apply(body, check=False)
    assert [part for part in path.split(" … ") if part not in said] == []


async def test_a_pools_storage_stays_as_it_was_made(bench: Bench) -> None:
    bench.apply(POOL)
    assert "volumes stay as they were made" in bench.apply(changed(storage={"size": "2Gi"}), check=False)


async def test_pods_follow_and_children_are_kept_as_they_should_be(bench: Bench) -> None:
    bench.apply(POOL)
    bench.operator()
    await eventually(lambda: bench.replicas() == 1, within=30)
    assert bench.ingest.callers == {"service:operator"}
    bench.needs(60)
    await eventually(lambda: bench.replicas() == 3, within=10)
    bench.cluster.kubectl("scale", "statefulset/ingest-default", "-n", bench.namespace, "--replicas=1")
    await eventually(lambda: bench.replicas() == 3, within=10)
    bench.cluster.kubectl("delete", "statefulset/ingest-default", "-n", bench.namespace)
    await eventually(lambda: bench.replicas() == 3, within=20)


async def test_kubectl_scale_sets_the_least_number_of_pods(bench: Bench) -> None:
    bench.apply(POOL)
    bench.operator()
    await eventually(lambda: bench.replicas() == 1, within=30)
    bench.cluster.kubectl("scale", "ingestpool/default", "-n", bench.namespace, "--replicas=2")
    await eventually(lambda: bench.replicas() == 2, within=10)


async def test_an_idle_operator_is_small(bench: Bench, record_property: Callable[[str, object], None]) -> None:
    bench.apply(POOL)
    process = bench.operator()
    await eventually(lambda: bench.replicas() == 1, within=30)
    mb = psutil.Process(process.pid).memory_info().rss / 1e6
    record_property("idle RSS, MB", mb)
    assert mb <= IDLE_MB


async def test_a_killed_operator_is_followed_by_one_that_changes_nothing(bench: Bench) -> None:
    bench.apply(POOL)
    bench.needs(40)
    bench.operator().kill()
    first = bench.operator()
    await eventually(lambda: bench.replicas() == 2, within=40)
    holder = bench.holder()
    first.send_signal(signal.SIGKILL)
    first.wait()
    before = bench.one("statefulset", "ingest-default")
    bench.operator()
    await eventually(lambda: bench.holder() not in ("", holder), within=40, why="the lease has run out and is taken")
    after = bench.one("statefulset", "ingest-default")
    assert before is not None
    assert after is not None
    assert after["metadata"]["generation"] == before["metadata"]["generation"]


async def test_of_two_operators_one_acts_and_the_other_follows_it_at_once(bench: Bench) -> None:
    bench.apply(POOL)
    first = bench.operator()
    await eventually(lambda: bench.holder(), within=30)
    second, holder = bench.operator(), bench.holder()
    bench.needs(40)
    await eventually(lambda: bench.replicas() == 2, within=15)
    assert bench.holder() == holder
    first.send_signal(signal.SIGTERM)
    assert first.wait(15) == 0
    await eventually(lambda: bench.holder() not in ("", holder), within=10)
    assert second.poll() is None


async def test_declared_pools_come_and_go_with_the_file(bench: Bench, tmp_path: Path) -> None:
    file = tmp_path / "pools.yaml"
    file.write_text(yaml.safe_dump(POOL), "utf-8")
    first = bench.operator(str(file))
    await eventually(lambda: bench.replicas() == 1, within=30)
    first.send_signal(signal.SIGTERM)
    assert first.wait(15) == 0
    file.write_text(yaml.safe_dump({**POOL, "metadata": {"name": "other"}}), "utf-8")
    bench.operator(str(file))
    await eventually(lambda: bench.one("statefulset", "ingest-other"), within=30)
    pool = bench.one("ingestpool", "default")
    assert pool is None or "deletionTimestamp" in pool["metadata"]


async def test_pools_that_select_the_same_cameras_say_so_until_they_do_not(bench: Bench) -> None:
    bench.ingest.cameras = [camera(1, "north"), camera(2, "north"), camera(3, "south")]
    bench.apply(POOL)
    bench.apply({**changed(selector={"zones": ["north"]}), "metadata": {"name": "centre"}})
    bench.operator()
    wanted = {
        "centre": ("True", "SelectedTwice", "cameras of this pool, whose name sorts first, are selected by default too"),
        "default": ("True", "SelectedTwice", "2 cameras that this pool selects are in pools whose names sort before its own"),
    }
    await eventually(lambda: {pool: bench.condition("SelectorOverlaps", pool) for pool in wanted} == wanted, within=30)
    await eventually(lambda: bench.events("SelectorOverlaps") == {"centre", "default"}, within=10)
    bench.apply(changed(selector={"zones": ["south"]}))
    await eventually(lambda: {bench.condition("SelectorOverlaps", pool)[:2] for pool in ("centre", "default")} == {("False", "Alone")}, within=30)


async def test_cameras_that_no_pool_selects_show_on_the_pools_until_one_does(bench: Bench) -> None:
    bench.ingest.cameras = [camera(1, "north"), camera(2, "east"), camera(3, "east")]
    bench.apply(changed(selector={"zones": ["north"]}))
    bench.operator()
    wanted = ("True", "NoPoolSelectsThem", "2 cameras of the city are in no pool and are not recorded")
    await eventually(lambda: bench.condition("CamerasUnselected") == wanted, within=30)
    await eventually(lambda: bench.events("CamerasUnselected") == {"default"}, within=10)
    bench.apply({**changed(selector={"zones": ["east"]}), "metadata": {"name": "centre"}})
    await eventually(lambda: bench.condition("CamerasUnselected")[:2] == ("False", "AllSelected"), within=30)


@pytest.mark.parametrize("is_silent", [False, True], ids=["connections are refused", "connections stand still"])
async def test_it_goes_on_by_itself_once_the_api_server_is_back(bench: Bench, *, is_silent: bool) -> None:
    proxy, kubeconfig = bench.proxy()
    bench.apply(POOL)
    bench.needs(20)
    await proxy.__aenter__()
    try:
        process = bench.operator(kubeconfig=kubeconfig)
        await eventually(lambda: bench.replicas() == 1, within=30)
        holder = bench.holder()
        async with away(proxy, is_silent=is_silent):
            bench.needs(60)
            await eventually(lambda: AWAY in bench.said(), within=30)
            bench.cluster.kubectl("scale", "statefulset/ingest-default", "-n", bench.namespace, "--replicas=2")
            await eventually(lambda: datetime.now(UTC) - renewed(bench) > timedelta(seconds=LEASE_S), within=30, why="its lease has run out")
            before = renewed(bench)
            assert bench.replicas() == 2
        await eventually(lambda: bench.replicas() == 3, within=30)
        assert renewed(bench) > before
        assert bench.holder() == holder
        assert process.poll() is None
        assert bench.said().count(AWAY) == 1
    finally:
        await proxy.__aexit__(None, None, None)


@asynccontextmanager
async def away(proxy: Proxy, *, is_silent: bool) -> AsyncIterator[None]:
    """Nothing comes through meanwhile."""
    if is_silent:
        proxy.pause()
        yield
        proxy.resume()
    else:
        await proxy.__aexit__(None, None, None)
        yield
        await proxy.__aenter__()


def renewed(bench: Bench) -> datetime:
    """The lease, the last time."""
    found = bench.one("lease", "vonglau-ingest-fleet")
    assert found is not None
    return datetime.fromisoformat(found["spec"]["renewTime"])


async def test_a_template_that_kubernetes_refuses_is_told_in_its_words(bench: Bench) -> None:
    odd = {"spec": {"containers": [{"name": "ingest", "image": "x", "resources": {"limits": {"memory": "lots"}}}]}}
    bench.apply(changed(template=odd))
    bench.operator()

    def stalled() -> str:
        pool = bench.one("ingestpool", "default") or {}
        return next((each["message"] for each in pool.get("status", {}).get("conditions", ()) if each["type"] == "Stalled" and each["status"] == "True"), "")

    message = await eventually(stalled, within=30)
    assert "quantities must match" in message or "memory" in message
