"""Simulated cameras with their faults, all recorded at once; then each test looks at one of them.

Content is compared frame by frame with the camera's truth, through PyAV; decoding is ffmpeg's.
"""
from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

from services.ingest.causes import Cause, Interruption, InterruptionBegun, InterruptionEnded
from services.ingest.data_plane_settings import DataPlaneSettings
from services.ingest.live import LivePart
from services.ingest.recorder import Recording
from services.ingest.rtsp.url import Credentials, parse_url
from services.ingest.segment import ClosedSegment
from services.ingest.session import CameraSession, DataPlane, SessionStatus, Source, State
from services.ingest.spool import Spool
from vonglau.clock import SystemClock
from vonglau.media.fragments import fragments
from vonglau.testing.cameras import CameraFarm, CameraSpec
from vonglau.testing.cameras.audio import Audio
from vonglau.testing.reading import RecordedFrame, audio_frames, decoding_errors, recorded_frames
from vonglau.testing.scenes import Scene, SceneSpec
from vonglau.testing.waiting import eventually

pytestmark = pytest.mark.loopback

SECONDS = 14.0
SECOND = 1_000_000_000
FRAME_NS = 100_000_000
QUICK = SceneSpec(width=320, height=180, fps=Fraction(10), seconds=Fraction(4), gop=10, kbps=200)
SETTINGS = DataPlaneSettings(
    segment_s=3, silence_s=2, backoff_first_s=0.2, backoff_most_s=0.8, unauthorised_wait_s=3, connect_timeout_s=2, reply_timeout_s=1, handshakes=8,
    anchor_window_s=3, gop_cap_s=2,
)
SCENES = {
    "h265": replace(QUICK, codec="h265"), "bframes": replace(QUICK, bframes=2), "h265-bframes": replace(QUICK, codec="h265", bframes=2),
    "long-gop": replace(QUICK, gop=40), "watched-bframes": replace(QUICK, bframes=2), "watched-h265": replace(QUICK, codec="h265"),
}
FAULTS: dict[str, dict[str, str]] = {
    "plain": {}, "h265": {}, "bframes": {}, "h265-bframes": {}, "long-gop": {"start": "now"}, "aac": {}, "pcmu": {}, "watched": {},
    "watched-bframes": {}, "watched-h265": {},
    "wrap": {"wrap": "3"}, "back-10s": {"jump": "4,-10"}, "ahead-1h": {"jump": "4,3600"}, "back-half": {"jump": "4,-0.5"}, "fast-clock": {"drift": "0.02"},
    "cut": {"cut": "4.3,1.5"}, "stall-short": {"stall": "4,1"}, "stall-long": {"stall": "4,5"}, "garbage": {"garbage": "4,500"},
    "change": {"change": "4,160x90"}, "skew": {"skew": "7.3"}, "hour-behind": {"skew": "-3600"}, "in-band": {"sdp_sets": "off"},
    "sdp-only": {"in_band": "off"},
    "aggregate": {"aggregate": "on"}, "no-fu-end": {"fu_end": "off"}, "extras": {"extras": "on"}, "empty-units": {"empty_units": "on"},
    "wrong-base": {"content_base": "wrong"},
    "no-type": {"content_type": "missing"}, "no-rtcp": {"rtcp": "off"}, "stale-nonce": {"nonce_life": "1"}, "starts-now": {"start": "now"},
    "loss": {"loss": "5"}, "rejected": {"reject": "challenge"}, "bare-401": {"reject": "bare"}, "busy": {"refuse": "503"}, "mute": {"mute": "on"},
}
PASSWORD = "p,ä@"  # noqa: S105 - of simulated cameras
AUDIO: dict[str, Audio] = {"aac": "aac", "pcmu": "pcmu", "watched-bframes": "aac", "watched-h265": "aac"}
WATCHED = ["watched", "watched-bframes", "watched-h265"]
LOSSLESS = [
    "plain", "h265", "bframes", "h265-bframes", "long-gop", "aac", "pcmu", *WATCHED, "wrap", "back-10s", "ahead-1h", "back-half", "fast-clock", "skew",
    "in-band", "sdp-only", "aggregate", "no-fu-end", "extras", "empty-units", "wrong-base", "no-type", "no-rtcp", "stale-nonce", "starts-now",
]


