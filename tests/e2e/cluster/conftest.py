"""The platform installed by its chart on a real cluster, in namespaces that the tests make, label and take away."""
from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
VARIABLE = "VONGLAU_TEST_KUBECONFIG"
MADE_BY = "vonglau.vn/made-by"
HOST_PATH = "kubernetes.io/host-path"  # this provisioner gives folders of root, whatever fsGroup asks for
OWNER = "e2e-owner"
HOME = "/tmp"  # noqa: S108 - of a pod
Object = dict[str, Any]


# A command line for each would take longer than what is measured.
RETIRE = """
import asyncio, os, sys
from pathlib import Path
from vonglau.identity import Caller, LocalIssuer
from vonglau.registry.v1.service_pb2 import RetireCameraRequest
from vonglau.registry.v1.service_pb2_grpc import RegistryStub
from vonglau.rpc import channel
async def main():
    token = LocalIssuer(Path("/etc/vonglau/identity")).source(Caller("person", "platform"), os.environ["VONGLAU_TENANT"])
    async with channel(os.environ["VONGLAU_REGISTRY_ADDRESS"], token) as there:
        for each in range(int(sys.argv[1]), int(sys.argv[2]) + 1):
            await RegistryStub(there).RetireCamera(RetireCameraRequest(camera=f"e2e-cam-{each}", reason="e2e"), timeout=30)
asyncio.run(main())
"""


@dataclass(frozen=True)
class Cluster:
    kubeconfig: Path

    def kubectl(self, *arguments: str, given: str | None = None, check: bool = True) -> str:
        return self._run("kubectl", *arguments, given=given, check=check)

    def helm(self, *arguments: str, check: bool = True) -> str:
        return self._run("helm", *arguments, check=check)

    def objects(self, kind: str, namespace: str, selector: str = "") -> list[Object]:
        chosen = ["--selector", selector] if selector else []
        found: list[Object] = json.loads(self.kubectl("get", kind, "--namespace", namespace, *chosen, "--output", "json"))["items"]
        return found

    def object(self, kind: str, name: str, namespace: str) -> Object:
        found: Object = json.loads(self.kubectl("get", kind, name, "--namespace", namespace, "--output", "json"))
        return found

    def _run(self, program: str, *arguments: str, given: str | None = None, check: bool = True) -> str:
        environment = {**os.environ, "KUBECONFIG": str(self.kubeconfig)}
        done = subprocess.run([tool(program), *arguments], input=given, capture_output=True, text=True, env=environment, check=False)
        assert done.returncode == 0 or not check, f"{program} {' '.join(arguments)}: {done.stderr[-3000:]}"
        return done.stdout


def tool(name: str) -> str:
    """From the path, or from where the servers of the tests and the cluster's programs are."""
    cache = Path.home() / ".cache"
    places = [os.environ.get("VONGLAU_SERVERS", str(cache / "vonglau-servers")) + "/bin", str(cache / "vonglau-cluster" / "bin")]
    found = shutil.which(name) or next((path for each in places if (path := shutil.which(name, path=each))), None)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def until(condition: Any, within: float, why: str) -> Any:
    """The first true value. within: s."""
    end = time.monotonic() + within
    while True:
        if found := condition():
            return found
        assert time.monotonic() < end, f"not within {within:g} s: {why}"
        time.sleep(0.2)


