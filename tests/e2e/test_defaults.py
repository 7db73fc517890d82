"""`make run` as it is, with nothing set but the folder: eight cameras of three owners, segments of a minute, a live table; and a second platform beside it."""
from __future__ import annotations

import contextlib
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import av
import pytest

from services.standalone.demonstration import OWNERS
from tests.e2e.platform import Platform, decoded, running, simulated, until
from vonglau.broker.server import free_port

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

CAMERAS = 8
GOP_S = 2.0
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")  # colours and cursor


@dataclass
class OnTerminal(Platform):
    """Its standard output is a terminal that somebody reads."""

    seen: bytearray = field(default_factory=bytearray)
    began: datetime = field(default_factory=lambda: datetime.now(UTC))

    def start(self) -> None:
        self.began = datetime.now(UTC)
        self.data.mkdir(parents=True)
        ours, theirs = pty.openpty()
        with (self.data / "supervisor.log").open("ab") as log:
            environment = {**self.environment, "TERM": "xterm", "COLUMNS": "120", "LINES": "40"}
            self.process = subprocess.Popen([sys.executable, "-m", "services.standalone"], env=environment, stdout=theirs, stderr=log)
        os.close(theirs)
        Thread(target=self._read, args=(ours,), daemon=True).start()

    def screen(self) -> list[str]:
        """The newest table whole, a line a camera."""
        tables = CONTROL.sub("", self.seen.decode(errors="ignore")).split("Mbit/s")
        return [line.strip() for line in tables[-2].splitlines() if line.startswith("sim-")] if len(tables) > 2 else []

    def _read(self, terminal: int) -> None:
        with contextlib.suppress(OSError):  # the other end is closed
            while part := os.read(terminal, 65536):
                self.seen += part
        os.close(terminal)


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnTerminal]:
    started = OnTerminal(tmp_path_factory.mktemp("defaults") / "data", {})
    assert not [name for name in started.environment if name.startswith("VONGLAU_") and name != "VONGLAU_DATA"]
    started.start()
    try:
        yield started
    finally:
        started.stop()


def test_within_20_seconds_eight_cameras_of_three_owners_are_recorded(platform: OnTerminal) -> None:
    until(lambda: platform.all_recording(CAMERAS), 60, "all cameras recorded")
    cameras = platform.ask("status")["cameras"]
    assert {one["owner"] for one in cameras} == set(OWNERS)
    assert max(datetime.fromisoformat(one["since"]) for one in cameras) - platform.began < timedelta(seconds=20)


def test_the_live_table_has_a_line_for_each_camera(platform: OnTerminal) -> None:
    until(lambda: sum(" recording " in line for line in platform.screen()) == CAMERAS, 60, "the table")
    assert [line.split()[0] for line in platform.screen()] == simulated(CAMERAS)


def test_a_second_platform_on_another_folder_runs_side_by_side_at_the_ports_that_it_is_given(platform: OnTerminal, tmp_path: Path) -> None:
    ports = {name: free_port() for name in ("registry", "ingest", "recording")}
    given = {f"VONGLAU_{name.upper()}_PORT": str(port) for name, port in ports.items()}
    with running(tmp_path / "second", {"VONGLAU_SIMULATED_CAMERAS": "1", **given}) as second:
        until(lambda: second.all_recording(1), 60, "the second platform's camera recorded")
        assert list(second.states()) == ["sim-1"]
        for name, port in ports.items():
            ours, theirs = ((one.data / "run" / f"{name}.address").read_text().strip() for one in (platform, second))
            assert theirs == f"127.0.0.1:{port}"
            assert ours != theirs
        assert platform.all_recording(CAMERAS)
    assert platform.all_recording(CAMERAS)


def test_a_segment_is_a_minute_that_plays_and_is_proved(platform: OnTerminal) -> None:
    first = until(lambda: sorted((platform.data / "footage").rglob("sim-1/**/*.mp4")), 100, "a stored segment")[0]
    with av.open(str(first)) as container:
        times = sorted(packet.pts * packet.time_base for packet in container.demux(video=0) if packet.pts is not None)
    assert float(times[-1] - times[0]) == pytest.approx(60, abs=GOP_S)
    assert decoded(first) == ""
    assert platform.run("verify").returncode == 0
