"""The definition of IngestPool that an older release, or somebody's hand, left in the cluster: who brings it up to date, and what becomes of its pools.

No image is needed: nothing waits for a pod. The cluster's definition is what it was when the tests began to be this chart's, and stays this chart's.
"""
from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.cluster.conftest import MADE_BY, Cluster, Object, until
from tests.e2e.cluster.installation import CHART, Installation

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]
NAME = "ingestpools.vonglau.vn"
FILE = Path("files") / f"{NAME}.yaml"
PRESENT: Object = yaml.safe_load((CHART / FILE).read_text("utf-8"))
NEW = {"headroomPercent": 20, "pins": {"7": "ingest-default-0"}}  # fields that the older definition lacks: one with a default, one without
POOL: Object = {
    "apiVersion": "vonglau.vn/v1alpha1", "kind": "IngestPool", "metadata": {"name": "kept"},
    "spec": {"camerasPerPod": 33, "storage": {"size": "1Gi"}, "template": {"spec": {"containers": [{"name": "ingest", "image": "vonglau:1"}]}}},
}  # fmt: skip


@dataclass(frozen=True)
class Release:
    """Of the chart, in a namespace of its own."""

    cluster: Cluster
    namespace: str
    values: list[str]

    def install(self, chart: Path = CHART) -> None:
        """Or upgrade. Without hooks and without waiting: no server is there, and no pod can start."""
        self.cluster.helm("upgrade", "--install", "vonglau", str(chart), "-n", self.namespace, *self.values, "--no-hooks")

    def apply(self, body: Object, *, check: bool = True) -> str:
        return self.cluster.kubectl("apply", "-n", self.namespace, "--filename", "-", given=json.dumps(body), check=check)

    def pool(self) -> Object:
        return self.cluster.object("ingestpool", "kept", self.namespace)

    def owns(self) -> None:
        """As the chart's README has it."""
        marks = ["meta.helm.sh/release-name=vonglau", f"meta.helm.sh/release-namespace={self.namespace}"]
        self.cluster.kubectl("annotate", "--overwrite", "crd", NAME, *marks)
        self.cluster.kubectl("label", "--overwrite", "crd", NAME, "app.kubernetes.io/managed-by=Helm")


@pytest.fixture
def release(cluster: Cluster, tmp_path: Path) -> Iterator[Release]:
    name = f"vonglau-e2e-{uuid.uuid4().hex[:6]}"
    cluster.kubectl("create", "namespace", name)
    cluster.kubectl("label", "namespace", name, f"{MADE_BY}=tests")
    try:
        yield Release(cluster, name, Installation(cluster, name, name, tmp_path).values())
    finally:
        cluster.kubectl("delete", "ingestpool", "--all", "-n", name, "--timeout=60s", check=False)
        cluster.helm("uninstall", "vonglau", "-n", name, "--no-hooks", check=False)
        put(cluster, PRESENT)
        cluster.kubectl("delete", "namespace", name, "--wait=false")


def put(cluster: Cluster, definition: Object) -> None:
    """By hand, as `kubectl apply` does it, and in use."""
    cluster.kubectl("apply", "--server-side", "--force-conflicts", "--filename", "-", given=json.dumps(definition))
    cluster.kubectl("wait", f"crd/{NAME}", "--for=condition=Established", "--timeout=30s")


def unmark(cluster: Cluster) -> None:
    """No release has made it."""
    cluster.kubectl("annotate", "crd", NAME, "meta.helm.sh/release-name-", "meta.helm.sh/release-namespace-", "helm.sh/resource-policy-")
    cluster.kubectl("label", "crd", NAME, "app.kubernetes.io/managed-by-")


def older() -> Object:
    definition = deepcopy(PRESENT)
    (version,) = definition["spec"]["versions"]
    for each in NEW:
        del version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"][each]
    version["additionalPrinterColumns"] = version["additionalPrinterColumns"][:3]
    return definition


def older_chart(folder: Path) -> Path:
    shutil.copytree(CHART, chart := folder / "older")
    (chart / FILE).write_text(yaml.safe_dump(older()), "utf-8")
    return chart


def version(cluster: Cluster) -> Object:
    """The one version of the definition, as the cluster has it."""
    (found,) = cluster.object("crd", NAME, "default")["spec"]["versions"]
    return dict(found)


def with_new_fields() -> Object:
    return {**POOL, "spec": {**POOL["spec"], **NEW}}


def made_under_the_older_one(release: Release) -> Object:
    """A pool. The API server takes a moment to serve another definition."""
    until(lambda: "unknown field" in refusal(release), 30, "the older definition is served, which knows none of the new fields")
    release.apply(POOL)
    made = release.pool()
    assert set(made["spec"]).isdisjoint(NEW)
    return made


def refusal(release: Release) -> str:
    """What the server says of a pool with new fields; empty: it would take it."""
    body = json.dumps(with_new_fields())
    try:
        release.cluster.kubectl("apply", "-n", release.namespace, "--dry-run=server", "--filename", "-", given=body)
    except AssertionError as error:
        return str(error)
    return ""


def must_be_present_with(release: Release, made: Object) -> None:
    """The definition is this chart's, and the pool is what it was, with what is new."""
    (wanted,) = PRESENT["spec"]["versions"]
    assert version(release.cluster) == wanted
    until(lambda: refusal(release) == "", 30, "the present definition is served")
    kept = release.pool()
    assert kept["metadata"]["uid"] == made["metadata"]["uid"]
    assert kept["spec"] == {**made["spec"], "headroomPercent": 20}
    release.apply(with_new_fields())
    assert {name: release.pool()["spec"][name] for name in NEW} == NEW


def test_a_release_brings_the_definition_up_to_date_that_it_made_before(release: Release, tmp_path: Path) -> None:
    put(release.cluster, older())
    release.owns()
    release.install(older_chart(tmp_path))
    assert version(release.cluster) == older()["spec"]["versions"][0]
    made = made_under_the_older_one(release)
    release.install()
    must_be_present_with(release, made)


def test_a_definition_that_was_applied_by_hand_is_brought_up_to_date_once_it_is_handed_over(release: Release) -> None:
    put(release.cluster, older())
    unmark(release.cluster)
    made = made_under_the_older_one(release)
    release.owns()
    release.install()
    must_be_present_with(release, made)


def test_a_definition_that_another_release_made_is_left_alone(release: Release) -> None:
    put(release.cluster, older())
    release.owns()
    release.cluster.kubectl("annotate", "--overwrite", "crd", NAME, "meta.helm.sh/release-namespace=another")
    before: Any = release.cluster.object("crd", NAME, "default")["metadata"]["generation"]
    release.install()
    assert release.cluster.object("crd", NAME, "default")["metadata"]["generation"] == before


def test_an_uninstallation_leaves_the_definition_and_so_every_pool(release: Release) -> None:
    release.owns()
    release.install()
    release.apply(POOL)
    release.cluster.helm("uninstall", "vonglau", "-n", release.namespace, "--no-hooks")
    assert release.pool()["spec"]["camerasPerPod"] == 33
