"""AAC units and the camera's clock, from single packets."""
from __future__ import annotations

from random import Random
from struct import pack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.media.aac import AacDepacketiser, AacFraming
from services.ingest.media.anchor import ArrivalAnchor
from services.ingest.media.rtcp import CameraClock

SECOND = 1_000_000_000
NOW = 1_767_225_600 * SECOND
RATE = 16_000


def sound(units: list[bytes], timestamp: int) -> memoryview:
    """One packet of AAC-hbr: sizes in 13 bits, indices in 3."""
    headers = b"".join(pack(">H", len(unit) << 3) for unit in units)
    return memoryview(pack(">BBHII", 0x80, 97, 0, timestamp & 0xFFFFFFFF, 1) + pack(">H", 16 * len(units)) + headers + b"".join(units))


def test_units_of_a_packet_follow_each_other_at_the_sound_rate() -> None:
    aac = AacDepacketiser(RATE)
    aac.feed(sound([b"one", b"second"], 5000), NOW)
    aac.feed(sound([b"third"], 5000 + 2048), NOW + 128_000_000)
    taken = aac.take()
    assert taken is not None
    run, units = taken
    assert units == [b"one", b"second", b"third"]
    assert run.durations == [1024, 1024, 1024]
    assert run.tfdt == NOW * RATE // SECOND
    assert aac.take() is None


def test_a_missing_packet_leaves_its_time_open() -> None:
    aac = AacDepacketiser(RATE)
    aac.feed(sound([b"one"], 0), NOW)
    aac.feed(sound([b"two"], 4096), NOW)
    taken = aac.take()
    assert taken is not None
    assert taken[0].durations == [4096, 1024]


def test_time_runs_on_over_a_wrap_and_a_jump() -> None:
    aac = AacDepacketiser(RATE)
    for timestamp in (0xFFFFFC00, 0, 5_000_000_00):
        aac.feed(sound([b"x"], timestamp), NOW)
    taken = aac.take()
    assert taken is not None
    assert taken[0].durations == [1024, 1024, 1024]


def test_sound_is_placed_by_the_arrival_that_was_least_late_and_again_for_each_object() -> None:
    aac = AacDepacketiser(RATE)
    for number, late in enumerate([200, 30, 90]):
        aac.feed(sound([b"x"], number * 1024), NOW + number * 64_000_000 + late * 1_000_000)
    first = aac.take()
    aac.feed(sound([b"x"], 3 * 1024), NOW + 3 * 64_000_000)
    running = aac.take()
    aac.reanchor()
    aac.feed(sound([b"x"], 4 * 1024), NOW + 4 * 64_000_000)
    again = aac.take()
    assert first is not None
    assert running is not None
    assert again is not None
    start = NOW * RATE // SECOND
    assert [run.tfdt - start for run, _ in (first, running, again)] == [480, 480 + 3 * 1024, 4 * 1024]


def test_a_viewer_gets_the_same_units_without_taking_them() -> None:
    aac = AacDepacketiser(RATE)
    aac.tap = []
    aac.feed(sound([b"one"], 0), NOW)
    tapped, taken = aac.take_tapped(), aac.take()
    assert tapped is not None
    assert taken is not None
    assert tapped[1] == taken[1] == [b"one"]


@given(st.binary(min_size=12, max_size=60), st.sampled_from([AacFraming(), AacFraming(6, 2, 2), AacFraming(0, 0, 0), AacFraming(32, 32, 32)]))
@settings(max_examples=200)
def test_any_packet_is_read_or_counted(packet: bytes, framing: AacFraming) -> None:
    aac = AacDepacketiser(RATE, framing)
    aac.feed(memoryview(packet), NOW)
    taken = aac.take()
    assert taken is None or sum(map(len, taken[1])) <= len(packet) * 32


def report(camera_ns: int, *, kind: int = 200) -> memoryview:
    seconds, nanoseconds = divmod(camera_ns, SECOND)
    words = pack(">IIIIII", 7, (seconds + 2_208_988_800) % (1 << 32), (nanoseconds << 32) // SECOND, 0, 0, 0)
    return memoryview(pack(">BBH", 0x80, kind, 6) + words + pack(">BBHI", 0x81, 202, 1, 7))


@pytest.mark.parametrize("skew", [0.0, 7.3, -3600.0, 0.05])
def test_the_first_report_tells_the_clock_to_half_a_visit(skew: float) -> None:
    clock = CameraClock()
    sent = NOW + 123_000_000
    clock.report(report(sent + round(skew * SECOND)), NOW, NOW + 250_000_000)
    assert clock.offset_ns is not None
    assert abs(clock.offset_ns - skew * SECOND) <= 126_000_000


def test_further_reports_make_it_exact() -> None:
    clock, random = CameraClock(), Random(5)
    for number in range(30):
        visit = NOW + number * 5 * SECOND
        sent = visit + random.randrange(250_000_000)
        clock.report(report(sent + 7_300_000_000), visit, visit + 250_000_000)
    assert clock.offset_ns is not None
    assert abs(clock.offset_ns - 7_300_000_000) < 40_000_000


def test_a_clock_that_is_set_is_believed_at_once() -> None:
    clock = CameraClock()
    clock.report(report(NOW), NOW, NOW + 250_000_000)
    clock.report(report(NOW + 3605 * SECOND), NOW + 5 * SECOND, NOW + 5 * SECOND + 250_000_000)
    assert clock.offset_ns is not None
    assert abs(clock.offset_ns - 3600 * SECOND) <= 126_000_000


def test_ntp_seconds_are_read_over_their_wrap_in_2036() -> None:
    at = (1 << 32) * SECOND - 2_208_988_800 * SECOND + 5 * SECOND
    clock = CameraClock()
    clock.report(report(at), at, at)
    assert clock.offset_ns is not None
    assert abs(clock.offset_ns) < 2


@given(st.binary(max_size=80))
def test_what_is_no_sender_report_tells_nothing(packet: bytes) -> None:
    clock = CameraClock()
    clock.report(memoryview(b"\x80\xc9" + packet), NOW, NOW)
    clock.report(report(NOW, kind=201), NOW, NOW)
    clock.report(report(-2_208_988_800 * SECOND), NOW, NOW)
    assert clock.offset_ns is None


def test_an_anchor_follows_what_comes_earlier_at_once_and_what_comes_later_after_its_window() -> None:
    anchor = ArrivalAnchor(window=100)
    assert anchor.observe(0, 50) == 50
    assert anchor.observe(40, 20) == 20
    assert anchor.observe(80, 90) == 20
    assert anchor.observe(140, 90) == 20
    assert anchor.observe(141, 90) == 90
