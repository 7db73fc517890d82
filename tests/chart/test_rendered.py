"""What the chart makes of values: safe pods, closed networks, no secret but by name, and objects that Kubernetes takes."""
from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from services.recording.settings import ArchiveSettings
from vonglau.settings import variables

ROOT = Path(__file__).parents[2]
CHART = ROOT / "helm" / "vonglau"
GOLDEN = Path(__file__).with_name("golden")
EXAMPLES = ("laptop", "one-node", "city-three-zones")
# Kinds of others, whose schemas do not come with Kubernetes.
FOREIGN = {"PrometheusRule", "ServiceMonitor", "PodMonitor", "IngestPool"}
PROGRAMS: dict[str, Any] = yaml.safe_load((CHART / "files" / "services.yaml").read_text("utf-8"))
Render = Callable[..., Any]
Object = dict[str, Any]

pytestmark = pytest.mark.backends

MATRIX: list[tuple[str, dict[str, Any]]] = [
    *((example, {}) for example in EXAMPLES),
    ("one-node", {"networkPolicies": {"enabled": False}}),
    ("one-node", {"tests": {"enabled": False}, "platformAdmins": []}),
    ("one-node", {"priorityClasses": {"create": False, "recording": "high"}}),
    ("one-node", {"image": {"pullSecrets": ["registry"], "digest": "sha256:" + "0" * 64}}),
    ("one-node", {"services": {"registry": {"podAnnotations": {"a": "b"}, "settings": {"VONGLAU_IMPORT_ROWS": 1000000}}}}),
    ("one-node", {"retentionRules": "our-rules", "nats": {"tags": ["sync"]}, "footage": {"prefix": "city-"}}),
    ("laptop", {"development": {"liveCode": True}}),
    ("city-three-zones", {"monitoring": {"scrape": {"kind": "PodMonitor"}}}),
]


@pytest.fixture(params=MATRIX, ids=lambda case: f"{case[0]}-{'-'.join(case[1]) or 'as-it-is'}")
def objects(request: pytest.FixtureRequest, render: Render) -> list[Object]:
    example, change = request.param
    rendered: list[Object] = render(example, change)
    return rendered


@pytest.mark.parametrize("example", EXAMPLES)
def test_helm_lints_it_strictly(helm: Callable[..., subprocess.CompletedProcess[str]], example: str) -> None:
    linted = helm("lint", "--strict", str(CHART), "--values", str(CHART / f"values-{example}.yaml"))
    assert linted.returncode == 0, linted.stdout


@pytest.mark.parametrize("version", ["1.30", "1.33", "1.36"])
def test_kubernetes_takes_every_object(objects: list[Object], version: str) -> None:
    for each in objects:
        if each["kind"] not in FOREIGN:
            kubernetes_validate.validate(each, version, strict=True)


def test_every_pod_keeps_to_the_restricted_standard(objects: list[Object]) -> None:
    pods = list(pod_specs(objects))
    assert pods
    for name, pod in pods:
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in containers(pod):
            assert container["securityContext"]["allowPrivilegeEscalation"] is False, name
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}, name
        assert not {volume for each in pod.get("volumes", ()) for volume in each} - {"name", "secret", "projected", "configMap", "emptyDir"}, name


def test_root_is_read_only(objects: list[Object]) -> None:
    assert {container["securityContext"]["readOnlyRootFilesystem"] for _, pod in pod_specs(objects) for container in containers(pod)} == {True}


def test_code_that_is_changed_in_a_pod_lies_in_a_volume_that_outlives_its_process(render: Render) -> None:
    for name, pod in pod_specs(render("laptop", {"development": {"liveCode": True}, "tests": {"enabled": False}})):
        folders = {mount["mountPath"]: mount["name"] for mount in pod["containers"][0]["volumeMounts"]}
        assert ("/opt/vonglau/app" in folders) == ("emptyDir" in str([each for each in pod["volumes"] if each["name"] == "code"])), name
        assert ("/opt/vonglau/app" in folders) == (name not in ("rel-vonglau-streams", "rel-vonglau-uninstall")), name


