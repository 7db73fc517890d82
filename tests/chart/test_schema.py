"""Every value is known to the schema; whatever is missing, misspelt or contradicts itself is refused, and the refusal says where."""
from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from services.ingest.slots import SLOTS
from vonglau.settings import PlatformSettings, variables
from vonglau.settings.platform import PREFIX

ROOT = Path(__file__).parents[2]
CHART = ROOT / "helm" / "vonglau"
EXAMPLES = ("laptop", "one-node", "city-three-zones")
PROGRAMS: dict[str, Any] = yaml.safe_load((CHART / "files" / "services.yaml").read_text("utf-8"))
WITH_SETTINGS = [name for name, program in PROGRAMS.items() if program["kind"] != "Job"]
Values = Callable[..., dict[str, Any]]

# Example, what is changed in it, where the refusal points.
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("one-node", {"tenant": ""}, "tenant"),
    ("one-node", {"tenant": "Ward One"}, "tenant"),
    ("one-node", {"tennant": "x"}, ""),
    ("one-node", {"image": {"repository": ""}}, "image/repository"),
    ("one-node", {"image": {"tag": "latest"}}, "image/tag"),
    ("one-node", {"image": {"digest": "sha256:12"}}, "image/digest"),
    ("one-node", {"log": {"level": "chatty"}}, "log/level"),
    ("one-node", {"residency": {"allowedHosts": []}}, "residency/allowedHosts"),
    ("one-node", {"residency": {"allowedHosts": ["*"]}}, "residency/allowedHosts/0"),
    ("one-node", {"residency": {"allowedHosts": ["*.example"]}}, "residency/allowedHosts/0"),
    ("one-node", {"nats": {"urls": []}}, "nats/urls"),
    ("one-node", {"nats": {"urls": ["nats://nats.site.example:4222"]}}, "nats/urls/0"),
    ("one-node", {"nats": {"urls": ["tls://user:word@nats.site.example:4222"]}}, "nats/urls/0"),
    ("one-node", {"nats": {"replicas": 2}}, "nats/replicas"),
    ("one-node", {"documents": {"url": "mongodb://user:word@mongo.site.example/?tls=true"}}, "documents/url"),
    ("one-node", {"documents": {"url": "mongodb://mongo.site.example:27017/"}}, "documents/url"),
    ("one-node", {"footage": {"url": "http://minio.site.example:9000"}}, "footage/url"),
    ("one-node", {"footage": {"url": "https://key:word@minio.site.example"}}, "footage/url"),
    ("one-node", {"footage": {"prefix": "City"}}, "footage/prefix"),
    ("one-node", {"footage": {"prefix": "a" * 15}}, "footage/prefix"),
    ("one-node", {"footage": {"sessions": "camera"}}, "footage/sessions"),
    ("one-node", {"nats": {"tags": ["sync,nvme"]}}, "nats/tags/0"),
    ("one-node", {"nats": {"tags": "sync"}}, "nats/tags"),
    ("one-node", {"retentionRules": "Rules"}, "retentionRules"),
    ("one-node", {"telemetry": {"endpoint": "http://otlp.site.example:4317"}}, "telemetry/endpoint"),
    ("one-node", {"telemetry": {"endpoint": "https://otlp.site.example:4317"}}, "networkPolicies/telemetry/to"),
    ("one-node", {"telemetry": {"headersSecret": "headers"}}, "telemetry/headersSecret"),
    ("one-node", {"secrets": {"wrappingKey": ""}}, "secrets/wrappingKey"),
    ("one-node", {"secrets": {"footage": None}}, "secrets"),
    ("one-node", {"secrets": {"nats": ""}}, "secrets/nats"),
    ("one-node", {"secrets": {"tls": {"ingest": ""}}}, "secrets/tls/ingest"),
    ("one-node", {"secrets": {"tls": {"test": ""}}}, "secrets/tls/test"),
    ("laptop", {"nats": {"privateAuthority": True}}, "secrets/nats"),
    ("one-node", {"pools": {"a-name-that-is-longer-than-28-letters": {}}}, "pools"),
    ("one-node", {"pools": {"default": {"scaleDownAfterSeconds": -1}}}, "pools/default/scaleDownAfterSeconds"),
    ("laptop", {"secrets": {"tls": {"ingest": "a-certificate"}}}, "secrets/tls/ingest"),
    ("laptop", {"nats": {"urls": ["tls://nats.vonglau-backends.svc:4222"]}}, "nats/urls/0"),
    ("one-node", {"services": {"registry": {"replicas": 0}}}, "services/registry/replicas"),
    ("one-node", {"services": {"operator": {"replicas": 2}}}, "services/operator/replicas"),
    ("one-node", {"services": {"ingest": {"replicas": 2}}}, "services/ingest"),
    ("one-node", {"services": {"analytics": {}}}, "services"),
    ("one-node", {"services": {"registry": {"gracePeriodSeconds": 1}}}, "services/registry/gracePeriodSeconds"),
    ("one-node", {"services": {"registry": {"resources": {"limits": {"memory": None}}}}}, "services/registry/resources/limits"),
    ("one-node", {"services": {"registry": {"resources": {"requests": {"memory": "lots"}}}}}, "services/registry/resources/requests/memory"),
    ("one-node", {"services": {"registry": {"settings": {"VONGLAU_NATS_URL": "nats://elsewhere:4222"}}}}, "services/registry/settings"),
    ("one-node", {"services": {"registry": {"settings": {"VONGLAU_SEGMENT_S": 10}}}}, "services/registry/settings"),
    ("one-node", {"services": {"ingest": {"settings": {"VONGLAU_SEGMENT_S": "ten"}}}}, "services/ingest/settings/VONGLAU_SEGMENT_S"),
    ("one-node", {"services": {"ingest": {"settings": {"VONGLAU_SEGMENT_S": 0}}}}, "services/ingest/settings/VONGLAU_SEGMENT_S"),
    ("one-node", {"pools": {"default": None}}, "pools"),
    ("one-node", {"pools": {"default": {"selector": {"districts": ["one"]}}}}, "pools/default/selector"),
    ("one-node", {"pools": {"default": {"selector": {"owners": ["Ward One"]}}}}, "pools/default/selector/owners/0"),
    ("one-node", {"pools": {"default": {"camerasPerPod": 0}}}, "pools/default/camerasPerPod"),
    ("one-node", {"pools": {"default": {"spool": {"size": "50"}}}}, "pools/default/spool/size"),
    ("one-node", {"pools": {"default": {"pins": {"4096": "ingest-default-0"}}}}, "pools/default/pins"),
    ("one-node", {"pools": {"default": {"pins": {"07": "ingest-default-0"}}}}, "pools/default/pins"),
    ("one-node", {"pools": {"default": {"pins": {"7": "Ingest 0"}}}}, "pools/default/pins/7"),
    ("one-node", {"pools": {"default": {"pins": {str(slot): "ingest-default-0" for slot in range(257)}}}}, "pools/default/pins"),
    ("one-node", {"topology": {"zone": "Maybe"}}, "topology/zone"),
    ("one-node", {"priorityClasses": {"recording": "system-node-critical"}}, "priorityClasses/recording"),
    ("one-node", {"networkPolicies": {"nats": {"to": []}}}, "networkPolicies/nats/to"),
    ("one-node", {"networkPolicies": {"cameras": {"cidrs": []}}}, "networkPolicies/cameras/cidrs"),
    ("one-node", {"networkPolicies": {"cameras": {"cidrs": ["0.0.0.0/0"]}}}, "networkPolicies/cameras/cidrs/0"),
    ("one-node", {"networkPolicies": {"nats": {"to": [{"ipBlock": {"cidr": "::/0"}}]}}}, "networkPolicies/nats/to/0/ipBlock/cidr"),
    ("one-node", {"networkPolicies": {"nats": {"to": [{}]}}}, "networkPolicies/nats/to/0"),
    ("one-node", {"networkPolicies": {"nats": {"to": [{"namespaceSelector": {}}]}}}, "networkPolicies/nats/to/0/namespaceSelector"),
    ("one-node", {"networkPolicies": {"kubernetes": {"cidrs": []}}}, "networkPolicies/kubernetes/cidrs"),
    ("one-node", {"monitoring": {"rules": {"enabled": True}}}, "monitoring/runbooks"),
    ("one-node", {"monitoring": {"scrape": {"kind": "PodMonitor"}}}, "monitoring/scrape/collector/namespace"),
    ("one-node", {"monitoring": {"objectives": {"availability": 100}}}, "monitoring/objectives/availability"),
    ("one-node", {"tests": {"camera": {"image": {"repository": ""}}}}, "tests/camera/image/repository"),
    ("one-node", {"tests": {"camera": {"url": "rtsp://user:word@192.168.20.5/1"}}}, "tests/camera/url"),
]


