"""Packets to groups of pictures: content, order and time survive whatever the network and the camera do."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.media.depacketise import Depacketiser
from services.ingest.media.errors import DamagedStream
from services.ingest.media.gop import Gop
from vonglau.media.parameter_sets import Codec
from vonglau.testing.rtp import H264_PPS, H264_SPS, RtpWriter

FRAME = 3600                                                 # ticks: 25 fps
OTHER_SPS = H264_SPS[:3] + b"\x1e" + H264_SPS[4:]            # the same id, another level
H265_SETS = (
    bytes.fromhex("40010c01ffff01600000030090000003000003003f95980900"),
    bytes.fromhex("420101016000000300900000030000030" "03fa00a080b9f796566924caf0168080000030008000003000840"),
    bytes.fromhex("4401c172b46240"),
)


@dataclass
class Feeder:
    """A depacketiser, what it gave out, and the bytes it left over."""

    codec: Codec = "h264"
    sets: tuple[bytes, ...] = (H264_SPS, H264_PPS)
    cap_bytes: int = 16 << 20
    gops: list[Gop] = field(default_factory=list)
    others: list[tuple[int, bytes]] = field(default_factory=list)
    texts: list[bytes] = field(default_factory=list)
    rest: bytes = b""

    def __post_init__(self) -> None:
        self.depacketiser = Depacketiser(
            self.codec, self.gops.append, parameter_sets=self.sets, on_other=lambda channel, packet: self.others.append((channel, bytes(packet))),
            on_text=self.texts.append, cap_bytes=self.cap_bytes,
        )

    def feed(self, data: bytes, arrival: int = 0) -> Feeder:
        self.depacketiser.arrival = arrival
        content = self.rest + data
        used = self.depacketiser.feed(content, memoryview(content), len(content))
        self.rest = content[used:]
        return self

    def finish(self) -> list[Gop]:
        self.depacketiser.finish()
        return self.gops


def units(gop: Gop) -> Iterator[list[bytes]]:
    """The NAL units of each access unit."""
    at = 0
    for size in gop.sizes:
        end, nals = at + size, []
        while at < end:
            length = int.from_bytes(gop.data[at:at + 4], "big")
            nals.append(bytes(gop.data[at + 4:at + 4 + length]))
            at += 4 + length
        assert at == end
        yield nals


def picture(number: int, size: int = 3000, *, key: bool = False) -> bytes:
    return bytes([0x65 if key else 0x41]) + Random(number).randbytes(size - 1)


def film(count: int, gop: int = 10, size: int = 3000) -> list[bytes]:
    return [picture(number, size, key=number % gop == 0) for number in range(count)]


def sent(pictures: list[bytes], writer: RtpWriter | None = None, *, start: int = 0, step: int = FRAME) -> bytes:
    writer = writer or RtpWriter()
    return b"".join(writer.unit([one], start + number * step) for number, one in enumerate(pictures))


def contents(gops: list[Gop]) -> list[bytes]:
    return [nals[-1] for gop in gops for nals in units(gop)]


def test_pictures_come_out_as_they_went_in() -> None:
    pictures = film(35)
    gops = Feeder().feed(sent(pictures)).finish()
    assert contents(gops) == pictures
    assert [len(gop.times) for gop in gops] == [10, 10, 10, 5]
    assert [time for gop in gops for time in gop.times] == [number * FRAME for number in range(35)]
    assert [gop.following for gop in gops] == [10 * FRAME, 20 * FRAME, 30 * FRAME, 35 * FRAME]
    assert all(gop.key for gop in gops)


@given(cuts=st.lists(st.integers(0, 60_000), max_size=40), size=st.sampled_from([20, 1400, 1401, 5000]), end_bit=st.booleans())
@settings(max_examples=60)
def test_any_slicing_of_the_bytes_gives_the_same_pictures(cuts: list[int], size: int, end_bit: bool) -> None:
    pictures = film(12, gop=4, size=size)
    reply = b"RTSP/1.0 200 OK\r\nCSeq: 7\r\nContent-Length: 3\r\n\r\nabc"
    data = sent(pictures, RtpWriter(end_bit=end_bit)) + reply + b"$\1\0\x08" + bytes(8) + b"$\1\0\x20" + bytes(32)
    feeder = Feeder()
    for begin, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(data)], strict=True):
        feeder.feed(data[begin:end])
    assert contents(feeder.finish()) == pictures
    assert feeder.texts == [reply]
    assert feeder.others == [(1, bytes(8)), (1, bytes(32))]


@given(garbage=st.binary(max_size=400), at=st.integers(0, 30_000), cut=st.integers(1, 5000))
@settings(max_examples=200)
def test_garbage_is_named_damage_or_passed_over(garbage: bytes, at: int, cut: int) -> None:
    data = sent(film(12, gop=4))
    broken = data[:at] + garbage + data[at + len(garbage):]
    feeder = Feeder()
    try:
        for begin in range(0, len(broken), cut):
            feeder.feed(broken[begin:begin + cut])
    except DamagedStream:
        pass
    for gop in feeder.finish():
        assert sum(gop.sizes) == len(gop.data)
        assert len(gop.times) == len(gop.sizes) > 0


@given(payloads=st.lists(st.binary(max_size=80), max_size=30), codec=st.sampled_from(["h264", "h265"]), flags=st.sampled_from([0x80, 0x90, 0xA0, 0xB3]))
@settings(max_examples=200)
def test_any_payload_is_survived(payloads: list[bytes], codec: Codec, flags: int) -> None:
    writer = RtpWriter(codec)
    feeder = Feeder(codec, sets=())
    for number, payload in enumerate(payloads):
        feeder.feed(writer.packet(payload, number // 3 * FRAME, flags=flags))
    for gop in feeder.finish():
        assert sum(gop.sizes) == len(gop.data)


def test_what_is_neither_frame_nor_message_is_damage() -> None:
    with pytest.raises(DamagedStream):
        Feeder().feed(sent(film(1)) + b"\x00" * 40)


def test_parameter_sets_in_the_stream_are_enough_and_are_taken_out_of_it() -> None:
    writer = RtpWriter()
    data = writer.unit([picture(0, key=True)], 0) + writer.unit([H264_SPS, H264_PPS, picture(1, key=True)], FRAME) + writer.unit([picture(2)], 2 * FRAME)
    gops = Feeder(sets=()).feed(data).finish()
    assert contents(gops) == [picture(1, key=True), picture(2)]
    assert gops[0].parameters.nals == (H264_SPS, H264_PPS)


def test_repeated_parameter_sets_are_no_change_and_other_bytes_are() -> None:
    writer = RtpWriter()
    sets = [[H264_SPS, H264_PPS], [H264_SPS, H264_PPS], [OTHER_SPS, H264_PPS]]
    data = b"".join(writer.unit([*extra, picture(number, key=True)], number * FRAME) for number, extra in enumerate(sets))
    first, second, third = Feeder().feed(data).finish()
    assert first.parameters == second.parameters != third.parameters
    assert OTHER_SPS in third.parameters.nals
    assert H264_SPS not in third.parameters.nals


def test_sets_in_one_aggregation_packet_are_found() -> None:
    writer = RtpWriter()
    together = b"\x78" + b"".join(len(nal).to_bytes(2, "big") + nal for nal in (H264_SPS, b"", H264_PPS))
    data = writer.packet(together, 0) + writer.unit([picture(1, key=True)], 0) + writer.unit([picture(2)], FRAME)
    gops = Feeder(sets=()).feed(data).finish()
    assert contents(gops) == [picture(1, key=True), picture(2)]


def test_a_cut_aggregation_packet_damages_its_picture_only() -> None:
    writer = RtpWriter()
    data = writer.unit([picture(0, key=True)], 0) + writer.packet(b"\x78\x00\x09abc", FRAME) + writer.unit([picture(1)], FRAME)
    feeder = Feeder().feed(data + writer.unit([picture(2)], 2 * FRAME))
    assert contents(feeder.finish()) == [picture(0, key=True), picture(1), picture(2)]
    assert feeder.depacketiser.damaged == 1


def test_sources_extension_and_padding_are_no_picture() -> None:
    writer = RtpWriter()
    head = b"\x0a\x0b\x0c\x0d" + b"\xbe\xde\x00\x01\x10\xff\x00\x00"
    data = b"".join(
        writer.packet(picture(number, 700, key=number == 0) + b"\x00\x00\x03", number * FRAME, marker=True, flags=0xB1, head=head) for number in range(3)
    )
    assert contents(Feeder().feed(data).finish()) == [picture(0, 700, key=True), picture(1, 700), picture(2, 700)]


def test_a_packet_without_payload_is_passed_over() -> None:
    writer = RtpWriter()
    data = writer.packet(b"", 0) + writer.unit([picture(0, key=True)], 0) + writer.packet(b"", FRAME) + writer.unit([picture(1)], FRAME)
    assert contents(Feeder().feed(data).finish()) == [picture(0, key=True), picture(1)]


def test_a_lost_packet_costs_the_rest_of_its_slice_and_is_counted() -> None:
    writer = RtpWriter()
    frames = [[writer.packet(part, number * FRAME, marker=part is parts[-1]) for part in parts] for number, parts in enumerate(fragmented(film(4, gop=4)))]
    del frames[2][1]
    feeder = Feeder().feed(b"".join(packet for frame in frames for packet in frame))
    (gop,) = feeder.finish()
    assert contents([gop])[:2] + contents([gop])[3:] == film(4, gop=4)[:2] + film(4, gop=4)[3:]
    assert film(4, gop=4)[2].startswith(contents([gop])[2])
    assert (gop.lost, gop.damaged, gop.hole) == (1, 1, False)


def fragmented(pictures: list[bytes]) -> list[list[bytes]]:
    return [RtpWriter()._split(one) for one in pictures]


def test_a_late_or_doubled_packet_is_dropped() -> None:
    writer = RtpWriter()
    first, second = writer.unit([picture(0, 900, key=True)], 0), writer.unit([picture(1, 900)], FRAME)
    feeder = Feeder().feed(first + first + second + first + writer.unit([picture(2, 900)], 2 * FRAME))
    assert contents(feeder.finish()) == [picture(0, 900, key=True), picture(1, 900), picture(2, 900)]
    assert feeder.depacketiser.lost == 0


def test_whole_frames_missing_before_a_key_frame_are_a_hole_that_is_not_filled() -> None:
    writer = RtpWriter()
    head = sent(film(20), writer)
    writer.sequence += 40
    tail = writer.unit([picture(100, key=True)], 40 * FRAME) + writer.unit([picture(101)], 41 * FRAME)
    first, second, third = Feeder().feed(head + tail).finish()
    assert (first.hole, second.hole, third.hole) == (False, False, True)
    assert second.following == 20 * FRAME
    assert third.start == 40 * FRAME


def test_time_runs_on_over_the_wrap_of_timestamps_and_sequence_numbers() -> None:
    pictures = film(30)
    feeder = Feeder().feed(sent(pictures, RtpWriter(sequence=65_510), start=(1 << 32) - 7 * FRAME))
    gops = feeder.finish()
    assert contents(gops) == pictures
    assert [time for gop in gops for time in gop.times] == [number * FRAME for number in range(30)]
    assert (feeder.depacketiser.lost, feeder.depacketiser.timeline.jumps) == (0, 0)


@pytest.mark.parametrize("jump", [-0.5, -0.2, -0.1, -10, 10, 3600, -3600])
def test_a_jump_of_the_cameras_media_clock_is_taken_out_and_counted(jump: float) -> None:
    writer = RtpWriter()
    start = 1 << 30
    feeder = Feeder().feed(sent(film(45), writer, start=start))
    feeder.feed(sent([picture(number) for number in range(45, 50)], writer, start=start + 45 * FRAME + round(jump * 90_000)))
    gops = feeder.finish()
    assert [time for gop in gops for time in gop.times] == [number * FRAME for number in range(50)]
    assert [gop.jumps for gop in gops] == [0, 0, 0, 0, 1]


def test_a_stall_keeps_its_true_length() -> None:
    writer = RtpWriter()
    feeder = Feeder().feed(sent(film(15), writer), arrival=0)
    feeder.feed(sent([picture(number) for number in range(15, 20)], writer, start=15 * FRAME + 450_000), arrival=450_000)
    gops = feeder.finish()
    assert gops[-1].times[5] - gops[-1].times[4] == FRAME + 450_000
    assert gops[-1].jumps == 0


@pytest.mark.parametrize("order", [[0, 3, 1, 2, 6, 4, 5, 9, 7, 8], [0, 2, 1, 4, 3, 6, 5, 8, 7, 9], [0, 4, 2, 1, 3, 8, 6, 5, 7, 9]])
def test_b_frames_keep_decoding_order_and_presentation_times(order: list[int]) -> None:
    writer = RtpWriter()
    data = b"".join(writer.unit([picture(shown, key=shown % 10 == 0)], (base + shown) * FRAME) for base in (0, 10, 20) for shown in order)
    gops = Feeder().feed(data).finish()
    assert [time // FRAME for gop in gops for time in gop.times] == [base + shown for base in (0, 10, 20) for shown in order]
    assert [gop.following // FRAME for gop in gops] == [10, 20, 30]
    assert [gop.jumps for gop in gops] == [0, 0, 0]


def test_leading_pictures_of_an_open_gop_belong_behind_the_gop_before() -> None:
    order = [0, 3, 1, 2, 6, 4, 5]
    writer = RtpWriter()
    data = b"".join(writer.unit([picture(shown, key=shown == 0)], shown * FRAME) for shown in order)
    data += b"".join(writer.unit([picture(shown, key=shown == 9)], shown * FRAME) for shown in [9, 7, 8, 12, 10, 11])
    first, second = Feeder().feed(data).finish()
    assert (first.following // FRAME, second.start // FRAME) == (7, 7)
    assert second.key


def test_a_gop_without_end_is_handed_out_at_the_cap() -> None:
    gops = Feeder().feed(sent(film(700, gop=1000, size=60))).finish()
    assert [len(gop.times) for gop in gops] == [250, 250, 200]
    assert [gop.key for gop in gops] == [True, False, False]


def test_a_gop_of_too_many_bytes_is_handed_out_too() -> None:
    gops = Feeder(cap_bytes=100_000).feed(sent(film(100, gop=1000))).finish()
    assert max(len(gop.data) for gop in gops) <= 104_000
    assert contents(gops) == film(100, gop=1000)


def test_an_access_unit_without_end_is_damage() -> None:
    writer = RtpWriter()
    endless = b"".join(writer.packet(picture(1, 1000), 0) for _ in range(400))
    with pytest.raises(DamagedStream):
        Feeder(cap_bytes=100_000).feed(endless)


def test_what_comes_before_the_first_key_frame_is_left_out() -> None:
    gops = Feeder().feed(sent([picture(1), picture(2), picture(3, key=True), picture(4)])).finish()
    assert contents(gops) == [picture(3, key=True), picture(4)]
    assert gops[0].start == 2 * FRAME


def test_the_end_of_a_connection_drops_the_picture_that_is_not_whole() -> None:
    data = sent(film(4, gop=4))
    assert contents(Feeder().feed(data[:-1500]).finish()) == film(4, gop=4)[:3]


def test_the_least_delay_of_a_gops_pictures_is_kept() -> None:
    feeder, writer = Feeder(), RtpWriter()
    for number, late in enumerate([5000, 900, 7000, 8000]):
        feeder.feed(writer.unit([picture(number, key=number == 0)], number * FRAME), arrival=1_000_000 + number * FRAME + late)
    assert feeder.finish()[0].delay == 1_000_900


def test_h265_pictures_come_out_as_they_went_in() -> None:
    pictures = [bytes([(19 if number % 5 == 0 else 1) << 1, 1]) + Random(number).randbytes(2500) for number in range(15)]
    writer = RtpWriter("h265")
    together = bytes([48 << 1, 1]) + b"".join(len(nal).to_bytes(2, "big") + nal for nal in H265_SETS)
    data = b"".join(
        (writer.packet(together, number * FRAME) if number % 5 == 0 else b"") + writer.unit([b"\x46\x01\x50", one], number * FRAME)
        for number, one in enumerate(pictures)
    )
    gops = Feeder("h265", sets=()).feed(data).finish()
    assert contents(gops) == pictures
    assert [len(gop.times) for gop in gops] == [5, 5, 5]
    assert gops[0].parameters.nals == H265_SETS
