"""The README's walk-through against real video from an RTSP server that is not ours."""
from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.platform import Platform, decoded, running, until
from tests.e2e.timelines import causes, stretches
from vonglau.broker.server import free_port

pytestmark = [pytest.mark.backends, pytest.mark.timeout(240)]

CLIPS = Path(__file__).resolve().parents[3] / "shared" / "data"
SCRIPT = Path(__file__).with_name("gstreamer_rtsp.py")
PYTHON = "/usr/bin/python3"  # Debian's, which has the bindings
BINDINGS = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"


class Gate:
    """GStreamer's server, started and stopped on one port."""

    def __init__(self, clip: Path) -> None:
        self.clip = clip
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"rtsp://127.0.0.1:{self.port}/clip"

    def start(self) -> None:
        self.process = subprocess.Popen([PYTHON, str(SCRIPT), str(self.clip), str(self.port)])
        until(self.listens, 10, "GStreamer's server listens")

    def listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def gate() -> Iterator[Gate]:
    clip = CLIPS / "one-by-one-person-detection.mp4"
    if not clip.exists():
        pytest.skip(f"the real clips are not there: {CLIPS.name}/{clip.name} beside the checkout")
    if not shutil.which(PYTHON) or subprocess.run([PYTHON, "-c", BINDINGS], capture_output=True, check=False).returncode:
        pytest.skip("GStreamer's RTSP server is not installed")
    served = Gate(clip)
    served.start()
    yield served
    served.stop()


@pytest.fixture
def platform(gate: Gate, tmp_path: Path) -> Iterator[Platform]:
    """Nothing is started where there is no video for it."""
    assert gate.listens()
    with running(tmp_path / "data", {"VONGLAU_SEGMENT_S": "3", "VONGLAU_SIMULATED_CAMERAS": "0"}) as started:
        until(lambda: started.run("owner", "list").returncode == 0, 60, "the platform answers")
        yield started


def test_a_camera_is_added_watched_stopped_played_verified_and_rebuilt(platform: Platform, gate: Gate, tmp_path: Path) -> None:
    def state() -> str:
        return platform.states().get("market-gate", "")

    platform.ask("owner", "add", "my-ward", "--name", "Phường của tôi")
    platform.ask("camera", "add", "--owner", "my-ward", "--url", gate.url, "--name", "Cổng chợ", "--id", "market-gate")
    until(lambda: state() == "recording", 20, "the camera is recorded")

    live = tmp_path / "live.mp4"
    assert platform.run("watch", "market-gate", "--for", "4s", "--out", str(live)).returncode == 0
    assert decoded(live) == ""

    gate.stop()
    until(lambda: state() == "interrupted", 20, "the loss is noticed")
    gate.start()
    until(lambda: state() == "recording", 60, "recorded again")

    def lost() -> set[str]:
        found = stretches(platform, "market-gate", "-5m")
        return set(causes(found)) if found[-1]["kind"] in ("recorded", "pending") else set()

    until(lambda: lost() & {"transport_lost", "refused"}, 30, "the gap and its cause")
    assert "unexplained" not in lost()
    until(lambda: platform.ask("status")["cameras"][0]["recorded_s"] > 8, 30, "some seconds after the gap")

    clip = tmp_path / "clip.mp4"
    answer = platform.ask("play", "market-gate", "--from", "-5m", "--out", str(clip))
    assert all(decoded(Path(one["path"])) == "" for one in answer["files"])

    assert platform.ask("verify", "market-gate")["findings"] == []
    before = lost()
    platform.ask("rebuild", "recording")
    assert lost() == before
