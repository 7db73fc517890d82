"""The protos: generated code and catalogue are fresh, and the AIPs that the project follows hold for every RPC."""
from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor, ServiceDescriptor

from vonglau.rpc.annotations import is_input_only, is_required, is_uuid4
from vonglau.rpc.service_config import method_configs

ROOT = Path(__file__).parents[2]
FILES = sorted(path.relative_to(ROOT / "proto") for path in (ROOT / "proto").rglob("*.proto"))
CONTEXTS = sorted({path.parts[1] for path in FILES})

# What begins with one of these asks; with one of these streams or works on views; the rest commands an aggregate.
QUERIES = ("Get", "List", "Watch", "Read", "Play", "Verify")
NOT_ON_AGGREGATES = {"ReplayParkedKey", "RebuildProjection", "PutPool", "DeletePool"}  # on views and on declarations, harmless when repeated
BY_ROWS = {"ImportCameras"}  # each row is idempotent by what it says


def services() -> list[ServiceDescriptor]:
    modules = [importlib.import_module(f"vonglau.{context}.v1.service_pb2") for context in CONTEXTS]
    return [service for module in modules for service in module.DESCRIPTOR.services_by_name.values()]


METHODS = [method for service in services() for method in service.methods]
LISTS = [method for method in METHODS if method.name.startswith("List") and method.name != "ListProjections"]
COMMANDS = [method for method in METHODS if not method.name.startswith(QUERIES) and method.name not in NOT_ON_AGGREGATES | BY_ROWS]
ON_FOOTAGE = [method for method in METHODS if method.name in {"Watch", "Play", "GetTimeline"}]


def named(methods: list[MethodDescriptor]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("method", methods, ids=lambda method: method.name)


def field(message: Descriptor, name: str) -> FieldDescriptor:
    assert name in message.fields_by_name, f"{message.full_name} has no {name}"
    return message.fields_by_name[name]


@pytest.mark.parametrize("tool", ["generate.py", "catalogue.py"])
def test_what_is_generated_from_the_protos_is_what_they_say(tool: str) -> None:
    checked = subprocess.run([sys.executable, str(ROOT / "proto" / tool), "--check"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("path", FILES, ids=str)
def test_the_package_of_a_proto_is_its_folder(path: Path) -> None:
    assert f"package {'.'.join(path.parent.parts)};" in (ROOT / "proto" / path).read_text("utf-8")


@named(LISTS)
def test_a_list_comes_in_pages_and_the_page_is_its_first_field(method: MethodDescriptor) -> None:
    assert field(method.input_type, "page_size").cpp_type == FieldDescriptor.CPPTYPE_INT32
    assert field(method.input_type, "page_token").cpp_type == FieldDescriptor.CPPTYPE_STRING
    assert field(method.output_type, "next_page_token").cpp_type == FieldDescriptor.CPPTYPE_STRING
    assert method.output_type.fields_by_number[1].is_repeated
    assert not method.server_streaming


@named(COMMANDS)
def test_a_command_has_a_request_id_and_answers_with_a_version(method: MethodDescriptor) -> None:
    assert is_uuid4(field(method.input_type, "request_id"))
    assert field(method.output_type, "version").cpp_type == FieldDescriptor.CPPTYPE_STRING


@named(ON_FOOTAGE)
def test_a_request_on_footage_says_for_which_purpose_and_case(method: MethodDescriptor) -> None:
    purpose = field(method.input_type, "purpose").enum_type
    assert purpose is not None
    assert purpose.full_name == "vonglau.registry.v1.Purpose"
    assert field(method.input_type, "case").cpp_type == FieldDescriptor.CPPTYPE_STRING


@named([method for method in METHODS if method.name.startswith("Get")])
def test_what_a_get_asks_for_is_required(method: MethodDescriptor) -> None:
    assert is_required(method.input_type.fields_by_number[1])


def test_no_rpc_deletes_footage() -> None:
    deleting = {method.name for method in METHODS if any(verb in method.name for verb in ("Delete", "Erase", "Purge", "Remove"))}
    assert deleting == {"DeletePool"}  # its cameras go to other pools


def test_a_secret_goes_in_and_never_comes_out() -> None:
    for method in METHODS:
        assert not [each.full_name for each in fields_within(method.output_type) if is_input_only(each)], method.full_name
        assert "Credential" not in {each.message_type.name for each in fields_within(method.output_type) if each.message_type}, method.full_name


@pytest.mark.parametrize("service", services(), ids=lambda service: service.name)
def test_every_service_has_a_service_config_and_it_names_only_methods_that_exist(service: ServiceDescriptor) -> None:
    entries = [name for config in method_configs() for name in config["name"] if name["service"] == service.full_name]
    assert {"service": service.full_name} in entries
    assert {entry["method"] for entry in entries if "method" in entry} <= set(service.methods_by_name)


def fields_within(message: Descriptor, above: frozenset[str] = frozenset()) -> list[FieldDescriptor]:
    if message.full_name in above:
        return []
    inner = [each.message_type for each in message.fields if each.message_type is not None]
    return [*message.fields, *(found for each in inner for found in fields_within(each, above | {message.full_name}))]