@dataclass
class Seen:
    """What came of one camera, and what it was."""

    scene: Scene
    began_ns: int = 0
    ended_ns: int = 0
    segments: list[ClosedSegment] = field(default_factory=list)
    interruptions: list[Interruption] = field(default_factory=list)
    status: SessionStatus | None = None  # just before the session ended
    was_receiving: bool = False  # likewise
    total: SessionStatus | None = None  # after it, with what was cut off at the end
    inits: list[bytes] = field(default_factory=list)
    parts: list[LivePart] = field(default_factory=list)
    late_ns: list[int] = field(default_factory=list)

    def frames(self) -> list[RecordedFrame]:
        return [frame for segment in self.segments for frame in recorded_frames(segment.path)]

    def begun(self) -> list[InterruptionBegun]:
        return [one for one in self.interruptions if isinstance(one, InterruptionBegun)]

    def ended(self) -> list[InterruptionEnded]:
        return [one for one in self.interruptions if isinstance(one, InterruptionEnded)]

    def init_changed(self, init: bytes) -> None:
        self.inits.append(init)

    def part_came(self, part: LivePart) -> None:
        self.parts.append(part)
        self.late_ns.append(SystemClock().now_ns() - part.start_ns - part.duration_ns)


@dataclass
class Listener:
    seen: dict[str, Seen]

    def segment_closed(self, segment: ClosedSegment) -> None:
        self.seen[segment.head.camera].segments.append(segment)

    def segment_shed(self, segment: ClosedSegment) -> None:
        raise AssertionError("nothing is to be shed")

    def footage_lost(self, interruption: Interruption) -> None:
        raise AssertionError("nothing is to be lost")


async def record(root: Path) -> dict[str, Seen]:
    specs = [
        CameraSpec(name, profiles={"main": SCENES.get(name, QUICK)}, user="u", password=PASSWORD, audio=AUDIO.get(name, "none"), session_timeout=4)
        for name in FAULTS
    ]
    clock = SystemClock()
    async with CameraFarm(specs) as farm:
        seen = {name: Seen(farm.camera(name).scene("main")) for name in FAULTS}
        post = asyncio.get_running_loop().call_soon_threadsafe
        spool = Spool(root, limit_bytes=1 << 30, pending_bytes=1 << 28, threads=2, listener=Listener(seen), post=post)
        plane = DataPlane(SETTINGS, clock, spool)
        sessions, tasks = {}, {}
        for name, faults in FAULTS.items():
            address, _ = parse_url(farm.url(name, credentials=False, **faults))
            sessions[name] = CameraSession(Recording(name, "owner", 7), Source(address, Credentials("u", PASSWORD)), plane, seen[name].interruptions.append)
            seen[name].began_ns = clock.now_ns()
            tasks[name] = asyncio.create_task(sessions[name].run())
        for name in WATCHED:
            sessions[name].watch(seen[name])
        await asyncio.sleep(SECONDS)
        for name, task in tasks.items():
            seen[name].status, seen[name].was_receiving = sessions[name].status(), sessions[name].is_receiving
            seen[name].ended_ns = clock.now_ns()
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            seen[name].total = sessions[name].status()
        plane.drain.close()
        assert await asyncio.to_thread(spool.close)
        await asyncio.sleep(0)
        assert plane.drain.failures == 0
    return seen


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Seen]:
    return asyncio.run(record(tmp_path_factory.mktemp("spool")))


