"""Deny by default: who can reach whom is what the services say they use and call, and nothing else. Enforcing it is the cluster's."""
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

PROGRAMS: dict[str, Any] = yaml.safe_load((Path(__file__).parents[2] / "helm" / "vonglau" / "files" / "services.yaml").read_text("utf-8"))
Render = Callable[..., Any]
pytestmark = pytest.mark.backends


@pytest.fixture
def policies(render: Render) -> dict[str, Any]:
    return named(render("city-three-zones"))


def named(objects: list[dict[str, Any]]) -> dict[str, Any]:
    return {each["metadata"]["name"].removeprefix("rel-vonglau-"): each["spec"] for each in objects if each["kind"] == "NetworkPolicy"}


def outward(policy: dict[str, Any]) -> dict[int, list[dict[str, Any]]]:
    """Port -> peers."""
    return {port["port"]: rule["to"] for rule in policy["egress"] for port in rule["ports"]}


def callers(policy: dict[str, Any]) -> set[str]:
    peers = [peer for rule in policy.get("ingress", ()) for peer in rule["from"]]
    return {peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"] for peer in peers if "podSelector" in peer}


def test_every_pod_of_the_release_is_closed_both_ways(policies: dict[str, Any]) -> None:
    deny = policies["deny"]
    assert deny["podSelector"]["matchLabels"] == {"app.kubernetes.io/name": "vonglau", "app.kubernetes.io/instance": "rel"}
    assert deny["policyTypes"] == ["Ingress", "Egress"]
    assert not deny.keys() & {"ingress", "egress"}


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_reaches_what_it_uses_and_nothing_else(policies: dict[str, Any], program: str) -> None:
    ports = {"nats": 4222, "documents": 27017, "footage": 443, "telemetry": 4317, "kubernetes": 6443, "cameras": 554}
    wanted = {53} | {ports[use] for use in PROGRAMS[program]["uses"] if use in ports} | ({7070} if PROGRAMS[program]["calls"] else set())
    opened = outward(policies[program]).keys() - ({8554} if "cameras" in PROGRAMS[program]["uses"] else set())  # the camera of `helm test`
    assert opened == wanted


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_service_is_called_by_those_who_say_that_they_call_it(policies: dict[str, Any], program: str) -> None:
    wanted = {caller for caller, its in PROGRAMS.items() if program in its["calls"]}
    assert callers(policies[program]) - {"test"} == wanted
    assert ("test" in callers(policies[program])) == PROGRAMS[program]["serves"]


def test_clients_from_outside_reach_the_services_only_from_where_they_may(policies: dict[str, Any]) -> None:
    outside = {"namespaceSelector": {"matchLabels": {"vonglau.vn/may-call": "true"}}}
    reached = {name for name, policy in policies.items() for rule in policy.get("ingress", ()) if outside in rule["from"]}
    assert reached == {"registry", "ingest", "recording"}


def test_only_ingest_reaches_the_cameras(policies: dict[str, Any]) -> None:
    cameras = {"ipBlock": {"cidr": "10.64.0.0/10"}}
    assert {name for name, policy in policies.items() if any(cameras in rule["to"] for rule in policy.get("egress", ()))} == {"ingest"}


def test_no_rule_opens_to_everybody(policies: dict[str, Any]) -> None:
    rules = [rule for policy in policies.values() for rule in [*policy.get("ingress", ()), *policy.get("egress", ())]]
    assert all(rule.get("ports") for rule in rules)
    assert all(rule.get("from") or rule.get("to") for rule in rules)


def test_a_cluster_that_closes_networks_otherwise_gets_no_policies(render: Render) -> None:
    assert named(render("city-three-zones", {"networkPolicies": {"enabled": False}})) == {}


def test_without_tests_nothing_is_opened_for_them(render: Render) -> None:
    without = named(render("city-three-zones", {"tests": {"enabled": False}}))
    assert "test" not in without
    assert 8554 not in outward(without["ingest"])
