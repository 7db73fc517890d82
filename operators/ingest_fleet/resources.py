"""The children of a pool as they should be: only the fields that the operator owns. Pure."""
from __future__ import annotations

from copy import deepcopy
from typing import Any

from operators.ingest_fleet.pool import GROUP, KIND, POOL_LABEL, VERSION, IngestPool, bytes_of
from operators.ingest_fleet.present import SPOOL, claim, pod, stateful_set, upload_job

CONTAINER = "ingest"
PORT = 7070
SPOOL_DIR = "/var/spool/vonglau"
SPOOL_SHARE = 0.9  # of the volume; the rest is for the file system and for what waits for it
OWNER_LABEL = f"{GROUP}/spool-of"
UPLOADER = "services.ingest.leftovers"
COMPONENT = "app.kubernetes.io/component"
# What only a pod that serves has.
SERVING = ("ports", "startupProbe", "livenessProbe", "readinessProbe", "lifecycle")
Manifest = dict[str, Any]


def children(pool: IngestPool, replicas: int) -> list[Manifest]:
    """In the order in which they are applied."""
    return [service(pool), budget(pool), workload(pool, replicas)]


def workload(pool: IngestPool, replicas: int) -> Manifest:
    """The StatefulSet. Its pods start and end together, since cameras are moved between them anyway, but are replaced one at a time."""
    return child(pool, "apps/v1", "StatefulSet", stateful_set(pool.name), {
        "replicas": replicas,
        "serviceName": stateful_set(pool.name),
        "podManagementPolicy": "Parallel",
        "updateStrategy": {"type": "RollingUpdate"},
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
        "selector": {"matchLabels": {POOL_LABEL: pool.name}},
        "template": pod_template(pool),
        "volumeClaimTemplates": [volume_claim(pool)],
    })  # fmt: skip


def pod_template(pool: IngestPool) -> Manifest:
    template = deepcopy(dict(pool.template))
    template.setdefault("metadata", {}).setdefault("labels", {})[POOL_LABEL] = pool.name
    container = ingest_of(template)
    address = {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
    told(container, pool, {"name": "VONGLAU_NODE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
         address, {"name": "VONGLAU_ADVERTISE", "value": f"$(POD_IP):{PORT}"})
    return template


def volume_claim(pool: IngestPool) -> Manifest:
    spec: Manifest = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": pool.storage["size"]}}}
    if pool.storage.get("storageClassName"):
        spec["storageClassName"] = pool.storage["storageClassName"]
    # Kubernetes fills kind and version in and then compares them.
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": SPOOL, "labels": {POOL_LABEL: pool.name}}, "spec": spec}


def service(pool: IngestPool) -> Manifest:
    """Headless: it gives pods their names. Callers use the release's own Service, which spans all pools."""
    return child(pool, "v1", "Service", stateful_set(pool.name), {
        "clusterIP": "None",
        "publishNotReadyAddresses": True,
        "selector": {POOL_LABEL: pool.name},
        "ports": [{"name": "grpc", "port": PORT, "targetPort": "grpc"}],
    })  # fmt: skip


def budget(pool: IngestPool) -> Manifest:
    return child(pool, "policy/v1", "PodDisruptionBudget", stateful_set(pool.name), {
        "maxUnavailable": 1,
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
        "selector": {"matchLabels": {POOL_LABEL: pool.name}},
    })  # fmt: skip


def upload(pool: IngestPool, ordinal: int) -> Manifest:
    """The Job that stores what is left on a spool. It tries until it has: a store that is away delays it and fails nothing."""
    template = deepcopy(dict(pool.template))
    labels = template.setdefault("metadata", {}).setdefault("labels", {})
    labels.pop(POOL_LABEL, None)  # neither Service nor budget of the pool may take it for an ingest pod
    labels |= {COMPONENT: f"{CONTAINER}-upload", OWNER_LABEL: pool.name}
    spec = template["spec"]
    spec.pop("topologySpreadConstraints", None)
    spec["restartPolicy"] = "OnFailure"
    container = ingest_of(template)
    for each in SERVING:
        container.pop(each, None)
    container["args"] = [UPLOADER]
    told(container, pool, {"name": "VONGLAU_NODE", "value": pod(pool.name, ordinal)})
    spec.setdefault("volumes", []).append({"name": SPOOL, "persistentVolumeClaim": {"claimName": claim(pool.name, ordinal)}})
    return child(pool, "batch/v1", "Job", upload_job(pool.name, ordinal), {"backoffLimit": 1000, "template": template})


def told(container: Manifest, pool: IngestPool, *about_the_pod: Manifest) -> None:
    """What every program on a spool is told, whatever the template says of it."""
    limit = int(bytes_of(pool.storage["size"]) * SPOOL_SHARE)
    own = [
        {"name": "VONGLAU_POOL", "value": pool.name},
        *about_the_pod,
        {"name": "VONGLAU_SPOOL_DIR", "value": SPOOL_DIR},
        {"name": "VONGLAU_SPOOL_LIMIT_BYTES", "value": str(limit)},
    ]
    names = {each["name"] for each in own}
    container["env"] = [each for each in container.get("env", ()) if each["name"] not in names] + own
    mounts = [each for each in container.get("volumeMounts", ()) if each["name"] != SPOOL]
    container["volumeMounts"] = [*mounts, {"name": SPOOL, "mountPath": SPOOL_DIR}]


def ingest_of(template: Manifest) -> Manifest:
    """The definition's schema sees to it that there is one."""
    found: Manifest = next(each for each in template["spec"]["containers"] if each["name"] == CONTAINER)
    return found


def child(pool: IngestPool, version: str, kind: str, name: str, spec: Manifest) -> Manifest:
    owner = {"apiVersion": f"{GROUP}/{VERSION}", "kind": KIND, "name": pool.name, "uid": pool.uid, "controller": True, "blockOwnerDeletion": True}
    labels = {
        "app.kubernetes.io/name": "vonglau", COMPONENT: CONTAINER, "app.kubernetes.io/managed-by": "vonglau-operator", POOL_LABEL: pool.name,
    }  # fmt: skip
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "labels": labels, "ownerReferences": [owner]}, "spec": spec}
