"""Pools as values become IngestPools, and what the operator may do: what its definition admits, and no more than it uses."""
from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from operators.ingest_fleet.pool import pool_of
from operators.ingest_fleet.resources import children, upload

ROOT = Path(__file__).parents[2]
DEFINITION: dict[str, Any] = yaml.safe_load((ROOT / "helm" / "vonglau" / "files" / "ingestpools.vonglau.vn.yaml").read_text("utf-8"))
SCHEMA: dict[str, Any] = DEFINITION["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
EXAMPLES = ("laptop", "one-node", "city-three-zones")
Render = Callable[..., Any]
pytestmark = pytest.mark.backends


def pools(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each for each in objects if each["kind"] == "IngestPool"]


def only(objects: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    (found,) = [each for each in objects if each["kind"] == kind]
    return found


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_definition_admits_every_pool_of_an_example(render: Render, example: str) -> None:
    found = pools(render(example))
    assert found
    for each in found:
        assert [f"{error.json_path}: {error.message}" for error in Draft7Validator(SCHEMA).iter_errors(each)] == []


def test_each_pool_of_the_values_is_one_resource(render: Render) -> None:
    found = {each["metadata"]["name"]: each["spec"] for each in pools(render("city-three-zones"))}
    assert {name: spec["selector"]["zones"] for name, spec in found.items()} == {name: [name] for name in ("zone-a", "zone-b", "zone-c")}
    assert found["zone-a"]["storage"] == {"size": "200Gi", "storageClassName": "local-nvme"}
    assert found["zone-b"]["template"]["spec"]["nodeSelector"] == {"node.vonglau.vn/recorder": "true", "topology.kubernetes.io/zone": "zone-b"}


def test_pins_reach_the_pool_as_slots_that_the_definition_admits_and_the_operator_reads(render: Render) -> None:
    assert "pins" not in pools(render("laptop"))[0]["spec"]
    (pool,) = pools(render("laptop", {"pools": {"default": {"pins": {17: "ingest-default-1", "4095": "ingest-default-0"}}}}))
    assert pool["spec"]["pins"] == {"17": "ingest-default-1", "4095": "ingest-default-0"}
    assert [f"{error.json_path}: {error.message}" for error in Draft7Validator(SCHEMA).iter_errors(pool)] == []
    assert dict(pool_of(stored(pool)).said.pins) == {17: "ingest-default-1", 4095: "ingest-default-0"}


def test_the_definition_comes_with_the_release_and_outlives_it(render: Render) -> None:
    definition = only(render("laptop"), "CustomResourceDefinition")
    assert definition["metadata"]["name"] == "ingestpools.vonglau.vn"
    assert definition["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


def test_a_changed_pool_restarts_the_operator_and_nothing_else(render: Render) -> None:
    def marks(change: dict[str, Any]) -> dict[str, Any]:
        return {each["metadata"]["name"]: each["spec"]["template"]["metadata"] for each in render("laptop", change) if each["kind"] == "Deployment"}

    before, after = marks({}), marks({"pools": {"default": {"maxPods": 7}}})
    assert {name for name in before if before[name] != after[name]} == {"rel-vonglau-operator"}


def test_the_operator_finds_its_pools_where_they_are_mounted(render: Render) -> None:
    objects = render("laptop")
    (operator,) = [each for each in objects if each["kind"] == "Deployment" and each["metadata"]["name"] == "rel-vonglau-operator"]
    (container,) = operator["spec"]["template"]["spec"]["containers"]
    told = {each["name"]: each.get("value") for each in container["env"]}
    places = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
    assert told["VONGLAU_POOLS_FILE"] == f"{places['pools']}/pools.yaml"
    assert (told["VONGLAU_NAMESPACE"], told["VONGLAU_RELEASE"]) == ("city", "rel")
    assert container["livenessProbe"]["httpGet"]["path"] == "/alive"


def test_the_pods_that_upload_reach_what_ingest_reaches(render: Render) -> None:
    objects = render("one-node")
    labels = upload(pool_of(stored(pools(objects)[0])), 3)["spec"]["template"]["metadata"]["labels"]
    policies = [each for each in objects if each["kind"] == "NetworkPolicy" and selects(each["spec"]["podSelector"], labels)]
    assert sorted(each["metadata"]["name"] for each in policies) == ["rel-vonglau-deny", "rel-vonglau-ingest"]
    services = [each["spec"]["selector"] for each in objects if each["kind"] == "Service"]
    assert not [each for each in services if each.items() <= labels.items()]


def test_the_operator_may_do_what_it_does_and_nothing_more(render: Render) -> None:
    rules = only(render("one-node"), "Role")["rules"]
    allowed = {(resource, verb) for rule in rules for resource in rule["resources"] for verb in rule["verbs"]}
    assert not [each for each in allowed if "*" in each]
    assert not {resource for resource, _ in allowed} & {"secrets", "configmaps", "roles", "rolebindings", "nodes", "serviceaccounts"}
    made = {each["kind"].lower() + "s" for each in children(pool_of(stored(pools(render("one-node"))[0])), 1)} | {"jobs", "ingestpools"}
    assert {resource for resource, verb in allowed if verb == "patch"} - {"ingestpools/status"} == made
    deleting = {resource for resource, verb in allowed if verb == "delete"}
    assert deleting == {name.lower() for name in deleted()}


def deleted() -> Iterator[str]:
    """Resources that the operator's code deletes."""
    known = {"CLAIMS": "persistentvolumeclaims", "JOBS": "jobs", "POOL": "ingestpools"}
    for path in (ROOT / "operators" / "ingest_fleet").glob("*.py"):
        calls = re.findall(r"\.delete\((\w+), ", path.read_text("utf-8"))
        yield from (known[each] for each in calls if each in known)


def selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    plain = selector.get("matchLabels", {}).items() <= labels.items()
    return plain and all(labels.get(each["key"]) in each["values"] for each in selector.get("matchExpressions", ()))


def stored(pool: dict[str, Any]) -> dict[str, Any]:
    return {**pool, "metadata": {**pool["metadata"], "uid": "u", "generation": 1}}
