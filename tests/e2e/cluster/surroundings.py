"""Namespaces with what an installation needs: servers, Secrets, simulated cameras and the toolbox."""
from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.cluster.conftest import MADE_BY, ROOT, Cluster
from tests.e2e.cluster.installation import HERE, Installation

HOST_PATH = "kubernetes.io/host-path"  # this provisioner gives folders of root, whatever fsGroup asks for
HOME = "/tmp"  # noqa: S108 - of a pod
SERVICES = ("registry", "ingest", "recording")


@contextmanager
def surrounded(cluster: Cluster, folder: Path, prepare: Callable[[Installation], None] | None = None, **how: Any) -> Iterator[Installation]:
    """The platform is not installed yet. prepare: once the namespaces are there. how: of the Installation.

    VONGLAU_TEST_KEEP keeps everything, VONGLAU_TEST_NAMESPACE goes on with what was kept.
    """
    name = os.environ.get("VONGLAU_TEST_NAMESPACE") or f"vonglau-e2e-{uuid.uuid4().hex[:6]}"
    made = Installation(cluster, name, f"{name}-b", folder, **how)
    if "VONGLAU_TEST_NAMESPACE" in os.environ:
        yield made
        return
    for namespace in (made.namespace, made.backends):
        cluster.kubectl("create", "namespace", namespace)
        cluster.kubectl("label", "namespace", namespace, f"{MADE_BY}=tests")
    try:
        apply_keys(made)
        if prepare is not None:
            prepare(made)
        surround(made)
        yield made
    finally:
        if not os.environ.get("VONGLAU_TEST_KEEP"):
            take_away(made)


def apply_keys(made: Installation) -> None:
    keys = subprocess.run(
        [sys.executable, str(ROOT / "k8s" / "keys.py"), str(made.folder / "keys"), "--namespace", made.namespace, "--backends", made.backends],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    made.cluster.kubectl("apply", "--filename", "-", given=keys.stdout)


def surround(made: Installation) -> None:
    classes = json.loads(made.cluster.kubectl("get", "storageclass", "--output", "json"))["items"]
    if any(each["provisioner"] == HOST_PATH for each in classes):
        made.cluster.kubectl("apply", "-n", made.backends, "--filename", str(HERE / "open_volumes.yaml"))
    made.cluster.kubectl("apply", "-n", made.backends, "--filename", str(HERE / "reaper.yaml"))
    rendered = made.cluster.kubectl("kustomize", str(ROOT / "k8s" / made.surroundings)).replace("vonglau-backends", made.backends)
    made.cluster.kubectl("apply", "--filename", "-", given=rendered)
    made.cluster.kubectl("apply", "-n", made.namespace, "--filename", "-", given=toolbox(made))
    for each in ("nats", "mongodb", "minio"):
        made.cluster.kubectl("rollout", "status", f"statefulset/{each}", "-n", made.backends, "--timeout=180s")
    made.cluster.kubectl("wait", "job/minio-users", "-n", made.backends, "--for=condition=Complete", "--timeout=180s")
    for each in ("cameras", "reaper"):
        made.cluster.kubectl("rollout", "status", f"deployment/{each}", "-n", made.backends, "--timeout=180s")
    made.cluster.kubectl("wait", "pod/toolbox", "-n", made.namespace, "--for=condition=Ready", "--timeout=120s")


def toolbox(made: Installation) -> str:
    """A pod with the command line: a client outside the release, which values.yaml admits."""
    told = {f"VONGLAU_{each.upper()}_ADDRESS": f"dns:///vonglau-{each}.{made.namespace}.svc:7070" for each in SERVICES}
    told |= {"VONGLAU_DATA": "/etc/vonglau", "VONGLAU_TENANT": "e2e", "HOME": HOME}
    files = {"identity": "vonglau-identity"}
    if made.is_encrypted:
        files["tls"] = "vonglau-test-tls"
        told["VONGLAU_TLS_DIR"] = "/etc/vonglau/tls"
    return yaml.safe_dump({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "toolbox", "labels": {"app": "toolbox"}},
        "spec": {
            "automountServiceAccountToken": False, "terminationGracePeriodSeconds": 0,
            "securityContext": {"runAsNonRoot": True, "runAsUser": 65532, "runAsGroup": 65532, "fsGroup": 65532},
            "containers": [{
                "name": "toolbox", "image": "docker.io/kubelocal/vonglau:test", "imagePullPolicy": "IfNotPresent",
                "command": ["sleep", "infinity"], "workingDir": HOME,
                "env": [{"name": name, "value": value} for name, value in told.items()],
                "volumeMounts": [{"name": each, "mountPath": f"/etc/vonglau/{each}", "readOnly": True} for each in files],
            }],
            "volumes": [{"name": name, "secret": {"secretName": secret, "defaultMode": 0o400}} for name, secret in files.items()],
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
