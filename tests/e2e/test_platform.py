"""The main job as a user does it, on the whole platform, in the order of a day: record, look, suspend, tamper, break, go on."""
from __future__ import annotations

import asyncio
import re
import time
from datetime import UTC, datetime
from pathlib import Path

import av
import grpc
import nats
import psutil
import pytest

from tests.e2e.platform import Platform, decoded, simulated, until
from tests.e2e.timelines import accounted_for, causes, stretches
from vonglau.registry.v1.service_pb2 import ListOwnersRequest
from vonglau.registry.v1.service_pb2_grpc import RegistryStub
from vonglau.rpc.addresses import find

pytestmark = [pytest.mark.loopback, pytest.mark.timeout(180)]

CAMERAS = 4


def test_within_20_seconds_every_camera_is_recorded(platform: Platform) -> None:
    until(lambda: platform.all_recording(CAMERAS), 20, "all cameras recorded")


def test_status_and_camera_list_have_the_shape_that_programs_rely_on(platform: Platform) -> None:
    for command in (("status",), ("camera", "list")):
        cameras = platform.ask(*command)["cameras"]
        assert [one["id"] for one in cameras] == simulated(CAMERAS)
        assert all({"id", "owner", "name", "state"} <= one.keys() and one["state"] == "recording" for one in cameras)


def test_status_of_one_owner_leaves_out_the_others(platform: Platform) -> None:
    owners = {one["id"]: one["owner"] for one in platform.ask("status")["cameras"]}
    wanted = owners[f"sim-{CAMERAS}"]
    assert owners["sim-1"] != wanted
    assert [one["id"] for one in platform.ask("status", "--owner", wanted)["cameras"]] == [camera for camera, owner in owners.items() if owner == wanted]


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


def test_owners_are_listed_with_who_administers_them(platform: Platform) -> None:
    owners = {one["id"]: one for one in platform.call("owner", "list")["owners"]}
    assert owners.keys() == {"o-cho-dua", "tay-ho", "traffic-police"}
    assert (owners["tay-ho"]["name"], owners["tay-ho"]["administrators"]) == ("Phường Tây Hồ", ["local"])


def test_a_token_lets_another_client_in_as_its_person(platform: Platform) -> None:
    token = platform.call("token")["token"]
    with grpc.insecure_channel(find(platform.data / "run", "registry", "")) as channel:
        owners = RegistryStub(channel).ListOwners(ListOwnersRequest(), timeout=10, metadata=(("authorization", f"Bearer {token}"),)).owners
        assert len(owners) == 3
        with pytest.raises(grpc.RpcError) as refused:
            RegistryStub(channel).ListOwners(ListOwnersRequest(), timeout=10)
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED


@pytest.fixture
def inventory(tmp_path: Path) -> str:
    """One camera that is on no network, and a row that no owner has."""
    path = tmp_path / "inventory.csv"
    path.write_text(
        "id,owner,name,url,address,verifications,densities\n"
        "gate-1,tay-ho,Cổng chợ,rtsp://127.0.0.1:1/1,8 Hàng Bài,KD 17 2026-01-15/2027-01-15,gate=125\n"
        "gate-2,nobody,Cổng trường,rtsp://127.0.0.1:1/2,,,\n",
        encoding="utf-8",
    )
    return str(path)


def test_a_dry_run_of_an_inventory_writes_nothing(platform: Platform, inventory: str) -> None:
    answer = platform.call("camera", "import", inventory, "--dry-run", code=1)
    assert (answer["dry_run"], answer["counts"]) == (True, {"registered": 1, "refused": 1})
    assert platform.call("camera", "show", "gate-1", code=1)["error"]["reason"] == "CAMERA_NOT_VISIBLE"


