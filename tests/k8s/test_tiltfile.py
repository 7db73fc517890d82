"""The Tiltfile as far as it can be known without Tilt: its grammar, and that what it names is there."""
from __future__ import annotations

import ast
import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "Tiltfile").read_text("utf-8")
TREE = ast.parse(TEXT)  # Starlark's grammar is a part of Python's
# https://docs.tilt.dev/api.html
BUILT_IN = {
    "allow_k8s_contexts", "blob", "config.define_string", "config.define_string_list", "config.parse", "docker_build", "fall_back_on", "helm", "k8s_kind",
    "k8s_resource", "k8s_yaml", "kustomize", "local", "local_resource", "port_forward", "run", "sync", "told.get", "update_settings",
}  # fmt: skip


def strings() -> set[str]:
    return {node.value for node in ast.walk(TREE) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_it_is_starlark() -> None:
    """No class, import, while, try, with, lambda over lines, f-string or set."""
    foreign = (ast.ClassDef, ast.Import, ast.ImportFrom, ast.While, ast.Try, ast.With, ast.JoinedStr, ast.Set, ast.AsyncFunctionDef, ast.Global)
    assert [type(node).__name__ for node in ast.walk(TREE) if isinstance(node, foreign)] == []


def test_it_calls_what_tilt_has() -> None:
    assert {ast.unparse(node.func) for node in ast.walk(TREE) if isinstance(node, ast.Call)} <= BUILT_IN


def test_folders_files_and_targets_that_it_names_are_there() -> None:
    for each in strings():
        if each.startswith(("./", "helm/", "k8s/")):
            assert (ROOT / each).exists(), each
    made = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    called = [node.elts for node in ast.walk(TREE) if isinstance(node, ast.List) and node.elts and ast.unparse(node.elts[0]) == "'make'"]
    targets = {each.value for elements in called for each in elements[1:] if isinstance(each, ast.Constant) and not str(each.value).startswith("--")}
    assert targets <= made


def test_code_goes_where_the_image_has_it() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text("utf-8")
    assert "PYTHONPATH=/opt/vonglau/app" in dockerfile
    assert 'CODE = "/opt/vonglau/app"' in TEXT
    assert set(re.findall(r"AS (platform|cameras)$", dockerfile, re.MULTILINE)) == set(re.findall(r'target="(\w+)"', TEXT))


def test_surroundings_that_it_names_are_there() -> None:
    kustomization = yaml.safe_load((ROOT / "k8s" / "base" / "kustomization.yaml").read_text("utf-8"))
    files = [ROOT / "k8s" / "base" / name for name in kustomization["resources"]]
    workloads = {each["metadata"]["name"] for file in files for each in yaml.safe_load_all(file.read_text("utf-8")) if each["kind"] != "Service"}
    assert workloads == {"nats", "mongodb", "minio", "collector", "cameras", "minio-users"}
    assert workloads <= strings()
