"""What a pod gets: the locked packages and the code, nothing to build with, nothing to write to, and a list of what is inside."""
from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:  # a conftest is the runner's to import
    from tests.image.conftest import Image

ROOT = Path(__file__).parents[2]
TEMPORARY = ("/tmp", "/var/tmp", "/run/lock", "/proc", "/sys", "/dev")  # noqa: S108
PROGRAMS = (
    "services.registry", "services.ingest", "services.ingest.leftovers", "services.recording", "services.recording.retention_job",
    "operators.ingest_fleet",
)
pytestmark = [pytest.mark.backends, pytest.mark.timeout(1200)]


def locked(name: str, python: str) -> dict[str, str]:
    """Package -> version, of those that the lock wants on that Python on Linux."""
    lines = re.findall(r"^([a-z0-9].*?) \\$", (ROOT / "locks" / f"{name}.lock").read_text("utf-8"), re.MULTILINE)
    wanted = [Requirement(line) for line in lines]
    here = {"python_full_version": python, "python_version": ".".join(python.split(".")[:2]), "sys_platform": "linux", "platform_system": "Linux"}
    return {each.name: str(each.specifier).removeprefix("==") for each in wanted if each.marker is None or each.marker.evaluate(here)}


def python_of(image: Image) -> str:
    return image.run("python", "-c", "import platform; print(platform.python_version())").stdout.strip()


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_program_starts_in_the_image_and_names_what_is_wrong_with_its_environment(platform: Image, program: str) -> None:
    refused = platform.run("python", "-m", program, environment={"VONGLAU_LOG_LEVEL": "loud"})
    assert refused.returncode == 2, refused.stderr
    assert "VONGLAU_LOG_LEVEL='loud' is not one of" in refused.stderr


def test_the_entry_point_takes_the_name_of_a_module(platform: Image) -> None:
    assert platform.configuration()["Entrypoint"] == ["python", "-m"]


def test_the_command_line_answers(platform: Image) -> None:
    assert "One camera platform" in platform.run("vonglau", "--help").stdout


def test_the_image_runs_as_nobody_in_particular(platform: Image) -> None:
    assert platform.configuration()["User"] == "65532:65532"
    assert platform.run("id", "-u").stdout.strip() == "65532"


def test_its_user_can_write_nothing_outside_the_places_for_temporary_files(platform: Image) -> None:
    found = platform.run("find", "/", "-xdev", "-writable", "-not", "-type", "l").stdout.splitlines()
    assert "/tmp" in found  # noqa: S108
    assert [path for path in found if not path.startswith(TEMPORARY)] == []


@pytest.mark.parametrize("program", ["gcc", "cc", "make", "pip", "pip3", "uv", "nats-server", "pytest"])
def test_nothing_to_build_or_to_test_with_is_left(platform: Image, program: str) -> None:
    assert platform.run("sh", "-c", f"command -v {program}").returncode != 0


@pytest.mark.parametrize("package", ["av", "numpy", "PIL", "pytest", "hypothesis", "grpc_tools", "cyclonedx"])
def test_what_draws_and_tests_is_not_in_the_platforms_image(platform: Image, package: str) -> None:
    assert "ModuleNotFoundError" in platform.run("python", "-c", f"import {package}").stderr


@pytest.mark.parametrize("target", ["platform", "cameras"])
def test_the_bill_of_materials_lists_the_locked_packages_and_no_other(target: str, request: pytest.FixtureRequest) -> None:
    image: Image = request.getfixturevalue(target)
    bill = json.loads(image.run("cat", "/opt/vonglau/sbom.cdx.json").stdout)
    listed = {canonicalize_name(each["name"]): each["version"] for each in bill["components"]}
    assert bill["bomFormat"] == "CycloneDX"
    assert listed == locked(target, python_of(image))


def test_the_labels_say_which_version_under_which_licence(platform: Image) -> None:
    labels = platform.configuration()["Labels"]
    assert labels["org.opencontainers.image.version"] == "9.8.7"
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"


def test_the_image_for_cameras_can_draw_them(cameras: Image) -> None:
    drawn = cameras.run("python", "-c", "import av, numpy, PIL, vonglau.testing.cameras as cameras; print(cameras.CameraFarm.__name__)")
    assert drawn.stdout.strip() == "CameraFarm", drawn.stderr