@dataclass
class Installation:
    """The platform in one namespace, what it needs in another, and a pod with its command line."""

    cluster: Cluster
    namespace: str
    backends: str
    folder: Path
    figures: dict[str, float] = field(default_factory=dict)

    def values(self) -> Path:
        path = self.folder / "values.yaml"
        path.write_text((HERE / "values.yaml").read_text("utf-8").replace("BACKENDS", self.backends), "utf-8")
        return path

    def install(self, *changes: str, wait: bool = True) -> None:
        """Or upgrade. changes: path=value."""
        sets = [part for each in changes for part in ("--set-string" if "Annotations" in each else "--set", each)]
        waiting = ["--wait", "--timeout", "5m"] if wait else []
        self.cluster.helm("upgrade", "--install", "vonglau", str(ROOT / "helm" / "vonglau"), "-n", self.namespace, "-f", str(self.values()), *waiting, *sets)

    def shell(self, script: str) -> str:
        """In the pod with the command line."""
        return self.cluster.kubectl("exec", "-n", self.namespace, "toolbox", "--", "sh", "-c", script)

    def vonglau(self, *arguments: str) -> Any:
        """As the platform's administrator, who administers the owner too."""
        return json.loads(self.cluster.kubectl("exec", "-n", self.namespace, "toolbox", "--", "vonglau", *arguments, "--as", "platform", "--json"))

    def register(self, first: int, last: int) -> float:
        """Simulated cameras of that many, 0.2 Mbit/s each; wall time (s) of the last answer."""
        lines = ["owner,name,url,id,bitrate_kbps"]
        url = f"rtsp://cameras.{self.backends}.svc:8554"
        lines += [f"{OWNER},cam {each},{url}/cam-{each}/sub,e2e-cam-{each},200" for each in range(first, last + 1)]
        script = f"cat > cameras.csv <<'END'\n{chr(10).join(lines)}\nEND\nvonglau camera import cameras.csv --as platform --json >&2; date +%s.%N"
        return float(self.shell(script))

    def retire(self, first: int, last: int) -> None:
        self.shell(f"python - {first} {last} <<'END'\n{RETIRE}\nEND")

    def recording(self) -> int:
        """-1: nobody says so just now."""
        try:
            return sum(each["state"] == "recording" for each in self.vonglau("status")["cameras"])
        except (AssertionError, ValueError):
            return -1

    def pool(self) -> Object:
        return self.cluster.object("ingestpool", "default", self.namespace)

    def replicas(self) -> int:
        return int(self.cluster.object("statefulset", "ingest-default", self.namespace)["spec"]["replicas"])

    def pods(self, component: str) -> list[str]:
        found = self.cluster.objects("pod", self.namespace, f"app.kubernetes.io/component={component}")
        return sorted(each["metadata"]["name"] for each in found)

    def gaps(self, cameras: int, since: str, to: str = "-6s") -> dict[str, list[tuple[str, float]]]:
        """Camera -> (cause, s) of each time that it was not recorded."""
        names = " ".join(f"e2e-cam-{each}" for each in range(1, cameras + 1))
        script = f"for each in {names}; do vonglau timeline $each --from {since} --to={to} --as platform --json; done"
        decoder, text, found = json.JSONDecoder(), self.shell(script), {}
        for camera in names.split():
            document, end = decoder.raw_decode(text := text.lstrip())
            text = text[end:]
            found[camera] = [(one.get("cause", ""), float(one["seconds"])) for one in document["stretches"] if one["kind"] != "recorded"]
        return found


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    kubeconfig = os.environ.get(VARIABLE)
    if not kubeconfig:
        pytest.skip(f"{VARIABLE} names no kubeconfig of a cluster that the tests may use")
    made = Cluster(Path(kubeconfig))
    if not made.kubectl("get", "nodes", "--output", "name", check=False):
        pytest.skip(f"the cluster of {VARIABLE} has no node, or does not answer")
    return made


