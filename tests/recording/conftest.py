"""Facts of a camera as ingest would state them."""
from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
from google.protobuf.message import Message

from vonglau.eventlog import Recorded
from vonglau.ingest.v1.events_pb2 import SegmentRecorded
from vonglau.media.segment import segment_key

BEGIN = 1_767_225_600_000_000_000  # 2026-01-01T00:00:00Z
SECOND = 1_000_000_000


def segment(number: int = 0, start: float = 0.0, length: float = 60.0, *, camera: str = "cam-1", epoch: int = 1, **fields: Any) -> SegmentRecorded:
    """start, length: s; start from BEGIN."""
    start_ns = BEGIN + round(start * SECOND)
    digest = sha256(f"{camera} {epoch} {number}".encode()).digest()
    stated: dict[str, Any] = {"owner": "police", "size_bytes": 1000, "sha256": digest, "codec": "avc1.4d401f", "width_px": 640, "height_px": 360} | fields
    key = segment_key(camera, start_ns, epoch, number)
    return SegmentRecorded(camera=camera, epoch=epoch, number=number, start_ns=start_ns, end_ns=start_ns + round(length * SECOND), key=key, **stated)


def recorded(message: Message, sequence: int = 1, *, log: str = "fact_ingest", time: str = "2026-01-01T00:00:00+00:00", **headers: str) -> Recorded:
    subject = f"fact.any.0.{message.camera}"  # type: ignore[attr-defined]
    return Recorded(log, sequence, subject, {"ce-type": message.DESCRIPTOR.full_name, "ce-time": time, **headers}, message.SerializeToString())


@pytest.fixture(name="segment")
def segment_fixture() -> Callable[..., SegmentRecorded]:
    return segment


@pytest.fixture(name="recorded")
def recorded_fixture() -> Callable[..., Recorded]:
    return recorded