@pytest.fixture(scope="session")
def validator(schema: dict[str, Any]) -> Draft7Validator:
    return Draft7Validator(schema)


@pytest.mark.parametrize("example", EXAMPLES)
def test_each_example_is_accepted(validator: Draft7Validator, values: Values, example: str) -> None:
    assert [f"{each.json_path}: {each.message}" for each in validator.iter_errors(values(example))] == []


@pytest.mark.parametrize(("example", "change", "path"), REFUSED, ids=[f"{index}-{path or 'top'}" for index, (_, _, path) in enumerate(REFUSED)])
def test_what_is_missing_misspelt_or_contradictory_is_refused_where_it_stands(
    validator: Draft7Validator, values: Values, example: str, change: dict[str, Any], path: str
) -> None:
    assert path in places(validator, values(example, change))


def test_defaults_alone_name_everything_that_only_the_installation_can_know(validator: Draft7Validator) -> None:
    defaults = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
    asked = {"tenant", "image/repository", "residency/allowedHosts", "nats/urls", "documents/url", "footage/url", "secrets/wrappingKey"}
    assert asked <= places(validator, defaults)


def test_the_schema_is_itself_right(schema: dict[str, Any]) -> None:
    Draft7Validator.check_schema(schema)


def test_no_object_takes_keys_that_nobody_knows(schema: dict[str, Any]) -> None:
    open_ones = [path for path, node in objects(schema) if "additionalProperties" not in node and path != "properties/global"]
    assert open_ones == []


