"""The children of a pool as they are asked for."""
from __future__ import annotations

from typing import Any

import kubernetes_validate
import pytest

from operators.ingest_fleet.pool import POOL_LABEL, pool_of
from operators.ingest_fleet.resources import children, upload
from tests.operators.conftest import body

TEMPLATE = {
    "metadata": {"labels": {"app.kubernetes.io/component": "ingest", POOL_LABEL: "somewhere-else"}},
    "spec": {
        "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
        "containers": [
            {"name": "other", "image": "other:1"},
            {
                "name": "ingest", "image": "vonglau:1", "args": ["services.ingest"], "ports": [{"name": "grpc", "containerPort": 7070}],
                "env": [{"name": "VONGLAU_NATS_URL", "value": "nats://nats:4222"}, {"name": "VONGLAU_POOL", "value": "wrong"}],
                "volumeMounts": [{"name": "tmp", "mountPath": "/var/cache"}], "livenessProbe": {"tcpSocket": {"port": 7070}},
                "lifecycle": {"preStop": {"sleep": {"seconds": 3}}},
            },
        ],
    },
}  # fmt: skip


def made(**spec: Any) -> dict[str, dict[str, Any]]:
    return {each["kind"]: each for each in children(pool_of(body(template=TEMPLATE, **spec)), 3)}


def environment(container: dict[str, Any]) -> dict[str, Any]:
    assert len({each["name"] for each in container["env"]}) == len(container["env"])
    return {each["name"]: each.get("value") or each["valueFrom"]["fieldRef"]["fieldPath"] for each in container["env"]}


@pytest.mark.parametrize("version", ["1.30", "1.33", "1.36"])
def test_kubernetes_takes_them(version: str) -> None:
    for each in [*made().values(), upload(pool_of(body(template=TEMPLATE)), 2)]:
        kubernetes_validate.validate(each, version, strict=True)


def test_they_go_with_their_pool() -> None:
    for each in made().values():
        (owner,) = each["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["name"], owner["uid"], owner["controller"]) == ("IngestPool", "default", "uid-default", True)


def test_volume_claims_do_not_go_with_their_pods_nor_with_their_pool() -> None:
    spec = made()["StatefulSet"]["spec"]
    assert spec["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Retain", "whenScaled": "Retain"}
    assert "ownerReferences" not in spec["volumeClaimTemplates"][0]["metadata"]


def test_a_pod_knows_its_pool_its_own_name_and_how_much_fits_its_spool() -> None:
    told = environment(made()["StatefulSet"]["spec"]["template"]["spec"]["containers"][1])
    assert told["VONGLAU_POOL"] == "default"
    assert told["VONGLAU_NODE"] == "metadata.name"
    assert told["VONGLAU_ADVERTISE"] == "$(POD_IP):7070"  # other pods hand viewers over to it
    assert told["VONGLAU_SPOOL_LIMIT_BYTES"] == str(9 * 2**30)
    assert told["VONGLAU_NATS_URL"] == "nats://nats:4222"


def test_a_pods_spool_is_its_own_volume() -> None:
    spec = made(storage={"size": "2Ti", "storageClassName": "fast"})["StatefulSet"]["spec"]
    (claim,) = spec["volumeClaimTemplates"]
    assert claim["spec"] == {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "2Ti"}}, "storageClassName": "fast"}
    container = spec["template"]["spec"]["containers"][1]
    assert {"name": claim["metadata"]["name"], "mountPath": environment(container)["VONGLAU_SPOOL_DIR"]} in container["volumeMounts"]


def test_pods_of_a_pool_are_its_own_whatever_the_template_says() -> None:
    every = made()
    template = every["StatefulSet"]["spec"]["template"]
    assert template["metadata"]["labels"] == {"app.kubernetes.io/component": "ingest", POOL_LABEL: "default"}
    for selector in (every["StatefulSet"]["spec"]["selector"]["matchLabels"], every["Service"]["spec"]["selector"]):
        assert selector.items() <= template["metadata"]["labels"].items()


def test_pods_leave_one_at_a_time() -> None:
    assert made()["PodDisruptionBudget"]["spec"]["maxUnavailable"] == 1


def test_an_upload_is_told_what_its_pod_was_told_and_serves_nobody() -> None:
    job = upload(pool_of(body(template=TEMPLATE)), 2)
    template = job["spec"]["template"]
    container = template["spec"]["containers"][1]
    assert job["metadata"]["name"] == "ingest-default-2-upload"
    assert container["args"] == ["services.ingest.leftovers"]
    assert environment(container)["VONGLAU_NODE"] == "ingest-default-2"
    assert environment(container)["VONGLAU_NATS_URL"] == "nats://nats:4222"
    assert not container.keys() & {"ports", "livenessProbe", "lifecycle"}
    assert {"name": "spool", "persistentVolumeClaim": {"claimName": "spool-ingest-default-2"}} in template["spec"]["volumes"]
    assert POOL_LABEL not in template["metadata"]["labels"]
    assert template["metadata"]["labels"]["app.kubernetes.io/component"] != "ingest"


def test_what_a_pool_says_is_never_changed() -> None:
    pool = pool_of(body(template=TEMPLATE))
    children(pool, 3)
    upload(pool, 1)
    assert pool.template == TEMPLATE
    assert len(TEMPLATE["spec"]["containers"][1]["env"]) == 2  # type: ignore[index]
