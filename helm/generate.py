"""Writes what the chart says of the code: values.schema.json from schema.yaml and the services' settings, and the README's table of values.

`python helm/generate.py [--check]`; with --check nothing is written, and the exit code is 1 where something would be.
"""
from __future__ import annotations

import importlib
import inspect
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import MISSING, is_dataclass
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft7Validator

from vonglau.settings import Variable, variables

ROOT = Path(__file__).parents[1]
CHART = ROOT / "helm" / "vonglau"
BEGIN, END = "<!-- values: written by helm/generate.py -->", "<!-- end of values -->"
TYPES = {str: "string", int: "integer", float: "number", bool: "boolean", Path: "string", tuple: "string"}

# The chart tells these itself, from values that say more than a variable could, and nobody can set them beside it.
TOLD_BY_THE_CHART = frozenset({
    "VONGLAU_NATS_URL", "VONGLAU_LISTEN", "VONGLAU_RUN_DIR", "VONGLAU_DATA_DIR", "VONGLAU_FOOTAGE_DIR", "VONGLAU_IDENTITY_DIR",
    "VONGLAU_SECRETS_KEY_FILE", "VONGLAU_TENANT", "VONGLAU_PLATFORM_ADMINS", "VONGLAU_REGISTRY_ADDRESS", "VONGLAU_INGEST_ADDRESS",
    "VONGLAU_RECORDING_ADDRESS", "VONGLAU_GRACE_S", "VONGLAU_LOG_FORMAT", "VONGLAU_LOG_LEVEL", "VONGLAU_NODE", "VONGLAU_POOL",
    "VONGLAU_SPOOL_DIR", "VONGLAU_SPOOL_LIMIT_BYTES", "VONGLAU_ARCHIVE_KEY_FILE", "VONGLAU_ARCHIVE_PUBLIC_KEY_FILE", "VONGLAU_TLS_DIR",
    "VONGLAU_HEALTH_LISTEN", "VONGLAU_ADVERTISE", "VONGLAU_NAMESPACE", "VONGLAU_KUBECONFIG", "VONGLAU_POOLS_FILE", "VONGLAU_RELEASE",
    "VONGLAU_UNINSTALL_WITHIN_S", "VONGLAU_STREAMS_GB",
    "VONGLAU_NATS_SEED_FILE", "VONGLAU_NATS_CA_FILE", "VONGLAU_STREAMS", "VONGLAU_DOCUMENTS", "VONGLAU_DOCUMENTS_CREDENTIALS", "VONGLAU_FOOTAGE",
    "VONGLAU_FOOTAGE_CREDENTIALS", "VONGLAU_FOOTAGE_REGION", "VONGLAU_FOOTAGE_PREFIX", "VONGLAU_FOOTAGE_SESSIONS", "VONGLAU_ALLOWED_HOSTS",
    "VONGLAU_RETENTION_RULES",
})


def programs() -> dict[str, Any]:
    """files/services.yaml: name -> what it runs, uses and calls."""
    found: dict[str, Any] = yaml.safe_load((CHART / "files" / "services.yaml").read_text("utf-8"))
    return found


def settings_of(module: str) -> list[Variable]:
    """What the program reads of its environment; none where it has no settings of its own."""
    if not list(ROOT.glob(f"{module.replace('.', '/')}/settings.py")):
        return []
    settings = importlib.import_module(f"{module}.settings")
    classes = [each for _, each in inspect.getmembers(settings, inspect.isclass) if is_dataclass(each) and each.__module__ == settings.__name__]
    return list(variables(max(classes, key=lambda each: len(list(variables(each))))))


def schema() -> dict[str, Any]:
    written: dict[str, Any] = yaml.safe_load((ROOT / "helm" / "schema.yaml").read_text("utf-8"))
    written["properties"]["services"]["properties"] = {name: service(name, program) for name, program in programs().items()}
    return written