def test_a_refused_row_of_an_inventory_leaves_the_others_and_a_second_run_changes_nothing(platform: Platform, inventory: str) -> None:
    rows = platform.call("camera", "import", inventory, code=1)["rows"]
    assert [(one["row"], one["outcome"], one["reason"]) for one in rows] == [(2, "registered", ""), (3, "refused", "OWNER_NOT_VISIBLE")]
    until(lambda: "gate-1" in [one["id"] for one in platform.call("camera", "list")["cameras"]], 10, "the camera is listed")
    shown = platform.call("camera", "show", "gate-1")["camera"]
    assert (shown["address"], shown["latitude"], shown["densities"]) == ("8 Hàng Bài", None, [{"zone": "gate", "pixels_per_metre": 125.0}])
    assert platform.call("camera", "import", inventory, code=1)["counts"] == {"unchanged": 1, "refused": 1}


def test_a_retired_camera_is_still_there_as_of_before(platform: Platform) -> None:
    """The one that was imported."""
    before = datetime.now(UTC).isoformat()
    assert platform.call("camera", "retire", "gate-1", "--reason", "scrapped")["camera"]["state"] == "retired"
    until(lambda: "gate-1" not in [one["id"] for one in platform.call("camera", "list")["cameras"]], 10, "the camera is gone")
    assert platform.call("camera", "show", "gate-1")["camera"]["state"] == "retired"
    assert platform.call("camera", "show", "gate-1", "--as-of", before)["camera"]["state"] == "active"
    assert "gate-1" in [one["id"] for one in platform.call("camera", "list", "--as-of", before)["cameras"]]
    assert platform.call("camera", "resume", "gate-1", code=1)["error"]["reason"] == "CAMERA_RETIRED"


def test_a_rebuild_changes_no_timeline(platform: Platform) -> None:
    at = datetime.now(UTC).isoformat(timespec="seconds")
    before = platform.ask("timeline", "sim-3", "--from", "-10m", "--to", at)  # the one that was suspended
    assert platform.ask("rebuild", "recording")["projections"] == ["recording"]
    after = platform.ask("timeline", "sim-3", "--from", before["stretches"][0]["from"], "--to", at)
    assert causes(after["stretches"]) == causes(before["stretches"])


def test_what_the_buckets_alone_cannot_tell_is_noted_and_a_rebuild_brings_it_back(platform: Platform) -> None:
    began = platform.call("timeline", "sim-3", "--from", "-10m")["stretches"][0]["from"]
    at = datetime.now(UTC).isoformat(timespec="seconds")

    def told() -> list[str]:
        return causes(platform.call("timeline", "sim-3", "--from", began, "--to", at)["stretches"])

    before = told()
    assert "suspended" in before
    notes = platform.call("rebuild", "recording", "--buckets-only")["notes"]
    assert [note.partition(":")[0] for note in notes if "causes of their gaps are unknown" in note] == simulated(CAMERAS)
    assert "suspended" not in told()
    platform.call("rebuild", "recording")
    assert told() == before


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


@pytest.mark.parametrize("name", ["ingest", "nats", *(pytest.param(name, marks=pytest.mark.long) for name in ("recording", "registry", "retention"))])
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


async def told(port: int, subject: str, kind: str) -> None:
    """A fact that nobody understands, past whoever would have checked it."""
    connection = await nats.connect(f"nats://127.0.0.1:{port}")
    await connection.jetstream().publish(subject, b"", headers={"ce-type": kind, "ce-id": "1"})
    await connection.close()


def test_a_fact_that_cannot_be_applied_is_parked_and_says_so_until_it_is_mended(platform: Platform) -> None:
    port = re.search(r"port: (\d+)", (platform.data / "nats" / "nats-server.conf").read_text())
    assert port
    asyncio.run(told(int(port[1]), "fact.clock.stray", "vonglau.ingest.v1.FromTheFuture"))
    (parked,) = until(lambda: platform.call("parked", "list")["parked"], 10, "the fact is parked")
    assert (parked["service"], parked["reason"], parked["events"]) == ("recording", "EVENT_TYPE_UNKNOWN", 1)
    key = (parked["service"], parked["projection"], parked["key"])
    (waiting,) = platform.call("parked", "show", *key)["parked"]["waiting"]
    assert waiting["type"] == "vonglau.ingest.v1.FromTheFuture"
    assert platform.call("parked", "replay", *key, code=1) == {"applied": 0, "waiting": 1, "reason": "EVENT_TYPE_UNKNOWN"}
