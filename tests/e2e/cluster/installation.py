"""The platform installed by its chart, with a pod that has its command line, and what it tells of the cameras."""
from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from tests.e2e.cluster.conftest import ROOT, Cluster, Object, until

HERE = Path(__file__).parent
CHART = ROOT / "helm" / "vonglau"
OWNER = "e2e-owner"
IMAGE = "test"  # tag
# Causes that somebody has asserted; what none covers would be unexplained.
EXPLAINED = {"writer_failed", "moved", "transport_lost", "source_silent", "refused", "storage_unavailable", "quota_exceeded", "suspended"}


class Missing(NamedTuple):
    """A stretch that was not recorded, or of which nobody knows yet."""

    kind: str
    cause: str
    seconds: float


Gaps = dict[str, list[Missing]]  # of each camera


@dataclass
class Installation:
    """The platform in one namespace, what it needs in another."""

    cluster: Cluster
    namespace: str
    backends: str
    folder: Path
    told: Sequence[str] = ("values.yaml",)  # beside this file; later ones over earlier ones
    surroundings: str = "test"  # folder of k8s/
    is_encrypted: bool = False
    figures: dict[str, float] = field(default_factory=dict)

    def values(self) -> list[str]:
        """As arguments of Helm."""
        for each in self.told:
            (self.folder / each).write_text((HERE / each).read_text("utf-8").replace("BACKENDS", self.backends), "utf-8")
        return [part for each in self.told for part in ("-f", str(self.folder / each))]

    def install(self, *changes: str, chart: Path = CHART) -> None:
        """Or upgrade. changes: path=value."""
        sets = [part for each in changes for part in ("--set-string" if "Annotations" in each else "--set", each)]
        self.cluster.helm("upgrade", "--install", "vonglau", str(chart), "-n", self.namespace, *self.values(), "--wait", "--timeout", "5m", *sets)

    def uninstall(self, *, refused: bool = False) -> str:
        """What Helm says. refused: it has to fail."""
        return self.cluster.helm("uninstall", "vonglau", "-n", self.namespace, "--timeout", "5m", refused=refused)

    def shell(self, script: str) -> str:
        """In the pod with the command line."""
        return self.cluster.kubectl("exec", "-n", self.namespace, "toolbox", "--", "sh", "-c", script)

    def inside(self, *arguments: str) -> str:
        """inside.py, in that pod."""
        program = (HERE / "inside.py").read_text("utf-8")
        return self.cluster.kubectl("exec", "-i", "-n", self.namespace, "toolbox", "--", "python", "-", *arguments, given=program)

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
        self.inside("retire", str(first), str(last))

    def cameras(self) -> list[Object]:
        """As `vonglau status` has them; none where nobody says so just now."""
        try:
            found: list[Object] = self.vonglau("status")["cameras"]
        except (AssertionError, ValueError):
            return []
        return found

    def recording(self) -> int:
        return sum(each["state"] == "recording" for each in self.cameras())

    def stored(self, cameras: int) -> bool:
        """Whether a segment of each of so many is stored and verified: nothing else counts as recorded there."""
        return sum(bool(each["state"] == "recording" and each["recorded_s"] > 0) for each in self.cameras()) == cameras

    def pool(self) -> Object:
        return self.cluster.object("ingestpool", "default", self.namespace)

    def replicas(self) -> int:
        return int(self.cluster.object("statefulset", "ingest-default", self.namespace)["spec"]["replicas"])

    def pods(self, component: str) -> list[str]:
        found = self.cluster.objects("pod", self.namespace, f"app.kubernetes.io/component={component}")
        return sorted(each["metadata"]["name"] for each in found)

    def containers(self) -> set[str]:
        """Which run; one that begins again is another one."""
        pods = self.cluster.objects("pod", self.namespace, "app.kubernetes.io/name=vonglau")
        running = [one for each in pods for one in each["status"].get("containerStatuses", ()) if "running" in one["state"]]
        return {str(each["containerID"]) for each in running}

    def kill(self, pod: str, namespace: str = "") -> None:
        """SIGKILL to all that runs in its one container; returns once Kubernetes has begun it again."""
        namespace = namespace or self.namespace
        container = self._container(pod, namespace)
        number = container["containerID"].rpartition("/")[2]
        script = f"for each in $(grep -l {number} /proc/[0-9]*/cgroup); do kill -9 $(echo $each | cut -d/ -f3); done"
        self.cluster.kubectl("exec", "-n", self.backends, "deployment/reaper", "--", "sh", "-c", script)
        until(lambda: self._container(pod, namespace)["restartCount"] > container["restartCount"], 60, f"{pod} has died and begun again")

    def _container(self, pod: str, namespace: str) -> Object:
        (found,) = self.cluster.object("pod", pod, namespace)["status"]["containerStatuses"]
        return dict(found)

    def missing(self, cameras: int, since: str, to: str) -> Gaps | None:
        """None while nobody answers."""
        try:
            found = json.loads(self.inside("timelines", since, to, str(cameras)))
        except (AssertionError, ValueError):
            return None
        return {camera: [Missing(*each) for each in stretches if each[0] != "recorded"] for camera, stretches in found.items()}

    def settled(self, cameras: int, since: str, to: str, within: float = 120) -> Gaps:
        """What is missing once every camera was recorded past that instant, every fact about the time before has come and each gap has a cause."""
        last: Gaps | None = None

        def known() -> bool:
            nonlocal last
            last = self.missing(cameras, since, to)
            return last is not None and not any(each.kind != "gap" or each.cause not in EXPLAINED for found in last.values() for each in found)

        try:
            until(known, within, "every second until then is recorded, or has a cause")
        except AssertionError as late:
            raise AssertionError(f"{late}: {doubtful(last)}") from None
        return last or {}


def doubtful(found: Gaps | None) -> object:
    """Of what is missing, what nobody has explained."""
    if found is None:
        return "nobody answers"
    return {camera: odd for camera, each in found.items() if (odd := [one for one in each if one.kind != "gap" or one.cause not in EXPLAINED])}


def longest(gaps: Gaps) -> float:
    return round(max((each.seconds for found in gaps.values() for each in found), default=0.0), 2)


def now(later: float = 0.0) -> str:
    """later: s ahead."""
    return (datetime.now(UTC) + timedelta(seconds=later)).isoformat()
