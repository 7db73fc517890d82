"""The main job as a user does it, on the whole platform, in the order of a day: record, look, suspend, tamper, break, go on."""
from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import av
import psutil
import pytest

from tests.e2e.platform import Platform, decoded, simulated, until
from tests.e2e.timelines import accounted_for, causes, stretches

pytestmark = [pytest.mark.loopback, pytest.mark.timeout(180)]

CAMERAS = 4


def test_within_20_seconds_every_camera_is_recorded(platform: Platform) -> None:
    until(lambda: platform.all_recording(CAMERAS), 20, "all cameras recorded")


def test_status_and_camera_list_have_the_shape_that_programs_rely_on(platform: Platform) -> None:
    for command in (("status",), ("camera", "list")):
        cameras = platform.ask(*command)["cameras"]
        assert [one["id"] for one in cameras] == simulated(CAMERAS)
        assert all({"id", "owner", "name", "state"} <= one.keys() and one["state"] == "recording" for one in cameras)


def test_names_are_found_without_their_marks(platform: Platform) -> None:
    assert [one["id"] for one in platform.ask("camera", "list", "--search", "o cho dua")["cameras"]] == ["sim-1"]


def test_a_clip_plays_from_0_and_reaches_to_2_seconds_before_now(platform: Platform, tmp_path: Path) -> None:
    until(lambda: platform.ask("status")["cameras"][0]["recorded_s"] > 6, 20, "six seconds stored")
    clip = tmp_path / "clip.mp4"
    asked = time.time()  # a little before the `now` of the command, which takes its time to start and to end
    answer = platform.ask("play", "sim-1", "--from", "-5s", "--to", "now", "--out", str(clip))
    assert decoded(clip) == ""
    with av.open(str(clip)) as container:
        times = [float(frame.pts * frame.time_base) for frame in container.decode(video=0) if frame.pts is not None and frame.time_base]
    assert abs(times[0]) < 0.2
    began = datetime.fromisoformat(answer["files"][0]["start"]).astimezone(UTC).timestamp()
    assert asked - (began + times[-1]) < 2.5


def test_a_live_view_is_a_growing_file_that_decodes(platform: Platform, tmp_path: Path) -> None:
    live = tmp_path / "live.mp4"
    assert platform.run("watch", "sim-2", "--for", "5s", "--out", str(live)).returncode == 0
    assert decoded(live) == ""
    with av.open(str(live)) as container:
        assert len(list(container.decode(video=0))) > 15


def test_a_suspended_camera_shows_a_gap_with_that_cause(platform: Platform) -> None:
    platform.ask("camera", "suspend", "sim-3", "--reason", "works")
    until(lambda: platform.states()["sim-3"] == "suspended", 10, "suspended")
    platform.ask("camera", "resume", "sim-3")
    until(lambda: platform.states()["sim-3"] == "recording", 20, "recording again")
    until(lambda: "suspended" in causes(stretches(platform, "sim-3", "-60s")), 20, "the gap")


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("camera show nobody", "CAMERA_NOT_VISIBLE"),
        ("camera show sim-1 --as stranger", "CAMERA_NOT_VISIBLE"),
        ("timeline sim-1 --as stranger", "CAMERA_NOT_VISIBLE"),
        ("play sim-1 --out /dev/null --as stranger", "CAMERA_NOT_VISIBLE"),
        ("camera add --owner nobody --url rtsp://192.0.2.1/1 --name x", "OWNER_NOT_VISIBLE"),
        ("camera add --owner tay-ho --url http://192.0.2.1/1 --name x", "STREAM_URL_MALFORMED"),
        ("camera add --owner tay-ho --url rtsp://192.0.2.1/1 --name x --id A.B", "ID_MALFORMED"),
        ("owner add x", "ID_MALFORMED"),
        ("owner add tay-ho", "OWNER_ID_TAKEN"),
        ("timeline sim-1 --from now --to -1h", "RANGE_IMPOSSIBLE"),
    ],
)
def test_what_cannot_be_done_is_refused_with_its_reason(platform: Platform, command: str, reason: str) -> None:
    assert platform.reason(*command.split()) == reason


def test_a_stream_belongs_to_one_camera(platform: Platform) -> None:
    url = platform.ask("camera", "show", "sim-1")["camera"]["url"]
    assert platform.reason("camera", "add", "--owner", "tay-ho", "--url", url, "--name", "again") == "STREAM_URL_TAKEN"


def test_a_rebuild_changes_no_timeline(platform: Platform) -> None:
    at = datetime.now(UTC).isoformat(timespec="seconds")
    before = platform.ask("timeline", "sim-3", "--from", "-10m", "--to", at)  # the one that was suspended
    assert platform.ask("rebuild", "recording")["projections"] == ["recording"]
    after = platform.ask("timeline", "sim-3", "--from", before["stretches"][0]["from"], "--to", at)
    assert causes(after["stretches"]) == causes(before["stretches"])


def test_verify_names_an_altered_and_a_missing_object(platform: Platform) -> None:
    assert platform.run("verify").returncode == 0
    altered, missing = sorted((platform.data / "footage").rglob("sim-4/**/*.mp4"))[:2]
    content = bytearray(altered.read_bytes())
    content[len(content) // 2] ^= 1
    altered.write_bytes(content)
    missing.rename(missing.with_suffix(".gone"))
    result = platform.run("verify", "sim-4")
    content[len(content) // 2] ^= 1
    altered.write_bytes(content)
    missing.with_suffix(".gone").rename(missing)
    said = result.stdout.decode()
    assert result.returncode == 1
    assert "DIGEST_MISMATCH  sim-4" in said
    assert altered.name in said
    assert "OBJECT_MISSING  sim-4" in said
    assert missing.name in said
    assert platform.run("verify", "sim-4").returncode == 0


@pytest.mark.parametrize("name", ["ingest", "nats", *(pytest.param(name, marks=pytest.mark.long) for name in ("recording", "registry"))])
def test_after_a_kill_recording_goes_on_and_every_second_is_accounted_for(platform: Platform, name: str) -> None:
    began = datetime.now(UTC).isoformat(timespec="milliseconds")
    platform.kill(name)
    until(lambda: platform.all_recording(CAMERAS), 30, "all recorded again")
    allowed = {"writer_failed", "transport_lost", "source_silent"} if name == "ingest" else set[str]()
    for camera in simulated(CAMERAS):
        accounted_for(platform, camera, began, allowed)


def test_ctrl_c_ends_everything_within_10_seconds_and_a_new_start_goes_on(platform: Platform) -> None:
    assert platform.process is not None
    children = psutil.Process(platform.process.pid).children(recursive=True)
    assert platform.stop() < 10
    assert [one for one in children if one.is_running() and one.status() != psutil.STATUS_ZOMBIE] == []
    platform.start()
    until(lambda: platform.all_recording(CAMERAS), 20, "all recorded again")
    until(lambda: "writer_failed" in causes(stretches(platform, "sim-1", "-30s")), 20, "the pause is a gap")
    assert "unexplained" not in causes(stretches(platform, "sim-1", "-10m"))
    assert platform.run("verify").returncode == 0


def test_a_second_platform_on_the_folder_is_refused(platform: Platform) -> None:
    second = Platform(platform.data, platform.settings)
    second.start()
    assert second.process is not None
    assert second.process.wait(20) == 1
    assert "VONGLAU_DATA" in (platform.data / "supervisor.log").read_text()