def test_only_the_operator_gets_a_token_of_the_cluster_and_the_job_that_ends_its_pools(objects: list[Object]) -> None:
    trusted = {name: pod["serviceAccountName"] for name, pod in pod_specs(objects) if pod["automountServiceAccountToken"]}
    assert trusted == {"rel-vonglau-operator": "rel-vonglau-operator", "rel-vonglau-uninstall": "rel-vonglau-operator"}
    assert all(each["automountServiceAccountToken"] is False for each in objects if each["kind"] == "ServiceAccount")


def test_every_container_has_requests_and_a_bound_on_memory(objects: list[Object]) -> None:
    for name, pod in pod_specs(objects):
        for container in containers(pod):
            assert container["resources"]["requests"].keys() >= {"cpu", "memory"}, name
            assert "memory" in container["resources"]["limits"], name


@pytest.mark.parametrize(("program", "roles"), [("ingest", {"ingest"}), ("recording", {"recording"}), ("retention", {"retention"})])
def test_a_service_goes_to_the_footage_store_in_its_own_role(render: Render, program: str, roles: set[str]) -> None:
    pods = {"ingest" if name == "default" else name.removeprefix("rel-vonglau-"): pod for name, pod in pod_specs(render("one-node"))}
    assert {key.split(".")[0] for key in mounted(pods[program]) if key.endswith(".access-key")} == roles


def test_the_key_of_archives_is_where_they_are_signed_and_elsewhere_only_its_public_half(render: Render) -> None:
    held = {name.removeprefix("rel-vonglau-"): {key for key in mounted(pod) if key.startswith("archive.")} for name, pod in pod_specs(render("one-node"))}
    assert {name: keys for name, keys in held.items() if keys} == {"retention": {"archive.key", "archive.pub"}, "recording": {"archive.pub"}}


def test_who_signs_archives_finds_the_public_half_beside_the_key(render: Render) -> None:
    rendered = render("one-node")
    (pod,) = [pod for name, pod in pod_specs(rendered) if name == "rel-vonglau-retention"]
    (volume,) = [each for each in pod["volumes"] if each.get("secret", {}).get("secretName") == "vonglau-archive-key"]
    (folder,) = [each["mountPath"] for each in pod["containers"][0]["volumeMounts"] if each["name"] == volume["name"]]
    assert {each["path"] for each in volume["secret"]["items"]} == {"archive.key", "archive.pub"}
    assert environment(rendered, "retention")["VONGLAU_ARCHIVE_KEY_FILE"] == f"{folder}/archive.key"


def test_all_who_use_footage_are_told_the_same_of_it_and_nobody_else_is(render: Render) -> None:
    def told(change: dict[str, Any]) -> dict[str, dict[str, str]]:
        """Program -> what it is told of prefix and sessions."""
        found = {name: pod["containers"][0].get("env", ()) for name, pod in pod_specs(render("one-node", change))}
        halves = ("VONGLAU_FOOTAGE_PREFIX", "VONGLAU_FOOTAGE_SESSIONS")
        kept = {name: {each["name"]: each["value"] for each in environment if each["name"] in halves} for name, environment in found.items()}
        return {"ingest" if name == "default" else name.removeprefix("rel-vonglau-"): its for name, its in kept.items() if its}

    users = [name for name, program in PROGRAMS.items() if "footage" in program["uses"]]
    assert told({}) == {name: {"VONGLAU_FOOTAGE_SESSIONS": "none"} for name in users}
    both = {"VONGLAU_FOOTAGE_PREFIX": "city-", "VONGLAU_FOOTAGE_SESSIONS": "owner"}
    assert told({"footage": {"prefix": "city-", "sessions": "owner"}}) == dict.fromkeys(users, both)


