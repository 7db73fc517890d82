"""When others hear that a camera is recorded here: at that word they stop, so it has to be true."""
from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from services.ingest import on_air
from services.ingest.causes import Cause, InterruptionEnded
from services.ingest.on_air import Beginning, OnAir
from services.ingest.recorder import Recording
from services.ingest.roster import Listed
from vonglau.registry.v1.events_pb2 import CAMERA_CLASS_TRAFFIC
from vonglau.testing.clock import SettableClock
from vonglau.testing.waiting import eventually

FIRST_NS = 5


class Session:
    """Records its first key frame when it is told to, or as it ends: what lay in an unfinished group of frames."""

    def __init__(self, recording: Recording, source: Any, plane: Any, report: Any, interrupted: Any) -> None:
        self.recorder = SimpleNamespace(until_ns=0, recorded_ns=0, next_number=1)
        self.has_key_frame = asyncio.Event()
        self._report = report

    def watch(self, viewer: Any) -> None:
        raise AssertionError("nobody watches")

    async def run(self) -> None:
        try:
            await self.has_key_frame.wait()
            self._record()
            await asyncio.Event().wait()
        finally:
            self._record()

    def _record(self) -> None:
        if not self.recorder.recorded_ns:
            self.recorder.recorded_ns, self.recorder.until_ns = 1, FIRST_NS + 1
            self._report(InterruptionEnded("cam-1", Cause.SOURCE_SILENT, 1, FIRST_NS))


@pytest.fixture
def told() -> list[tuple[str, int, int]]:
    return []


@pytest.fixture
async def entry(monkeypatch: pytest.MonkeyPatch, told: list[tuple[str, int, int]]) -> OnAir:
    monkeypatch.setattr(on_air, "CameraSession", Session)
    listed = Listed("cam-1", "ward-one", "rtsp://127.0.0.1:1/main", "", CAMERA_CLASS_TRAFFIC, 0)
    beginning = Beginning(listed, Recording("cam-1", "ward-one", 7), cast(Any, None), (Cause.SOURCE_SILENT, 1))
    plane = cast(Any, SimpleNamespace(clock=SettableClock()))
    return OnAir(beginning, plane, tell=lambda _: None, first_recorded=lambda *start: told.append(start), viewer_buffer_bytes=1)


async def test_the_first_key_frame_is_told_once(entry: OnAir, told: list[tuple[str, int, int]]) -> None:
    cast(Session, entry.session).has_key_frame.set()
    await eventually(lambda: told)
    await entry.leave()
    assert told == [("cam-1", 7, FIRST_NS)]


async def test_what_is_recorded_only_as_it_leaves_is_no_start(entry: OnAir, told: list[tuple[str, int, int]]) -> None:
    """Else whoever records the camera elsewhere would stop for somebody who has gone."""
    await asyncio.sleep(0)
    await entry.leave()
    assert told == []
    assert entry.until_ns == FIRST_NS + 1