@pytest.mark.parametrize("camera", LOSSLESS)
def test_every_frame_is_recorded_once_in_order(run: dict[str, Seen], camera: str) -> None:
    seen = run[camera]
    crcs = [frame.crc for frame in seen.frames()]
    assert seen.scene.breaks(crcs) == []
    assert len(crcs) >= 90
    assert seen.interruptions == []
    assert seen.status is not None
    assert (seen.status.lost_packets, seen.status.state, seen.was_receiving) == (0, State.RECORDING, True)
    assert sum(one.damaged_access_units for one in seen.segments) == 0


@pytest.mark.parametrize("camera", [name for name in FAULTS if name not in ("loss", "rejected", "bare-401", "busy", "mute")])
def test_each_object_decodes_by_itself(run: dict[str, Seen], camera: str) -> None:
    segments = run[camera].segments
    assert segments
    for segment in segments[:1] + segments[-2:]:
        assert decoding_errors(segment.path) == ""
        assert recorded_frames(segment.path)[0].key


@pytest.mark.parametrize("camera", LOSSLESS)
def test_objects_follow_each_other_without_a_gap(run: dict[str, Seen], camera: str) -> None:
    segments = run[camera].segments
    assert all(later.head.start_ns == earlier.end_ns and later.head.contiguous for earlier, later in pairwise(segments))
    assert [one.head.previous_sha256 for one in segments] == ["", *(one.sha256 for one in segments[:-1])]
    assert [one.head.number for one in segments] == list(range(len(segments)))


@pytest.mark.parametrize("camera", ["plain", "h265", "bframes", "aac", "wrap", "skew"])
def test_a_healthy_camera_has_neither_drift_nor_discontinuity_and_is_on_time(run: dict[str, Seen], camera: str) -> None:
    segments = run[camera].segments
    assert not any(one.head.discontinuity for one in segments)
    assert all(abs(one.head.drift_ns) < 2 * FRAME_NS for one in segments)
    assert [round(one.media_duration_ns / SECOND, 2) for one in segments[:-1]] == [3.0] * (len(segments) - 1)
    assert -2 * FRAME_NS < run[camera].ended_ns - segments[-1].end_ns < 1.5 * SECOND


@pytest.mark.parametrize("camera", [name for name in FAULTS if name not in ("loss", "fast-clock", "long-gop")])
def test_recorded_time_and_interruptions_cover_all_time_but_the_start_and_the_open_end(run: dict[str, Seen], camera: str) -> None:
    seen = run[camera]
    spans = [(one.head.start_ns, one.end_ns) for one in seen.segments]
    spans += [(one.begun_ns, one.at_ns) for one in seen.ended()]
    if len(seen.begun()) > len(seen.ended()):
        spans.append((seen.begun()[-1].at_ns, seen.ended_ns))
    spans.sort()
    assert all(0 <= later[0] - earlier[1] + 1 <= FRAME_NS for earlier, later in pairwise(spans))
    assert spans[0][0] - seen.began_ns < 2.5 * SECOND
    assert seen.ended_ns - spans[-1][1] < 1.5 * SECOND


def test_other_parameter_sets_begin_another_object(run: dict[str, Seen]) -> None:
    sizes = [(one.head.width, one.head.height) for one in run["change"].segments]
    assert sizes[0] == (320, 180)
    assert sizes[-1] == (160, 90)
    assert sum(1 for earlier, later in pairwise(sizes) if earlier != later) == 1
    assert run["change"].interruptions == []


@pytest.mark.parametrize("camera", ["back-10s", "ahead-1h", "back-half"])
def test_a_jump_of_the_media_clock_is_marked_on_its_object_only(run: dict[str, Seen], camera: str) -> None:
    segments = run[camera].segments
    assert [one.head.discontinuity for one in segments].count(True) == 1
    jumped = next(one for one in segments if one.head.discontinuity)
    assert segments[0].head.start_ns + 3 * SECOND < jumped.end_ns < segments[0].head.start_ns + 6 * SECOND


def test_a_clock_that_runs_too_fast_drifts_within_the_limit(run: dict[str, Seen]) -> None:
    drifts = [one.head.drift_ns for one in run["fast-clock"].segments]
    assert all(abs(drift) <= 0.2 * SECOND for drift in drifts)
    assert sum(drifts) < -0.08 * SECOND