def test_every_default_stands_in_the_schema(schema: dict[str, Any]) -> None:
    generate = generator()
    defaults = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
    unsaid = [path for path, _ in generate.leaves(defaults) if not generate.meaning(schema, path)]
    assert unsaid == []


def test_schema_and_readme_are_what_the_generator_writes() -> None:
    checked = subprocess.run([sys.executable, str(ROOT / "helm" / "generate.py"), "--check"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


def test_the_readme_begins_with_what_an_installation_runs() -> None:
    begins = (CHART / "README.md").read_text("utf-8").partition("##")[0]
    assert [name for name in WITH_SETTINGS if not re.search(rf"\b{name}\b", begins)] == []


@pytest.mark.parametrize("service", WITH_SETTINGS)
def test_a_service_can_be_told_each_of_its_settings_by_the_chart_or_by_values(schema: dict[str, Any], service: str) -> None:
    generate = generator()
    read = {each.name for each in generate.settings_of(PROGRAMS[service]["run"])}
    assert read
    taken = schema["properties"]["services"]["properties"][service]["properties"]["settings"]["properties"].keys()
    assert taken | generate.TOLD_BY_THE_CHART >= read
    assert taken & generate.TOLD_BY_THE_CHART == set()
    assert taken <= read


@pytest.mark.parametrize("service", PROGRAMS)
@pytest.mark.parametrize("name", ["VONGLAU_FOOTAGE_PREFIX", "VONGLAU_FOOTAGE_SESSIONS", "VONGLAU_RETENTION_RULES"])
def test_what_all_who_use_footage_have_to_agree_on_and_what_needs_a_file_is_no_setting_of_one_service(
    validator: Draft7Validator, values: Values, service: str, name: str
) -> None:
    assert f"services/{service}/settings" in places(validator, values("one-node", {"services": {service: {"settings": {name: "owner"}}}}))


def test_a_pin_is_what_the_definition_of_pools_admits(schema: dict[str, Any]) -> None:
    definition = yaml.safe_load((CHART / "files" / "ingestpools.vonglau.vn.yaml").read_text("utf-8"))
    defined = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["pins"]
    taken = schema["properties"]["pools"]["additionalProperties"]["properties"]["pins"]
    assert taken["maxProperties"] == defined["maxProperties"]
    assert schema["definitions"]["id"]["pattern"] == defined["additionalProperties"]["pattern"]
    slots = [each for each in (*map(str, range(5000)), "-1", "00", "1.0", "x", "") if re.search(taken["propertyNames"]["pattern"], each)]
    assert slots == [str(each) for each in range(SLOTS)]


def test_what_footage_may_be_is_what_the_settings_admit(schema: dict[str, Any]) -> None:
    footage = schema["properties"]["footage"]["properties"]
    assert footage["prefix"]["pattern"] == f"^{PREFIX.pattern}$"
    assert [footage["sessions"]["enum"]] == [list(each.choices) for each in variables(PlatformSettings) if each.name == "VONGLAU_FOOTAGE_SESSIONS"]


def places(validator: Draft7Validator, given: dict[str, Any]) -> set[str]:
    """Where the values are refused, innermost causes of alternatives too."""

    def within(errors: Any) -> Iterator[str]:
        for error in errors:
            yield "/".join(str(part) for part in error.absolute_path)
            yield from within(error.context or ())

    return set(within(validator.iter_errors(given)))


def objects(node: Any, path: str = "", *, conditional: bool = False) -> Iterator[tuple[str, dict[str, Any]]]:
    """Schemas of objects, but for those that only add a condition to one declared elsewhere."""
    if isinstance(node, list):
        for index, each in enumerate(node):
            yield from objects(each, f"{path}/{index}", conditional=conditional)
    elif isinstance(node, dict):
        if node.get("type") == "object" and not conditional:
            yield path, node
        for name, inner in node.items():
            yield from objects(inner, f"{path}/{name}".strip("/"), conditional=conditional or name in ("if", "then", "else", "allOf", "not"))


def generator() -> Any:
    spec = importlib.util.spec_from_file_location("helm_generate", ROOT / "helm" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
