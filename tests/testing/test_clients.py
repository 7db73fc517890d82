"""Clients that are not ours: the ffmpeg program and PyAV play every kind of stream, and nothing is lost by content."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import av
import imageio_ffmpeg
import numpy as np
import pytest

from vonglau.testing.cameras import CameraFarm, CameraSpec
from vonglau.testing.cameras.live import LiveReel
from vonglau.testing.scenes import Scene, SceneSpec, load, read_clock, read_counter
from vonglau.testing.scenes.nal import slice_crc, split_annex_b
from vonglau.testing.scenes.spec import LIVE

pytestmark = pytest.mark.loopback

TINY = SceneSpec(width=320, height=180, fps=Fraction(25), seconds=Fraction(6, 5), gop=10, kbps=400)
SPECS = {
    "plain": TINY,
    "h265": replace(TINY, codec="h265"),
    "bframes": replace(TINY, bframes=2),
    "ntsc": replace(TINY, fps=Fraction(30000, 1001), gop=12),
    "large": replace(TINY, kbps=4000, noise=20),
}


# Probing for 5 s, as is usual, would only make the tests wait.
OPTIONS = {"rtsp_transport": "tcp", "timeout": "5000000", "analyzeduration": "300000"}


@asynccontextmanager
async def farm_of(spec: SceneSpec, **camera: Any) -> AsyncIterator[CameraFarm]:
    async with CameraFarm([CameraSpec("cam-1", profiles={"main": spec}, **camera)]) as farm:
        yield farm


@dataclass
class Watched:
    crcs: list[int] = field(default_factory=list)
    stamps: list[int] = field(default_factory=list)  # 90 kHz, decode order
    counters: list[int] = field(default_factory=list)
    behind: list[float] = field(default_factory=list)  # seconds from the picture's clock to its arrival
    sizes: set[tuple[int, int]] = field(default_factory=set)
    audio: int = 0


def watch(url: str, scene: Scene | None, frames: int) -> Watched:
    """`frames` video frames by PyAV over TCP."""
    seen = Watched()
    with av.open(url, options=OPTIONS) as opened:
        for packet in opened.demux():
            if packet.stream.type == "audio":
                seen.audio += packet.size > 0
                continue
            if packet.size:
                seen.crcs.append(slice_crc(split_annex_b(bytes(packet)), scene.spec.codec if scene else "h264"))
                seen.stamps.append(packet.pts or 0)
            for picture in packet.decode():
                assert isinstance(picture, av.VideoFrame)
                image = np.asarray(picture.to_ndarray(format="rgb24"), np.uint8)
                seen.counters.append(read_counter(image))
                seen.behind.append(time.time() - read_clock(image))
                seen.sizes.add((picture.width, picture.height))
            if len(seen.crcs) >= frames:
                return seen
    raise AssertionError("the stream ended")


async def test_pyav_receives_every_frame_of_every_kind_unharmed_over_the_loops_seam() -> None:
    async with CameraFarm([CameraSpec(name, profiles={"main": spec}) for name, spec in SPECS.items()]) as farm:
        scenes = {name: farm.camera(name).scene() for name in SPECS}
        watching = (asyncio.to_thread(watch, farm.url(name), scene, len(scene) + 10) for name, scene in scenes.items())
        seen = dict(zip(SPECS, await asyncio.gather(*watching), strict=True))
    for name, one in seen.items():
        assert scenes[name].breaks(one.crcs) == [], name
        assert {(b - a) % len(scenes[name]) for a, b in pairwise(one.counters)} == {1}, name
        # The last frames in decode order may be shown after some that haven't come yet.
        ticks = sorted(one.stamps)[: -SPECS[name].bframes or None]
        assert {b - a for a, b in pairwise(ticks)} == {round(90_000 / SPECS[name].fps)}, name


async def breaks_under(spec: SceneSpec, *faults: str) -> dict[str, list[int]]:
    """What 30 frames lost by content, for one client per fault, all at once."""
    async with farm_of(spec) as farm:
        scene = farm.camera("cam-1").scene()
        seen = await asyncio.gather(*(asyncio.to_thread(watch, f"{farm.url('cam-1')}?{fault}", scene, 30) for fault in faults))
    return {fault: scene.breaks(one.crcs) for fault, one in zip(faults, seen, strict=True)}


async def test_pyav_bears_the_habits_of_odd_cameras() -> None:
    habits = ["sdp_sets=off", "in_band=off", "aggregate=on", "extras=on", "wrap=1", "content_base=missing", "rtp_info=wrong&ssrc=wrong", "start=now"]
    assert await breaks_under(SPECS["large"], *habits) == {habit: [] for habit in habits}


async def test_pyav_bears_them_in_h265_too() -> None:
    habits = ["sdp_sets=off", "in_band=off", "aggregate=on"]
    assert await breaks_under(SPECS["h265"], *habits) == {habit: [] for habit in habits}


@pytest.mark.parametrize("fault", ["loss=3", "damage=3"])
async def test_loss_and_damage_show_in_the_content(fault: str) -> None:
    async with farm_of(SPECS["large"]) as farm:
        scene = farm.camera("cam-1").scene()
        seen = await asyncio.to_thread(received, f"{farm.url('cam-1')}?{fault}", 20)
    assert scene.breaks(seen)


def received(url: str, frames: int) -> list[int]:
    with av.open(url, options=OPTIONS) as opened:
        packets = (packet for packet in opened.demux(video=0) if packet.size)
        return [slice_crc(split_annex_b(bytes(next(packets))), "h264") for _ in range(frames)]


async def test_a_tone_comes_beside_the_picture() -> None:
    async with CameraFarm([CameraSpec(audio, profiles={"main": TINY}, audio=audio) for audio in ("aac", "pcmu")]) as farm:
        seen = await asyncio.gather(*(asyncio.to_thread(watch, farm.url(audio), farm.camera(audio).scene(), 50) for audio in farm.cameras))
    assert [one.audio >= 1.5 * a_second for one, a_second in zip(seen, (16_000 / 1024, 50), strict=True)] == [True, True]


async def test_a_change_of_size_in_mid_stream_decodes() -> None:
    async with farm_of(TINY) as farm:
        await asyncio.to_thread(load, TINY.sized(240, 136))
        seen = await asyncio.to_thread(watch, farm.url("cam-1", change="0.5,240x136"), farm.camera("cam-1").scene(), 45)
    assert seen.sizes == {(320, 180), (240, 136)}


async def test_a_live_picture_tells_when_it_was_taken() -> None:
    async with farm_of(LIVE) as farm:
        seen = await asyncio.to_thread(watch, farm.url("cam-1"), None, 15)
        reel = farm.camera("cam-1").reel("main", farm.camera("cam-1").faults)
        assert isinstance(reel, LiveReel)
    assert all(behind > -0.05 for behind in seen.behind)
    assert min(seen.behind) < 0.3
    assert [b - a for a, b in zip(seen.counters, seen.counters[1:], strict=False)] == [1] * (len(seen.counters) - 1)


def ffmpeg(*arguments: str) -> str:
    """What it says; loud about every decode error."""
    program = str(imageio_ffmpeg.get_ffmpeg_exe())  # type: ignore[attr-defined, no-untyped-call]
    quiet = ["-hide_banner", "-nostdin", "-loglevel", "warning"]
    command = [program, *quiet, "-rtsp_transport", "tcp", "-analyzeduration", "300000", *arguments, "-f", "null", "-"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    return done.stderr + (f"exit code {done.returncode}" if done.returncode else "")


async def test_ffmpeg_comes_in_with_every_kind_of_password() -> None:
    cameras = [CameraSpec(s, profiles={"main": TINY}, user="admin", password="p@ss:wörd", scheme=s) for s in ("digest", "digest-qop", "basic")]  # noqa: S106
    async with CameraFarm(cameras) as farm:
        said = await asyncio.gather(*(asyncio.to_thread(ffmpeg, "-i", farm.url(name), "-frames:v", "3") for name in farm.cameras))
    assert said == ["", "", ""]


async def test_ffmpeg_finds_nothing_wrong_in_h264_with_aac_over_the_seam() -> None:
    async with farm_of(TINY, audio="aac") as farm:
        assert await asyncio.to_thread(ffmpeg, "-xerror", "-i", farm.url("cam-1"), "-t", "2.5") == ""


async def test_ffmpeg_finds_nothing_wrong_in_h265() -> None:
    async with farm_of(SPECS["h265"]) as farm:
        assert await asyncio.to_thread(ffmpeg, "-xerror", "-i", farm.url("cam-1"), "-t", "2.5") == ""


async def test_a_farm_in_a_process_of_its_own_tells_its_urls_and_ends_when_asked() -> None:
    command = [sys.executable, "-m", "vonglau.testing.cameras", "--port", "0", "--cameras", "3", "--user", "u", "--password", "s3", "--scene", "live"]
    farm = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    assert farm.stdout is not None
    try:
        told = json.loads(await asyncio.wait_for(farm.stdout.readline(), 20))
        assert list(told["cameras"]) == ["cam-1", "cam-2", "cam-3"]
        seen = await asyncio.to_thread(watch, told["cameras"]["cam-2"]["sub"], None, 3)
        assert len(seen.crcs) == 3
    finally:
        farm.terminate()
    assert await asyncio.wait_for(farm.wait(), 10) == 0
