"""A segment's key and metadata are enough to have its fact again."""
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vonglau.errors import Damaged
from vonglau.ingest.v1.events_pb2 import SegmentRecorded
from vonglau.media.segment import day_prefix, metadata_of, segment_key, segment_name, segment_of

MIDNIGHT = 1_767_225_600_000_000_000  # 2026-01-01T00:00:00Z


def test_a_key_names_camera_utc_day_start_epoch_and_number() -> None:
    assert segment_key("cam-1", MIDNIGHT - 1_000_000, 1_700_000_000_123, 7) == "cam-1/2025/12/31/20251231T235959.999Z-1700000000123-7.mp4"


def test_a_day_prefix_covers_the_segments_that_start_on_that_day() -> None:
    assert segment_key("cam-1", MIDNIGHT + 5, 1, 0).startswith(day_prefix("cam-1", MIDNIGHT + 86_399_999_999_999))


@pytest.mark.parametrize(
    "key",
    [
        "cam-1/2026/01/01/archive-0", "cam-1/2026/01/01/clip.mp4", "x.mp4", "../2026/01/01/20260101T000000.000Z-1-1.mp4",
        "cam-1/2026/02/30/20260230T000000.000Z-1-1.mp4", "cam-1/2026/01/01/20260101T250000.000Z-1-1.mp4",
    ],
)
def test_another_key_is_not_taken_for_a_segment(key: str) -> None:
    assert segment_name(key) is None


@given(start_ns=st.integers(0, 4_000_000_000_000_000_000), epoch=st.integers(0, 2**60), number=st.integers(0, 2**31))
def test_a_key_is_read_back_to_the_millisecond(start_ns: int, epoch: int, number: int) -> None:
    name = segment_name(segment_key("cam-1", start_ns, epoch, number))
    assert name == ("cam-1", start_ns // 1_000_000 * 1_000_000, epoch, number)


@given(
    flags=st.lists(st.booleans(), min_size=5, max_size=5),
    offset=st.integers(-(2**62), 2**62),
    previous=st.binary(min_size=0, max_size=32),
    codec=st.sampled_from(["avc1.4d401f", "hvc1.1.6.L93.B0,mp4a.40.2"]),
)
def test_key_and_metadata_give_the_fact_again(flags: list[bool], offset: int, previous: bytes, codec: str) -> None:
    segment = fact()
    segment.contiguous, segment.clock_known, segment.discontinuity, segment.recovered, segment.last_of_epoch = flags
    segment.clock_offset_ns, segment.drift_ns, segment.previous_sha256, segment.codec = offset, -offset, previous, codec
    assert segment_of(segment.key, segment.size_bytes, segment.sha256, metadata_of(segment)) == segment


def test_metadata_without_a_value_are_damaged() -> None:
    metadata = metadata_of(fact())
    del metadata["end_ns"]
    with pytest.raises(Damaged, match="end_ns"):
        segment_of(fact().key, 10, b"", metadata)


def test_metadata_of_another_segment_are_damaged() -> None:
    metadata = metadata_of(fact()) | {"number": "4"}
    with pytest.raises(Damaged, match="another segment"):
        segment_of(fact().key, 10, b"", metadata)


@pytest.mark.parametrize(("name", "value"), [("width", "-1"), ("number", str(2**40)), ("start_ns", str(2**62)), ("start_ns", str(10**30)), ("epoch", "x")])
def test_metadata_with_a_value_that_no_fact_can_have_are_damaged(name: str, value: str) -> None:
    with pytest.raises(Damaged) as refused:
        segment_of(fact().key, 10, b"", metadata_of(fact()) | {name: value})
    assert refused.value.reason == "METADATA_DAMAGED"


def fact() -> SegmentRecorded:
    return SegmentRecorded(
        camera="cam-1", owner="police", epoch=5, number=3, start_ns=MIDNIGHT + 123, end_ns=MIDNIGHT + 60_000_000_123,
        key=segment_key("cam-1", MIDNIGHT + 123, 5, 3), size_bytes=30_000_000, sha256=b"\1" * 32, width_px=1920, height_px=1080,
        fragments=30, media_duration_ns=60_000_000_000, lost_packets=2, damaged_access_units=1,
    )