def test_rules_of_retention_come_from_a_file_that_retention_alone_has(render: Render) -> None:
    assert "VONGLAU_RETENTION_RULES" not in environment(render("one-node"), "retention")
    rendered = render("one-node", {"retentionRules": "our-rules"})
    pods = dict(pod_specs(rendered))
    assert [name for name, pod in pods.items() if "our-rules" in str(pod)] == ["rel-vonglau-retention"]
    pod = pods["rel-vonglau-retention"]
    (volume,) = [each for each in pod["volumes"] if each.get("configMap", {}).get("name") == "our-rules"]
    (mount,) = [each for each in pod["containers"][0]["volumeMounts"] if each["name"] == volume["name"]]
    assert volume["configMap"]["items"] == [{"key": "rules.json", "path": "rules.json"}]
    assert mount["readOnly"] is True
    assert environment(rendered, "retention")["VONGLAU_RETENTION_RULES"] == f"{mount['mountPath']}/rules.json" == "/etc/vonglau/retention-rules/rules.json"


def test_where_streams_lie_is_told_to_the_job_that_declares_them_and_to_nobody_else(render: Render) -> None:
    def told(change: dict[str, Any]) -> dict[str, str]:
        pods = pod_specs(render("one-node", change))
        return {name: each["value"] for name, pod in pods for each in pod["containers"][0].get("env", ()) if each["name"] == "VONGLAU_STREAM_TAGS"}

    assert told({}) == {}
    assert told({"nats": {"tags": ["sync", "nvme"]}}) == {"rel-vonglau-streams": "sync,nvme"}


def test_the_chart_makes_no_secret_and_shows_none(objects: list[Object]) -> None:
    assert [each for each in objects if each["kind"] == "Secret"] == []
    for name, pod in pod_specs(objects):
        plain = [each["name"] for container in containers(pod) for each in container.get("env", ()) if "value" in each]
        assert [each for each in plain if each.endswith(("PASSWORD", "SECRET_KEY", "ACCESS_KEY", "HEADERS"))] == [], name


def test_a_service_sees_no_other_services_credentials(render: Render) -> None:
    for name, pod in pod_specs(render("one-node")):
        foreign = PROGRAMS.keys() - {"ingest" if name == "default" else name.removeprefix("rel-vonglau-")}
        assert [key for key in mounted(pod) if key.split(".")[0] in foreign] == []


def test_every_pod_ends_within_its_period(objects: list[Object]) -> None:
    for name, pod in pod_specs(objects):
        for container in containers(pod):
            grace = [float(each["value"]) for each in container.get("env", ()) if each["name"] == "VONGLAU_GRACE_S"]
            waits = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
            assert all(0 < seconds + waits < pod["terminationGracePeriodSeconds"] for seconds in grace), name


def test_readiness_is_asked_of_the_service_and_life_only_of_its_port(objects: list[Object]) -> None:
    asked = set()
    for each in objects:
        if each["kind"] in ("Deployment", "IngestPool") and component(each) != "operator":
            (container,) = each["spec"]["template"]["spec"]["containers"]
            assert container["readinessProbe"]["grpc"] == {"port": 7071}
            assert container["startupProbe"]["tcpSocket"] == container["livenessProbe"]["tcpSocket"] == {"port": "health"}  # the log's absence kills no pod
            assert {"name": "health", "containerPort": 7071} in container["ports"]
            assert {"name": "VONGLAU_HEALTH_LISTEN", "value": "0.0.0.0:7071"} in container["env"]
            asked.add(component(each))
    assert asked == {"registry", "ingest", "recording", "retention"}


def test_who_serves_only_health_listens_for_nothing_else(render: Render) -> None:
    rendered = render("one-node")
    (pod,) = [pod for name, pod in pod_specs(rendered) if name == "rel-vonglau-retention"]
    assert [each["name"] for each in pod["containers"][0]["ports"]] == ["health"]
    assert "VONGLAU_LISTEN" not in environment(rendered, "retention")
    assert "retention" not in {component(each) for each in rendered if each["kind"] == "Service"}


def test_pods_of_a_service_are_spread_over_zones_and_hosts_and_taken_one_at_a_time(objects: list[Object]) -> None:
    deployments = [each for each in objects if each["kind"] == "Deployment"]
    budgets = {component(each): each["spec"]["maxUnavailable"] for each in objects if each["kind"] == "PodDisruptionBudget"}
    for each in deployments:
        keys = [spread["topologyKey"] for spread in each["spec"]["template"]["spec"]["topologySpreadConstraints"]]
        assert sorted(keys) == ["kubernetes.io/hostname", "topology.kubernetes.io/zone"]
        assert budgets[component(each)] == 1