@pytest.fixture(scope="session")
def installation(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Surroundings are there; the platform is not installed yet. VONGLAU_TEST_KEEP keeps it, VONGLAU_TEST_NAMESPACE goes on with a kept one."""
    name = os.environ.get("VONGLAU_TEST_NAMESPACE") or f"vonglau-e2e-{uuid.uuid4().hex[:6]}"
    made = Installation(cluster, name, f"{name}-b", tmp_path_factory.mktemp("e2e"))
    if "VONGLAU_TEST_NAMESPACE" in os.environ:
        yield made
        return
    for namespace in (made.namespace, made.backends):
        cluster.kubectl("create", "namespace", namespace)
        cluster.kubectl("label", "namespace", namespace, f"{MADE_BY}=tests")
    try:
        surround(made)
        yield made
    finally:
        if not os.environ.get("VONGLAU_TEST_KEEP"):
            take_away(made)


def surround(made: Installation) -> None:
    keys = subprocess.run(
        [sys.executable, str(ROOT / "k8s" / "keys.py"), str(made.folder / "keys"), "--namespace", made.namespace, "--backends", made.backends],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    made.cluster.kubectl("apply", "--filename", "-", given=keys.stdout)
    classes = json.loads(made.cluster.kubectl("get", "storageclass", "--output", "json"))["items"]
    if any(each["provisioner"] == HOST_PATH for each in classes):
        made.cluster.kubectl("apply", "-n", made.backends, "--filename", str(HERE / "open_volumes.yaml"))
    rendered = made.cluster.kubectl("kustomize", str(ROOT / "k8s" / "test")).replace("vonglau-backends", made.backends)
    made.cluster.kubectl("apply", "--filename", "-", given=rendered)
    made.cluster.kubectl("apply", "-n", made.namespace, "--filename", "-", given=toolbox(made.namespace))
    for each in ("nats", "mongodb", "minio"):
        made.cluster.kubectl("rollout", "status", f"statefulset/{each}", "-n", made.backends, "--timeout=180s")
    made.cluster.kubectl("wait", "job/minio-users", "-n", made.backends, "--for=condition=Complete", "--timeout=180s")
    made.cluster.kubectl("rollout", "status", "deployment/cameras", "-n", made.backends, "--timeout=180s")
    made.cluster.kubectl("wait", "pod/toolbox", "-n", made.namespace, "--for=condition=Ready", "--timeout=120s")


def toolbox(namespace: str) -> str:
    """A pod with the command line, which may call the services as the one of `helm test` may."""
    addresses = [
        {"name": f"VONGLAU_{each.upper()}_ADDRESS", "value": f"dns:///vonglau-{each}.{namespace}.svc:7070"} for each in ("registry", "ingest", "recording")
    ]
    told = [*addresses, *({"name": name, "value": value} for name, value in (("VONGLAU_DATA", "/etc/vonglau"), ("VONGLAU_TENANT", "e2e"), ("HOME", HOME)))]
    labels = {"app.kubernetes.io/name": "vonglau", "app.kubernetes.io/instance": "vonglau", "app.kubernetes.io/component": "test"}
    return yaml.safe_dump({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "toolbox", "labels": labels},
        "spec": {
            "automountServiceAccountToken": False, "terminationGracePeriodSeconds": 0,
            "securityContext": {"runAsNonRoot": True, "runAsUser": 65532, "runAsGroup": 65532, "fsGroup": 65532},
            "containers": [{
                "name": "toolbox", "image": "docker.io/kubelocal/vonglau:test", "imagePullPolicy": "IfNotPresent",
                "command": ["sleep", "infinity"], "workingDir": HOME,
                "env": told,
                "volumeMounts": [{"name": "identity", "mountPath": "/etc/vonglau/identity", "readOnly": True}],
            }],
            "volumes": [{"name": "identity", "secret": {"secretName": "vonglau-identity", "defaultMode": 0o400}}],
        },
    })  # fmt: skip


def take_away(made: Installation) -> None:
    """Pools first: their finalizer waits for the operator. Then only what carries the label."""
    made.cluster.kubectl("delete", "ingestpool", "--all", "-n", made.namespace, "--timeout=60s", check=False)
    for each in made.cluster.kubectl("get", "ingestpool", "-n", made.namespace, "--output", "name", check=False).split():
        made.cluster.kubectl("patch", each, "-n", made.namespace, "--type=json", "--patch", '[{"op":"remove","path":"/metadata/finalizers"}]', check=False)
    made.cluster.helm("uninstall", "vonglau", "-n", made.namespace, "--no-hooks", check=False)
    for namespace in (made.namespace, made.backends):
        labels = made.cluster.object("namespace", namespace, namespace)["metadata"]["labels"]
        assert labels[MADE_BY] == "tests"
        made.cluster.kubectl("delete", "namespace", namespace, "--timeout=180s")
