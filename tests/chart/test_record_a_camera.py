"""What `helm test` runs proves what it says: here against a platform on one machine."""
from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "helm" / "vonglau" / "files" / "record_a_camera.py"
pytestmark = [pytest.mark.long, pytest.mark.loopback, pytest.mark.timeout(120)]


@dataclass(frozen=True)
class Proof:
    environment: dict[str, str]

    def run(self, camera: str, url: str, seconds: int) -> subprocess.CompletedProcess[str]:
        told = {"OWNER": "helm-test", "PERSON": "platform", "CAMERA": camera, "URL": url, "SECONDS": str(seconds)}
        return subprocess.run([sys.executable, str(SCRIPT)], env=self.environment | told, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def proof(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proof]:
    data = tmp_path_factory.mktemp("data")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "VONGLAU_DATA": str(data), "VONGLAU_SEGMENT_S": "2", "VONGLAU_SIMULATED_CAMERAS": "0"}
    with (data / "supervisor.log").open("ab") as log:
        platform = subprocess.Popen([sys.executable, "-m", "services.standalone"], env=environment, stdout=log, stderr=log, cwd=ROOT)
    yield Proof(environment)
    platform.terminate()
    platform.wait(15)


@pytest.fixture(scope="module")
def camera() -> Iterator[str]:
    farm = [sys.executable, "-m", "vonglau.testing.cameras", "--port", "0", "--cameras", "1"]
    with subprocess.Popen(farm, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        told = process.stdout.readline()
        yield f"rtsp://127.0.0.1:{told.split(':')[1].split(',')[0].strip()}/cam-1/main"
        process.terminate()


def test_a_camera_that_is_recorded_passes_and_so_it_does_again(proof: Proof, camera: str) -> None:
    for _ in range(2):  # the second finds owner and camera as the first left them
        result = proof.run("seen", camera, 60)
        assert result.returncode == 0, result.stdout + result.stderr
        assert "a segment of it is stored, indexed and verified" in result.stdout
        assert "played: 0 bytes" not in result.stdout


def test_a_camera_that_nobody_can_reach_fails_in_time_and_says_how_far_it_came(proof: Proof) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        begun = time.monotonic()
        result = proof.run("unseen", f"rtsp://127.0.0.1:{taken.getsockname()[1]}/cam-1/main", 5)
    assert result.returncode != 0
    assert time.monotonic() - begun < 30
    assert "the camera is registered" in result.stdout
    assert "not in time: it is recorded" in result.stderr
