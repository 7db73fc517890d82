"""One trace from a command to its effects, as a collector has it: OpenTelemetry out, Jaeger's query API in."""
from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from services.standalone.demonstration import CREDENTIAL, OWNERS, SimulatedCamera
from tests.e2e.platform import Platform, running, until

pytestmark = [pytest.mark.backends, pytest.mark.timeout(180)]

SERVICES = ("registry", "ingest", "recording")
OTLP, JAEGER = os.environ.get("VONGLAU_TEST_OTLP", ""), os.environ.get("VONGLAU_TEST_JAEGER", "")
ADDED, NAME = "market-gate", "Cổng chợ"
Edge = tuple[str, str]  # "service: operation" of a span, and of one that follows from it: its child, or one that links to it


@pytest.fixture(scope="module")
def observed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    if not (OTLP and JAEGER):
        pytest.skip("VONGLAU_TEST_OTLP and VONGLAU_TEST_JAEGER name no server")
    settings = {"VONGLAU_SEGMENT_S": "2", "VONGLAU_SIMULATED_CAMERAS": "2", "OTEL_EXPORTER_OTLP_ENDPOINT": OTLP, "OTEL_BSP_SCHEDULE_DELAY": "500"}
    with running(tmp_path_factory.mktemp("observed") / "data", settings) as platform:
        until(lambda: platform.all_recording(2), 40, "recorded")  # what is registered before ingest has caught up has no trace
        add(platform, instead_of="sim-2")
        until(lambda: platform.all_recording(2), 40, "the added one is recorded, too")
        yield platform


def add(platform: Platform, instead_of: str) -> None:
    """As somebody who has a camera in the house does; at the stream of one that is retired."""
    there = platform.ask("camera", "show", instead_of)["camera"]
    platform.ask("camera", "retire", instead_of)
    url = there["url"].replace("://", "://{}:{}@".format(*CREDENTIAL))
    platform.ask("camera", "add", "--id", ADDED, "--owner", there["owner"], "--name", NAME, "--url", url)


def traces(service: str) -> list[dict[str, Any]]:
    """All that Jaeger has in which the service takes part, with every attribute of spans, events and processes."""
    with urllib.request.urlopen(f"{JAEGER}/api/traces?service={service}&limit=500&lookback=1h", timeout=10) as answer:  # noqa: S310 - told by the caller
        found: list[dict[str, Any]] = json.load(answer)["data"]
    return found


def spans(service: str) -> list[dict[str, Any]]:
    return [span | {"service": trace["processes"][span["processID"]]["serviceName"]} for trace in traces(service) for span in trace["spans"]]


def steps() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Pairs of spans of which the second follows from the first."""
    found = {span["spanID"]: span for service in SERVICES for span in spans(service)}
    return [(found[reference["spanID"]], span) for span in found.values() for reference in span["references"] if reference["spanID"] in found]


def edges() -> set[Edge]:
    return {(named(one), named(other)) for one, other in steps()}


def effects(command: str) -> set[str]:
    """All that follows from it, however many steps away."""
    found = steps()
    reached = {one["spanID"] for one, _ in found if named(one) == command}
    names: set[str] = set()
    while following := [other for one, other in found if one["spanID"] in reached and other["spanID"] not in reached]:
        reached |= {span["spanID"] for span in following}
        names |= {named(span) for span in following}
    return names


def named(span: dict[str, Any]) -> str:
    return f"{span['service']}: {span['operationName']}"


COMMAND = "registry: vonglau.registry.v1.Registry/RegisterCamera"
RECORD = "ingest: record CAMERA_CLASS_NON_TRAFFIC"  # of the added camera alone: simulated ones are traffic's
TIMELINE, SPOOL = "vonglau.recording.v1.Recording/GetTimeline", "vonglau.ingest.v1.Ingest/ReadSpool"
EXPECTED = {
    (COMMAND, "registry: send es.registry.camera.{id}"),
    (COMMAND, "registry: process es_registry"),
    (COMMAND, "recording: process es_registry"),
    (COMMAND, "ingest: process es.registry.camera.{id}"),
    ("ingest: process es.registry.camera.{id}", RECORD),
    (RECORD, "ingest: send fact.segment.{id}"),
    ("ingest: send fact.segment.{id}", "recording: process fact_ingest"),
    (f"recording: {TIMELINE}", f"recording: {SPOOL}"),
    (f"recording: {SPOOL}", f"ingest: {SPOOL}"),
}


def test_from_a_camera_that_is_added_to_its_timeline_every_step_follows_from_the_one_before(observed: Platform) -> None:
    until(lambda: "recorded" in {each["kind"] for each in observed.ask("timeline", ADDED, "--from", "-1m")["stretches"]}, 20, "a timeline")
    try:
        until(lambda: edges() >= EXPECTED, 40, "all edges")
    except AssertionError:
        raise AssertionError(f"missing: {sorted(EXPECTED - edges())}\nfound:\n" + "\n".join(map(" → ".join, sorted(edges())))) from None


def test_one_chain_reaches_from_the_command_to_the_segment_on_the_timeline(observed: Platform) -> None:
    chain = {RECORD, "ingest: send fact.segment.{id}", "recording: process fact_ingest"}
    until(lambda: chain <= effects(COMMAND), 40, "the segment's fact follows from the command")
    assert [span["references"] for span in spans("registry") if named(span) == COMMAND] == [[]], "the command is the root of its one trace"


def private() -> set[str]:
    """What no collector may learn of the cameras, of their owner, and of how they are reached."""
    row = SimulatedCamera(1).row(0)
    told, url = row.details, row.details.streams[0].url.partition("/")[0]  # the scheme: nothing else is an address of a camera
    return {ADDED, NAME, row.camera, row.owner, OWNERS[row.owner], told.display_name, told.serial_number, told.notice_sign, url, *CREDENTIAL}


def test_no_span_tells_a_camera_an_owner_a_name_an_address_or_a_password(observed: Platform) -> None:
    observed.ask("camera", "show", "sim-1")
    observed.ask("timeline", "sim-1", "--from", "-10s")
    asked = {"registry: vonglau.registry.v1.Registry/GetCamera", f"recording: {TIMELINE}"}
    until(lambda: asked <= {named(span) for service in SERVICES for span in spans(service)}, 40, "the spans of what was asked")
    collected = json.dumps([traces(service) for service in SERVICES], ensure_ascii=False).casefold()
    assert {each for each in private() if each.casefold() in collected} == set()
