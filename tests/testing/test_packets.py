"""Packets against a depacketiser that is written here, from the RFCs."""

import struct
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vonglau.testing.cameras.packets import PAYLOAD_LIMIT, Wrapping, build, split_framing, video_payloads
from vonglau.testing.scenes.spec import Codec

HEADS: dict[Codec, bytes] = {"h264": b"\x65", "h265": b"\x26\x01"}
SETS: dict[Codec, list[bytes]] = {"h264": [b"\x67abc", b"\x68d"], "h265": [b"\x40\x01v", b"\x42\x01s", b"\x44\x01p"]}


def reassembled(payloads: Sequence[bytes], codec: Codec) -> list[bytes]:
    """RFC 6184 (FU-A 28, STAP-A 24) and RFC 7798 (FU 49, AP 48)."""
    units: list[bytes] = []
    skip, fragment, together = (1, 28, 24) if codec == "h264" else (2, 49, 48)
    for payload in payloads:
        kind = payload[0] & 31 if codec == "h264" else payload[0] >> 1 & 63
        if kind == together:
            at = skip
            while at < len(payload):
                size = int.from_bytes(payload[at : at + 2], "big")
                units.append(payload[at + 2 : at + 2 + size])
                at += 2 + size
        elif kind == fragment:
            bits = payload[skip]
            if bits & 0x80:
                head = bytes([payload[0] & 0xE0 | bits & 31]) if codec == "h264" else bytes([payload[0] & 0x81 | (bits & 63) << 1, payload[1]])
                units.append(head)
            units[-1] += payload[skip + 1 :]
        else:
            units.append(payload)
    return units


@pytest.mark.parametrize("codec", ["h264", "h265"])
@given(sizes=st.lists(st.integers(1, 5000), min_size=1, max_size=4), aggregate=st.booleans(), key=st.booleans())
def test_what_was_packed_comes_out_again(codec: Codec, sizes: list[int], aggregate: bool, key: bool) -> None:
    units = [HEADS[codec] + bytes(i % 251 for i in range(size)) for size in sizes]
    payloads = video_payloads(units, SETS[codec], codec, Wrapping(aggregate=aggregate), key=key)
    assert reassembled(payloads, codec) == (SETS[codec] if key else []) + units
    assert max(map(len, payloads)) <= PAYLOAD_LIMIT


def test_the_last_fragment_has_the_end_bit_unless_the_camera_forgets_it() -> None:
    unit = b"\x65" + bytes(3000)
    ends = {on: [payload[1] & 0x40 for payload in video_payloads([unit], [], "h264", Wrapping(fu_end=on), key=False)] for on in (True, False)}
    assert ends == {True: [0, 0, 0x40], False: [0, 0, 0]}


def test_parameter_sets_stay_away_when_they_are_only_in_the_sdp() -> None:
    assert video_payloads([b"\x65a"], SETS["h264"], "h264", Wrapping(in_band=False), key=True) == [b"\x65a"]


def test_an_empty_packet_comes_before_a_key_frame_only() -> None:
    assert video_payloads([b"\x65a"], [], "h264", Wrapping(empty_units=True), key=True)[0] == b""
    assert video_payloads([b"\x41a"], [], "h264", Wrapping(empty_units=True), key=False) == [b"\x41a"]


def headers(data: memoryview) -> list[tuple[int, int, int, int, int]]:
    """(channel, marker and type, sequence number, time stamp, SSRC) of each packet."""
    return [(p[1], p[5], *struct.unpack(">HII", p[6:16])) for p in split_framing(data)]


def test_a_stamped_block_carries_the_clients_numbers_and_leaves_the_template_alone() -> None:
    block = build([[b"one", b"two"], [b"three"]], 96)
    stamped = block.stamped(4, 0xABCD0123, 0xFFFF, np.array([7, 0xFFFFFFFF], np.uint32))
    assert headers(stamped) == [(4, 96, 0xFFFF, 7, 0xABCD0123), (4, 96 | 128, 0, 7, 0xABCD0123), (4, 96 | 128, 1, 0xFFFFFFFF, 0xABCD0123)]
    assert [p[16:] for p in split_framing(stamped)] == [b"one", b"two", b"three"]
    assert headers(block.data.data) == [(0, 96, 0, 0, 0), (0, 224, 0, 0, 0), (0, 224, 0, 0, 0)]


def test_a_packet_with_extras_says_so_and_still_holds_its_payload() -> None:
    (packet,) = split_framing(build([[b"payload"]], 96, extras=True).stamped(0, 1, 2, np.array([3], np.uint32)))
    rtp = packet[4:]
    assert rtp[0] & 0x3F == 0x31, "padding, extension, one CSRC"
    extension = 12 + 4
    words = int.from_bytes(rtp[extension + 2 : extension + 4], "big")
    assert rtp[extension + 4 + 4 * words : len(rtp) - rtp[-1]] == b"payload"