def test_the_operator_is_alone_and_the_others_are_replaced_without_a_gap(render: Render) -> None:
    strategies = {component(each): each["spec"]["strategy"] for each in render("city-three-zones") if each["kind"] == "Deployment"}
    assert strategies["operator"] == {"type": "Recreate"}
    others = {name: strategy["rollingUpdate"] for name, strategy in strategies.items() if name != "operator"}
    assert others == {name: {"maxUnavailable": 0, "maxSurge": 1} for name in ("registry", "recording", "retention")}


def test_streams_are_reconciled_before_everything_else_and_again_before_every_upgrade(render: Render) -> None:
    (job,) = [each for each in render("city-three-zones") if each["kind"] == "Job" and component(each) == "streams"]
    assert job["metadata"]["annotations"]["helm.sh/hook"].startswith("pre-install,pre-upgrade")
    assert job["spec"]["template"]["spec"]["containers"][0]["args"] == ["vonglau.broker.reconcile"]
    assert "priorityClassName" not in job["spec"]["template"]["spec"]  # the release's own class is not there yet


def test_pools_are_emptied_before_anything_is_taken_away_and_a_failure_is_shown_by_helm(render: Render) -> None:
    (job,) = [each for each in render("one-node", {"uninstall": {"withinSeconds": 500}}) if each["kind"] == "Job" and component(each) == "uninstall"]
    marks = job["metadata"]["annotations"]
    assert (marks["helm.sh/hook"], marks["helm.sh/hook-output-log-policy"]) == ("pre-delete", "hook-failed")
    assert "hook-failed" not in marks["helm.sh/hook-delete-policy"]  # it stays, with its words, to be looked at
    pod = job["spec"]["template"]["spec"]
    told = {each["name"]: each["value"] for each in pod["containers"][0]["env"]}
    assert pod["containers"][0]["args"] == ["operators.ingest_fleet.uninstall"]
    assert told["VONGLAU_UNINSTALL_WITHIN_S"] == "500"
    assert "VONGLAU_POOLS_FILE" not in told  # it declares no pool anew
    assert [each["secret"]["secretName"] for each in pod["volumes"] if each["name"] == "tls"] == ["vonglau-operator-tls"]  # it calls ingest as the operator
    assert (job["spec"]["backoffLimit"], job["spec"]["activeDeadlineSeconds"]) == (0, 545)  # it speaks before it is cut off


