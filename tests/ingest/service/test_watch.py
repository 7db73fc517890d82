"""Live pictures as a viewer gets them, from the one connection that records."""
from __future__ import annotations

import time
from collections.abc import AsyncIterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest

from vonglau.ingest.v1 import service_pb2 as wire
from vonglau.ingest.v1.events_pb2 import SegmentRecorded
from vonglau.media.fragments import fragments
from vonglau.registry.v1.events_pb2 import CameraRetired
from vonglau.testing.cameras import CameraFarm, CameraSpec
from vonglau.testing.reading import decoding_errors, recorded_frames
from vonglau.testing.scenes import SceneSpec

if TYPE_CHECKING:
    from tests.ingest.service.conftest import City

pytestmark = pytest.mark.loopback

NOISY = SceneSpec(width=640, height=360, fps=Fraction(10), seconds=Fraction(4), gop=5, kbps=8000, noise=32)


async def taken(responses: AsyncIterator[wire.WatchResponse], parts: int) -> list[wire.WatchResponse]:
    found: list[wire.WatchResponse] = []
    async for response in responses:
        found.append(response)
        if len(found) > parts:
            break
    return found


def written(path: Path, responses: list[wire.WatchResponse]) -> Path:
    path.write_bytes(b"".join(response.init_segment or response.media for response in responses))
    return path


async def test_a_viewer_sees_a_film_that_begins_at_0_in_parts_of_a_quarter_second(city: City, farm: CameraFarm, tmp_path: Path) -> None:
    await city.start()
    await city.register("cam-1", farm.url("cam-1"))
    await city.recorded("cam-1", 1)
    responses = await taken(city.watch("cam-1"), 14)
    late_s = time.time() - responses[-1].start_ns / 1e9
    path = written(tmp_path / "watched.mp4", responses)
    assert decoding_errors(path) == ""
    frames = recorded_frames(path)
    assert frames[0].key
    assert 0 <= frames[0].shown < 0.05
    assert all(0.04 < after.shown - before.shown < 0.06 for before, after in pairwise(frames))
    scene = farm.camera("cam-1").scene("main")
    assert scene.breaks([frame.crc for frame in frames]) == []
    for response in responses[1:]:
        (part,) = fragments(response.media)
        assert part.tracks[0].duration <= 90_000 // 4
    assert late_s < 3.0, "it is live"
    assert (await city.status("cam-1")).interruptions == 1, "one connection, the one that records"
    assert len(farm.camera("cam-1").plays) == 1


async def test_a_slow_viewer_skips_and_the_recording_loses_nothing(city: City, tmp_path: Path) -> None:
    async with CameraFarm([CameraSpec("cam-1", profiles={"main": NOISY})]) as farm:  # more than the sockets on the way hold
        await city.start(viewer_buffer_bytes=1 << 16)
        await city.register("cam-1", farm.url("cam-1"))
        await city.recorded("cam-1", 1)
        slow = city.watch("cam-1")
        before = await taken(slow, 1)
        await city.recorded("cam-1", 6)
        after = await skipped(slow)
        path = written(tmp_path / "skipped.mp4", [before[0], *after])
        assert decoding_errors(path) == ""
        frames = recorded_frames(path)
        assert frames[0].key
        assert frames[0].shown > 1, "time ran on over what was skipped"
        segments = await city.facts(SegmentRecorded, "cam-1")
        assert all(each.contiguous for each in segments[1:])
        assert sum(each.lost_packets for each in segments) == 0


async def skipped(responses: AsyncIterator[wire.WatchResponse]) -> list[wire.WatchResponse]:
    """The first part behind a skip, and three more."""
    async for response in responses:
        if response.skipped:
            return [response, *await taken(responses, 2)]
    raise AssertionError("nothing was skipped")


async def test_a_viewer_is_told_when_the_camera_is_recorded_no_longer(city: City, farm: CameraFarm) -> None:
    await city.start()
    await city.register("cam-1", farm.url("cam-1"))
    await city.recorded("cam-1", 1)
    watching = city.watch("cam-1")
    await taken(watching, 1)
    assert (await city.status("cam-1")).viewers == 1
    await city.happened("cam-1", CameraRetired(camera="cam-1"))
    async for response in watching:
        assert response.media
    assert await watching.code() is grpc.StatusCode.OK
