"""What k8s/ brings fits what the chart asks for on a laptop: names, ports, keys, rights."""
from __future__ import annotations

import base64
import importlib.util
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import kubernetes_validate
import pytest
import yaml

from vonglau.footage.policies import policy
from vonglau.footage.roles import ROLES

ROOT = Path(__file__).parents[2]
BASE = ROOT / "k8s" / "base"
LAPTOP: dict[str, Any] = yaml.safe_load((ROOT / "helm" / "vonglau" / "values-laptop.yaml").read_text("utf-8"))
Object = dict[str, Any]


def kustomization(folder: Path) -> Object:
    found: Object = yaml.safe_load((folder / "kustomization.yaml").read_text("utf-8"))
    return found


def objects() -> list[Object]:
    return [each for name in kustomization(BASE)["resources"] for each in yaml.safe_load_all((BASE / name).read_text("utf-8")) if each]


def pods() -> Iterator[tuple[str, Object]]:
    for each in objects():
        if "template" in each.get("spec", {}):
            yield each["metadata"]["name"], each["spec"]["template"]["spec"]


def test_kubernetes_takes_every_object() -> None:
    for each in objects():
        kubernetes_validate.validate(each, "1.33", strict=True)


def test_every_pod_keeps_to_the_restricted_standard() -> None:
    for name, pod in pods():
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in pod["containers"]:
            context = container["securityContext"]
            assert (context["allowPrivilegeEscalation"], context["readOnlyRootFilesystem"], context["capabilities"]) == (False, True, {"drop": ["ALL"]}), name
            assert "memory" in container["resources"]["limits"], name


@pytest.mark.parametrize("path", ["nats.urls.0", "documents.url", "footage.url", "telemetry.endpoint"])
def test_what_the_laptops_values_call_is_there(path: str) -> None:
    found: Any = LAPTOP
    for part in path.split("."):
        found = found[int(part)] if part.isdigit() else found[part]
    address = urlsplit(found)
    service, namespace, _ = str(address.hostname).split(".")
    ports = {each["metadata"]["name"]: [port["port"] for port in each["spec"]["ports"]] for each in objects() if each["kind"] == "Service"}
    assert address.port in ports[service]
    assert namespace == kustomization(BASE)["namespace"]


def test_every_service_leads_to_a_pod_that_listens() -> None:
    listening = {name: {port["containerPort"] for container in pod["containers"] for port in container.get("ports", ())} for name, pod in pods()}
    for each in objects():
        if each["kind"] == "Service":
            assert {port["port"] for port in each["spec"]["ports"]} <= listening[each["spec"]["selector"]["app"]], each["metadata"]["name"]


def test_what_is_acknowledged_is_on_the_disk() -> None:
    assert "sync_interval: always" in (BASE / "nats.conf").read_text("utf-8")


@pytest.mark.parametrize("role", ROLES)
def test_a_credential_of_the_store_may_do_what_its_role_needs_and_no_more(role: str) -> None:
    assert json.loads((BASE / "policies" / f"{role}.json").read_text("utf-8")) == policy(role)


def test_keys_are_made_once_and_are_those_that_pods_mount(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("k8s_keys", ROOT / "k8s" / "keys.py")
    assert spec is not None
    assert spec.loader is not None
    keys = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(keys)
    made = keys.manifests(tmp_path, "vonglau", "vonglau-backends")
    assert keys.manifests(tmp_path, "vonglau", "vonglau-backends") == made
    there = {each["metadata"]["name"]: each["data"] for each in made}
    named = {name for name in LAPTOP["secrets"].values() if isinstance(name, str)}
    assert named <= there.keys()
    assert there["vonglau-footage"].keys() == {f"{role}.{half}-key" for role in ROLES for half in ("access", "secret")}
    assert there["vonglau-footage"].items() <= there["minio"].items()
    assert len(base64.b64decode(there["vonglau-wrapping-key"]["secrets.key"])) == 32


def test_the_tests_bring_no_image_from_a_registry() -> None:
    replaced = {each["name"] for each in kustomization(ROOT / "k8s" / "test")["images"]}
    gone = {each["target"]["name"] for each in kustomization(ROOT / "k8s" / "test")["patches"] if "$patch" in each["patch"]}
    images = {container["image"].rpartition(":")[0] or container["image"] for name, pod in pods() if name not in gone for container in pod["containers"]}
    assert images == replaced


def test_each_encrypted_server_of_nats_knows_the_others_by_name() -> None:
    secured = ROOT / "k8s" / "secured"
    servers: Object = yaml.safe_load((secured / "nats.yaml").read_text("utf-8"))["spec"]
    peers: Object = yaml.safe_load((secured / "peers.yaml").read_text("utf-8"))
    ports = {each["name"]: each["port"] for each in peers["spec"]["ports"]}
    domain = f"{peers['metadata']['name']}.{kustomization(secured)['namespace']}.svc:{ports['routes']}"
    routes = re.findall(r"nats://\S+", (secured / "nats.conf").read_text("utf-8"))
    assert servers["serviceName"] == peers["metadata"]["name"]
    assert routes == [f"nats://nats-{each}.{domain}" for each in range(servers["replicas"])]
