"""Each attempt to reach a camera is counted, with what failed."""
from __future__ import annotations

import asyncio
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from services.ingest.data_plane_settings import DataPlaneSettings
from services.ingest.recorder import Recording
from services.ingest.rtsp.url import Credentials, parse_url
from services.ingest.session import CameraSession, DataPlane, Source, State
from services.ingest.spool import Spool
from vonglau.clock import SystemClock
from vonglau.ending import ended
from vonglau.testing.cameras import CameraFarm, CameraSpec
from vonglau.testing.scenes import SceneSpec
from vonglau.testing.waiting import eventually

pytestmark = pytest.mark.loopback

SCENE = SceneSpec(width=320, height=180, fps=Fraction(10), seconds=Fraction(4), gop=10, kbps=200)
SETTINGS = DataPlaneSettings(backoff_first_s=0.05, backoff_most_s=0.1, anchor_window_s=1)
HANDSHAKES = "vonglau.ingest.handshakes"


class Unheard:
    def segment_closed(self, segment: Any) -> None:
        """Nobody looks at it here."""

    segment_shed = footage_lost = segment_closed


async def test_handshakes_are_counted_by_what_failed(exported: Any, tmp_path: Path) -> None:
    camera = CameraSpec("cam-1", profiles={"main": SCENE}, user="u", password="p")  # noqa: S106 - of a simulated camera
    async with CameraFarm([camera]) as farm:
        spool = Spool(tmp_path, limit_bytes=1 << 20, pending_bytes=1 << 20, threads=1, listener=Unheard(), post=asyncio.get_running_loop().call_soon_threadsafe)
        plane = DataPlane(SETTINGS, SystemClock(), spool)
        good, _ = parse_url(farm.url("cam-1", credentials=False))
        busy, _ = parse_url(farm.url("cam-1", credentials=False, refuse="503"))
        sessions = [
            CameraSession(Recording(f"cam-{number}", "owner", 1), Source(address, Credentials("u", "p")), plane, lambda _: None)
            for number, address in enumerate((good, busy))
        ]
        running = [asyncio.create_task(session.run()) for session in sessions]
        await eventually(lambda: sessions[0].status().state is State.RECORDING)
        await eventually(lambda: (exported.value(HANDSHAKES, **{"error.type": "Refused"}) or 0) >= 2)
        await ended(running)
        plane.drain.close()
        assert await asyncio.to_thread(spool.close)
    succeeded = [point.value for point in exported.points(HANDSHAKES) if not point.attributes]
    assert succeeded == [1]