@pytest.mark.parametrize(("camera", "skew"), [("plain", 0.0), ("skew", 7.3), ("hour-behind", -3600.0)])
def test_the_cameras_clock_is_measured_and_stored_with_each_object(run: dict[str, Seen], camera: str, skew: float) -> None:
    for segment in run[camera].segments[1:]:
        assert segment.head.clock_offset_ns is not None
        assert abs(segment.head.clock_offset_ns - skew * SECOND) < 0.2 * SECOND


def test_a_camera_that_tells_no_time_has_no_offset(run: dict[str, Seen]) -> None:
    assert [one.head.clock_offset_ns for one in run["no-rtcp"].segments] == [None] * len(run["no-rtcp"].segments)


def test_sound_is_recorded_beside_the_picture(run: dict[str, Seen]) -> None:
    sound = [unit for segment in run["aac"].segments for unit in audio_frames(segment.path)]
    assert len(sound) > 150
    assert all(0 < later[0] - earlier[0] < Fraction(1, 3) for earlier, later in pairwise(sound))
    assert all(one.head.has_audio and one.head.codec.endswith(",mp4a.40.2") for one in run["aac"].segments)


def test_sound_that_can_not_be_kept_leaves_the_picture_alone(run: dict[str, Seen]) -> None:
    assert not any(one.head.has_audio for one in run["pcmu"].segments)


def test_a_long_gop_is_written_in_pieces_of_the_cap(run: dict[str, Seen]) -> None:
    pairs = [pair for segment in run["long-gop"].segments for pair in fragments(segment.path.read_bytes())]
    assert max(pair.tracks[0].duration for pair in pairs) <= 2.1 * 90_000
    assert [pair.keyframe for pair in pairs[:4]] == [True, False, True, False]


@pytest.mark.parametrize(("camera", "cause"), [("cut", Cause.TRANSPORT_LOST), ("stall-long", Cause.SOURCE_SILENT), ("garbage", Cause.DAMAGED_STREAM)])
def test_a_break_is_told_with_its_cause_and_its_exact_bounds(run: dict[str, Seen], camera: str, cause: Cause) -> None:
    seen = run[camera]
    starts = {one.head.start_ns for one in seen.segments}
    ends = {one.end_ns for one in seen.segments}
    assert seen.begun()[0].cause is cause
    assert seen.begun()[0].at_ns in ends
    assert seen.ended()[-1].at_ns in starts
    assert len(seen.begun()) == len(seen.ended())
    assert seen.scene.breaks([frame.crc for frame in seen.frames()]) != []
    assert seen.status is not None
    assert (seen.status.state, seen.status.cause) == (State.RECORDING, None)


def test_while_the_camera_refuses_the_cause_is_its_refusal(run: dict[str, Seen]) -> None:
    causes = [one.cause for one in run["cut"].begun()]
    assert causes == [Cause.TRANSPORT_LOST, Cause.REFUSED]
    assert run["cut"].ended()[0].at_ns == run["cut"].begun()[1].at_ns


def test_a_short_stall_is_no_interruption(run: dict[str, Seen]) -> None:
    assert run["stall-short"].interruptions == []
    assert all(later.head.start_ns == earlier.end_ns for earlier, later in pairwise(run["stall-short"].segments))


def test_lost_packets_are_counted_on_their_objects(run: dict[str, Seen]) -> None:
    seen = run["loss"]
    assert seen.total is not None
    assert sum(one.lost_packets for one in seen.segments) == seen.total.lost_packets > 0


@pytest.mark.parametrize(("camera", "cause"), [
    ("rejected", Cause.UNAUTHORISED), ("bare-401", Cause.UNAUTHORISED), ("busy", Cause.REFUSED), ("mute", Cause.SOURCE_SILENT),
])
def test_a_camera_that_never_plays_is_interrupted_from_the_start(run: dict[str, Seen], camera: str, cause: Cause) -> None:
    seen = run[camera]
    assert [(one.cause, abs(one.at_ns - seen.began_ns) < SECOND) for one in seen.begun()] == [(cause, True)]
    assert seen.ended() == []
    assert seen.segments == []
    assert seen.status is not None
    assert (seen.status.state, seen.status.cause, seen.status.detail != "", seen.was_receiving) == (State.INTERRUPTED, cause, True, False)