def test_what_is_set_for_a_service_reaches_it_as_it_was_written(render: Render) -> None:
    settings = {"registry": {"settings": {"VONGLAU_IMPORT_ROWS": 1000000}}, "recording": {"settings": {"VONGLAU_GAP_WATCH_EVERY_S": 1.5}}}
    rendered = render("one-node", {"services": settings})
    assert environment(rendered, "registry")["VONGLAU_IMPORT_ROWS"] == "1000000"
    assert environment(rendered, "recording")["VONGLAU_GAP_WATCH_EVERY_S"] == "1.5"


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"footage": {"url": "https://s3.elsewhere.example"}}, "footage.url: s3.elsewhere.example"),
        ({"documents": {"url": "mongodb://mongodb.vonglau-backends.svc:27017,far.example:27017/?tls=true"}}, "documents.url: far.example"),
        ({"nats": {"urls": ["tls://nats.vonglau-backends.svc:4222", "tls://nats.example:4222"]}}, "nats.urls[1]: nats.example"),
        ({"residency": {"allowedHosts": ["site.example", "*.other.example"]}}, "nats.urls[0]: nats.vonglau-backends.svc"),
        ({"services": {"retention": {"settings": {"VONGLAU_ARCHIVE_EVERY_S": 60}}}}, "services.recording.settings.VONGLAU_ARCHIVE_EVERY_S: not what"),
        ({"footage": {"url": "https://evilsite.example"}}, "footage.url: evilsite.example"),
        ({"pools": {"default": {"minPods": 9, "maxPods": 2}}}, "pools.default.minPods: 9"),
        ({"pools": {"second": {"selector": {}, "camerasPerPod": 1, "bitrateMbpsPerPod": 1, "minPods": 1, "maxPods": 1, "headroomPercent": 0,
                               "scaleDownAfterSeconds": 0, "spool": {"size": "1Gi"}}}}, "pools.second.selector: it selects the same cameras as pools.default"),
        ({"services": {"registry": {"settings": {"VONGLAU_LEASE_TTL_S": 300}}}}, "services.registry.settings.VONGLAU_LEASE_TTL_S"),
        ({"platformAdmins": ["somebody"]}, "tests.person: platform"),
        ({"development": {"liveCode": True}}, "development.liveCode"),
        ({"nats": {"replicas": 2}}, "'/nats/replicas'"),
        ({"tennant": "x"}, "tennant"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_values_that_cannot_be_right_together_are_refused_with_their_path(render: Render, change: dict[str, Any], path: str) -> None:
    assert path in render("one-node", change, refused=True)


SHARED = {each.name: each.default for each in variables(ArchiveSettings) if each.name in ("VONGLAU_ARCHIVE_EVERY_S", "VONGLAU_ARCHIVE_GRACE_S")}


@pytest.mark.parametrize("program", ["recording", "retention"])
@pytest.mark.parametrize("name", SHARED)
def test_who_is_not_told_when_archives_are_due_works_by_the_default_and_agrees_with_who_is_told_that(render: Render, name: str, program: str) -> None:
    def told(value: float) -> dict[str, Any]:
        return {"services": {program: {"settings": {name: value}}}}

    for default in (int(SHARED[name]), float(SHARED[name])):
        assert float(environment(render("one-node", told(default)), program)[name]) == default
    for other in (0 if name.endswith("GRACE_S") else 1, SHARED[name] + 1):
        assert f"services.recording.settings.{name}: not what" in render("one-node", told(other), refused=True)


@pytest.mark.parametrize("example", EXAMPLES)
def test_what_an_example_makes_changes_only_on_purpose(render: Render, example: str) -> None:
    """Update with VONGLAU_UPDATE_GOLDEN=1 and read the difference."""
    text = yaml.safe_dump_all((shortened(each) for each in sorted(render(example), key=identity)), sort_keys=True, width=160)
    path = GOLDEN / f"{example}.yaml"
    if os.environ.get("VONGLAU_UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8")


def shortened(each: Object) -> Object:
    """Texts of files by their digest: they are looked at where they stand."""
    if each["kind"] == "ConfigMap":
        each["data"] = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in each["data"].items()}
    return each


def identity(each: Object) -> tuple[str, str]:
    return each["kind"], each["metadata"]["name"]


def component(each: Object) -> str:
    return str(each["metadata"]["labels"]["app.kubernetes.io/component"])


def mounted(pod: Object) -> list[str]:
    """Keys of Secrets, and those that an environment takes."""
    volumes = [each.get("secret") or source.get("secret", {}) for each in pod.get("volumes", ()) for source in each.get("projected", {}).get("sources", [{}])]
    told = [each.get("valueFrom", {}) for container in containers(pod) for each in container.get("env", ())]
    return [item["key"] for each in volumes for item in each.get("items", ())] + [each["secretKeyRef"]["key"] for each in told if "secretKeyRef" in each]


def environment(objects: list[Object], service: str) -> dict[str, str]:
    (found,) = [each for each in objects if each["kind"] == "Deployment" and component(each) == service]
    return {each["name"]: each.get("value", "") for each in found["spec"]["template"]["spec"]["containers"][0]["env"]}


def pod_specs(objects: list[Object]) -> Iterator[tuple[str, Object]]:
    """Of every pod that comes of these objects, those of pools too."""
    for each in objects:
        if each["kind"] == "Pod":
            yield each["metadata"]["name"], each["spec"]
        elif each["kind"] in ("Deployment", "Job", "IngestPool"):
            yield each["metadata"]["name"], each["spec"]["template"]["spec"]


def containers(pod: Object) -> list[Object]:
    return [*pod.get("initContainers", ()), *pod["containers"]]