def service(name: str, program: dict[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "gracePeriodSeconds": {"$ref": "#/definitions/gracePeriodSeconds"},
        "resources": {"$ref": "#/definitions/resources"},
        "nodeSelector": {"$ref": "#/definitions/strings"},
        "tolerations": {"$ref": "#/definitions/tolerations"},
        "podAnnotations": {"$ref": "#/definitions/strings"},
        "settings": {
            "description": f"what {name} can be told beside what the chart tells it",
            "type": "object",
            "additionalProperties": False,
            "properties": {each.name: setting(each) for each in settings_of(program["run"]) if each.name not in TOLD_BY_THE_CHART},
        },
    }
    required = ["gracePeriodSeconds", "resources"]
    if program["kind"] == "Deployment":
        alone = program["strategy"]["type"] == "Recreate"
        properties["replicas"] = {"description": "one at a time", "const": 1} if alone else {"$ref": "#/definitions/replicas"}
        required.append("replicas")
    return {"type": "object", "additionalProperties": False, "required": required, "properties": properties}


def setting(variable: Variable) -> dict[str, Any]:
    default = "" if variable.default in (MISSING, None) else f"; default {variable.default}"
    said: dict[str, Any] = {"description": f"{variable.unit}{default}; {variable.why}", "type": TYPES[variable.kind]}
    if variable.choices:
        said["enum"] = list(variable.choices)
    if variable.at_least is not None:
        said["minimum"] = variable.at_least
    return said


def table(written: dict[str, Any], defaults: dict[str, Any]) -> str:
    """One line for each value that has a default, in the order of values.yaml."""
    rows = [f"| `{path}` | {shown(written, path, value)} | {meaning(written, path)} |" for path, value in leaves(defaults)]
    return "\n".join(["| value | default | what it is |", "|---|---|---|", *rows])


def leaves(value: dict[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, inner in value.items():
        path = f"{above}.{name}" if above else name
        if isinstance(inner, dict) and inner and not path.endswith(("selector", "resources", "labels")):
            yield from leaves(inner, path)
        else:
            yield path, inner


def shown(written: dict[str, Any], path: str, value: Any) -> str:
    """A default that the schema refuses is none."""
    *_, node = way(written, path)
    allowed = Draft7Validator({**node, "definitions": written["definitions"]}).is_valid(value)
    return f"`{json.dumps(value)}`" if allowed else "required"


def meaning(written: dict[str, Any], path: str) -> str:
    """The nearest description on the way to the value, the innermost first."""
    nodes = [each for node in way(written, path) for each in (resolved(written, node), node)]
    return next((node["description"] for node in reversed(nodes) if "description" in node), "")


def way(written: dict[str, Any], path: str) -> Iterator[dict[str, Any]]:
    """The schemas of the value and of each that it lies in, the outermost first."""
    node = written
    for name in path.split("."):
        inside = resolved(written, node)
        node = inside.get("properties", {}).get(name) or inside.get("additionalProperties") or {}
        yield node


def resolved(written: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """What the reference leads to; the node itself where it is none."""
    while "$ref" in node:
        target: Any = written
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def outputs() -> dict[Path, str]:
    written = schema()
    defaults = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
    readme = CHART / "README.md"
    between = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    text = between.sub(lambda _: f"{BEGIN}\n{table(written, defaults)}\n{END}", readme.read_text("utf-8"))
    return {CHART / "values.schema.json": json.dumps(written, indent=2, ensure_ascii=False) + "\n", readme: text}


def main(arguments: list[str]) -> int:
    stale = [path for path, text in outputs().items() if not path.exists() or path.read_text("utf-8") != text]
    if "--check" in arguments:
        for path in stale:
            sys.stderr.write(f"{path.relative_to(ROOT)} is not what helm/generate.py writes: make chart\n")
        return bool(stale)
    for path in stale:
        path.write_text(outputs()[path], "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