@pytest.mark.parametrize("camera", WATCHED)
def test_a_viewer_gets_the_same_frames_in_small_fresh_parts(run: dict[str, Seen], camera: str, tmp_path: Path) -> None:
    seen = run[camera]
    film = tmp_path / "watched.mp4"
    film.write_bytes(seen.inits[0] + b"".join(part.data for part in seen.parts))
    assert len(seen.inits) == 1
    assert decoding_errors(film) == ""
    frames = recorded_frames(film)
    assert seen.scene.breaks([frame.crc for frame in frames]) == []
    assert len(frames) >= 110
    assert sum(part.key for part in seen.parts) == sum(frame.key for frame in frames)
    assert all(later.decoded > earlier.decoded for earlier, later in pairwise(frames))
    assert (len(audio_frames(film)) > 150) == (camera in AUDIO)


@pytest.mark.parametrize(("camera", "longest", "latest"), [("watched", 0.25, 0.35), ("watched-h265", 0.25, 0.35), ("watched-bframes", 0.45, 0.7)])
def test_parts_are_small_and_fresh(run: dict[str, Seen], camera: str, longest: float, latest: float) -> None:
    """With B-frames at 10 fps a part has to wait for the frames that are shown before its last: 0.4 s."""
    seen = run[camera]
    assert max(part.duration_ns for part in seen.parts) <= longest * SECOND
    assert sorted(seen.late_ns)[len(seen.late_ns) // 2] < latest * SECOND


def test_a_status_tells_rate_and_format(run: dict[str, Seen]) -> None:
    status = run["plain"].status
    assert status is not None
    assert 100_000 < status.bitrate < 500_000
    assert status.format is not None
    assert (status.format.width, status.recorded_ns > 10 * SECOND) == (320, True)


def everything(run: dict[str, Seen]) -> Iterator[ClosedSegment]:
    for seen in run.values():
        yield from seen.segments


def test_no_secret_stands_in_the_spool(run: dict[str, Seen]) -> None:
    assert not any(b"p,\xc3\xa4@" in one.path.with_suffix(".json").read_bytes() for one in everything(run))


async def test_cameras_that_never_answer_do_not_hold_up_the_others(tmp_path: Path) -> None:
    settings = replace(SETTINGS, handshakes=3, reply_timeout_s=2)
    mutes = [f"mute-{number}" for number in range(6)]
    async with CameraFarm([CameraSpec(name, profiles={"main": QUICK}) for name in (*mutes, "healthy")]) as farm:
        seen = {name: Seen(farm.camera(name).scene("main")) for name in (*mutes, "healthy")}
        post = asyncio.get_running_loop().call_soon_threadsafe
        plane = DataPlane(settings, SystemClock(), Spool(tmp_path, limit_bytes=1 << 30, pending_bytes=1 << 28, threads=1, listener=Listener(seen), post=post))

        def start(name: str, *, mute: str = "off") -> tuple[CameraSession, asyncio.Task[None]]:
            address, _ = parse_url(farm.url(name, mute=mute))
            session = CameraSession(Recording(name, "owner", 7), Source(address, None), plane, seen[name].interruptions.append)
            return session, asyncio.create_task(session.run())

        tasks = [start(name, mute="on")[1] for name in mutes]
        await eventually(lambda: all(seen[name].interruptions for name in mutes))
        session, healthy = start("healthy")
        await eventually(lambda: session.status().state is State.RECORDING, within=8)
        for task in (*tasks, healthy):
            task.cancel()
        await asyncio.gather(*tasks, healthy, return_exceptions=True)
        plane.drain.close()
        assert await asyncio.to_thread(plane.spool.close)
