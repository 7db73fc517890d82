"""After a kill at any moment: what is whole is kept, closed and chained; what is not is gone."""
from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from services.ingest.data_plane_settings import DataPlaneSettings
from services.ingest.media.gop import Gop
from services.ingest.recorder import Recorder, Recording
from services.ingest.segment import ClosedSegment
from services.ingest.spool import Spool, recover
from vonglau.media.fragments import fragments
from vonglau.testing.reading import recorded_frames

SECOND = 1_000_000_000
NOW = 1_767_225_600 * SECOND

DIES = """
import os, signal, sys
from pathlib import Path
from services.ingest.media.gop import Gop, ParameterSets
from services.ingest.recorder import Recorder, Recording
from services.ingest.data_plane_settings import DataPlaneSettings
from services.ingest.spool import Spool
from vonglau.testing.rtp import H264_PPS, H264_SPS

class Deaf:
    def segment_closed(self, segment): pass
    def segment_shed(self, segment): pass
    def footage_lost(self, interruption): pass

spool = Spool(Path(sys.argv[1]), limit_bytes=1 << 30, pending_bytes=1 << 28, threads=1, listener=Deaf())
recorder = Recorder(Recording("cam-1", "owner", 7), spool, DataPlaneSettings(segment_s=3), lambda at: None, lambda one, two: None)
recorder.connected(None, None)
for number in range(100_000):
    data = bytearray(b"".join((200_000).to_bytes(4, "big") + bytes([0x65]) + bytes(199_999) for _ in range(2)))
    times = [number * 90_000, number * 90_000 + 45_000]
    parameters = ParameterSets("h264", (H264_SPS, H264_PPS))
    recorder.take(Gop(data, times, [200_004] * 2, True, times[0] + 90_000, parameters, 1_767_225_600 * 90_000, 0, 0, 0))
    while spool.pending > 1_000_000:
        pass
    if number == 8:
        print("written", flush=True)
"""


@pytest.fixture
def left(tmp_path: Path, spooling: Callable[..., Spool], gop: Callable[..., Gop]) -> Path:
    """A spool as a process left it that was killed in the middle of its third object."""
    spool = spooling()
    recorder = Recorder(Recording("cam-1", "owner", 7), spool, DataPlaneSettings(segment_s=3), lambda at: None, lambda begun, ended: None)
    recorder.connected(None, None)
    for number in range(8):
        recorder.take(gop(number))
    spool.close()
    copy = tmp_path / "left"
    shutil.copytree(spool.root, copy)
    return copy


def only(root: Path, suffix: str) -> Path:
    (found,) = root.rglob(f"*{suffix}")
    return found


def check(segments: list[ClosedSegment]) -> None:
    """Each file is what is said of it, and named by its successor."""
    previous = ""
    for segment in segments:
        content = segment.path.read_bytes()
        assert hashlib.sha256(content).hexdigest() == segment.sha256
        assert len(content) == segment.size
        assert len(list(fragments(content))) == segment.fragments
        assert segment.head.previous_sha256 == previous
        previous = segment.sha256


def test_a_growing_file_is_closed_and_closed_ones_are_found(left: Path) -> None:
    found = recover(left)
    check(found.segments)
    assert [(one.head.number, one.recovered, one.fragments) for one in found.segments] == [(0, False, 3), (1, False, 3), (2, True, 2)]
    assert (found.segments[2].head.start_ns, found.segments[2].end_ns) == (NOW + 6 * SECOND, NOW + 8 * SECOND)
    assert found.unreadable == []
    assert list(left.rglob("*.part")) == []


def test_recovery_may_be_interrupted_and_repeated(left: Path) -> None:
    first = recover(left).segments
    assert recover(left).segments == first
    closed = first[2].path
    closed.rename(closed.with_suffix(".part"))
    again = recover(left).segments
    assert [(one.sha256, one.size, one.end_ns) for one in again] == [(one.sha256, one.size, one.end_ns) for one in first]


@pytest.mark.parametrize("cut", [1, 7, 30, 400, 700])
def test_what_is_cut_costs_the_last_fragment_only(left: Path, cut: int) -> None:
    part = only(left, ".part")
    os.truncate(part, part.stat().st_size - cut)
    segment = recover(left).segments[-1]
    expected = 1 if cut < 650 else 0
    assert (segment.head.number, segment.fragments) == ((2, 1) if expected else (1, 3))
    assert segment.end_ns == NOW + (7 if expected else 6) * SECOND


def test_a_file_without_a_whole_fragment_is_gone(left: Path) -> None:
    part = only(left, ".part")
    os.truncate(part, 300)
    assert [one.head.number for one in recover(left).segments] == [0, 1]
    assert not list(left.rglob(f"{part.stem}*"))


def test_zeros_that_a_machines_crash_left_are_cut_off(left: Path) -> None:
    part = only(left, ".part")
    with part.open("ab") as file:
        file.write(bytes(10_000))
    segment = recover(left).segments[-1]
    assert (segment.head.number, segment.fragments) == (2, 2)
    check(recover(left).segments)


def test_a_closed_file_that_is_not_whole_is_closed_again(left: Path) -> None:
    damaged = sorted(left.rglob("*.mp4"))[1]
    os.truncate(damaged, damaged.stat().st_size - 400)
    found = recover(left).segments
    assert [(one.head.number, one.recovered, one.fragments) for one in found] == [(0, False, 3), (1, True, 2), (2, True, 2)]
    check(found)


def test_two_files_left_open_are_joined_where_they_meet(left: Path) -> None:
    older = sorted(left.rglob("*.mp4"))[1]
    part = older.with_suffix(".part")
    older.rename(part)
    found = recover(left).segments
    assert [one.recovered for one in found] == [False, True, True]
    assert found[1].end_ns == found[2].head.start_ns
    check(found)


def test_a_file_without_its_sidecar_is_left_for_a_person(left: Path) -> None:
    part = only(left, ".part")
    part.with_suffix(".json").write_bytes(b"{}")
    found = recover(left)
    assert found.unreadable == [part]
    assert part.exists()
    assert [one.head.number for one in found.segments] == [0, 1]


def test_an_empty_or_missing_spool_is_no_trouble(tmp_path: Path) -> None:
    assert recover(tmp_path / "none").segments == []


def test_recovered_segments_count_in_the_spool(left: Path, spooling: Callable[..., Spool]) -> None:
    found = recover(left).segments
    spool = spooling()
    spool.adopt(found)
    assert spool.bounds.used == sum(one.size for one in found)
    assert [one.head.number for one in spool.read("cam-1", NOW, NOW + 100 * SECOND)] == [0, 1, 2]


def test_a_process_killed_while_it_writes_loses_only_what_was_under_way(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", DIES, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "written\n"
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    process.stdout.close()
    found = recover(tmp_path).segments
    check(found)
    assert [one.head.number for one in found] == list(range(len(found)))
    assert all(earlier.end_ns == later.head.start_ns for earlier, later in pairwise(found))
    assert sum(one.fragments for one in found) >= 6
    assert all(len(recorded_frames(one.path)) == 2 * one.fragments for one in found[-2:])

