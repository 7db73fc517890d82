"""Encoded pictures, written by PyAV or by the simulated camera's scenes, as material for the writer."""
from __future__ import annotations

from fractions import Fraction

import pytest

from vonglau.media.fmp4 import Run, Sync, VideoTrack, fragment_header, init_segment
from vonglau.testing.scenes import Scene, SceneSpec, load

TICKS = 9000                                                 # of one frame at 10 fps
START = 158_000_000_000_000                                  # ticks: in the year 2025


@pytest.fixture(scope="session", params=["h264", "h265"])
def scene(request: pytest.FixtureRequest) -> Scene:
    return load(SceneSpec(width=320, height=180, fps=Fraction(10), seconds=Fraction(4), gop=10, kbps=200, codec=request.param))


@pytest.fixture(scope="session")
def track(scene: Scene) -> VideoTrack:
    return VideoTrack(scene.spec.codec, scene.parameter_sets)


@pytest.fixture(scope="session")
def pairs(scene: Scene) -> list[bytes]:
    """One `moof` + `mdat` for each second of the scene."""
    written = []
    for first in range(0, len(scene), 10):
        samples = [b"".join(len(unit).to_bytes(4, "big") + unit for unit in frame.units) for frame in scene.frames[first:first + 10]]
        run = Run(1, START + first * TICKS, [TICKS] * 10, [len(sample) for sample in samples], Sync.FIRST)
        written.append(fragment_header(first // 10 + 1, (run,)) + b"".join(samples))
    return written


@pytest.fixture(scope="session")
def init(track: VideoTrack) -> bytes:
    return init_segment(track)
