"""RTP packets in RTSP's TCP framing (RFC 2326 §10.12), built ahead with empty headers and stamped in one go for each client."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vonglau.testing.scenes import nal
from vonglau.testing.scenes.spec import Codec

PAYLOAD_LIMIT = 1400  # bytes of RTP payload per packet
HEADER = 16  # '$', channel, length (2), then the 12 bytes of RFC 3550 §5.1
STAMPED = np.arange(6, HEADER)  # sequence number, time stamp and SSRC


@dataclass(frozen=True, slots=True)
class Wrapping:
    """How a camera wraps NAL units: the defaults are what most do, the rest are the habits of some."""

    in_band: bool = True  # parameter sets before each key frame
    fu_end: bool = True  # end bit on a unit's last fragment
    aggregate: bool = False  # parameter sets together in one packet (STAP-A, AP)
    extras: bool = False  # one CSRC, a header extension and padding in every packet
    empty_units: bool = False  # a packet without payload before each key frame


@dataclass(frozen=True, slots=True)
class Block:
    """Packets of a run of frames, one after another in `data`; sequence number, time stamp, SSRC and channel are still zero."""

    data: NDArray[np.uint8]
    starts: NDArray[np.int64]  # where each packet begins
    frame_of: NDArray[np.int64]  # which frame of the block each packet belongs to
    ends: tuple[int, ...]  # where each frame ends in `data`
    first_packet: tuple[int, ...]  # of each frame, and one more: the number of packets

    @property
    def frames(self) -> int:
        return len(self.ends)

    def stamped(self, channel: int, ssrc: int, sequence: int, stamps: NDArray[np.uint32]) -> memoryview:
        """A copy for one client; `sequence` belongs to the first packet, `stamps` has one RTP time stamp per frame."""
        out = self.data.copy()
        head = np.empty((len(self.starts), 10), np.uint8)
        numbers = (sequence + np.arange(len(self.starts))).astype(">u2")
        head[:, 0:2] = numbers.view(np.uint8).reshape(-1, 2)
        head[:, 2:6] = stamps.astype(">u4").view(np.uint8).reshape(-1, 4)[self.frame_of]
        head[:, 6:10] = np.frombuffer(ssrc.to_bytes(4, "big"), np.uint8)
        out[self.starts[:, None] + STAMPED] = head
        if channel:
            out[self.starts + 1] = channel
        return out.data


def build(frames: Iterable[Sequence[bytes]], payload_type: int, *, extras: bool = False) -> Block:
    """A block of frames, each given as its payloads; the marker is set on a frame's last packet."""
    data, starts, frame_of, ends, first_packet = bytearray(), [], [], [], [0]
    for number, payloads in enumerate(frames):
        for i, payload in enumerate(payloads):
            starts.append(len(data))
            frame_of.append(number)
            data += packet(payload, payload_type, marker=i == len(payloads) - 1, extras=extras)
        ends.append(len(data))
        first_packet.append(len(starts))
    return Block(np.frombuffer(bytes(data), np.uint8), np.array(starts), np.array(frame_of), tuple(ends), tuple(first_packet))


def packet(payload: bytes, payload_type: int, *, marker: bool, extras: bool) -> bytes:
    first = 0x80
    head = bytes(10)
    if extras:
        first |= 0x31  # padding, extension, one CSRC
        head += b"\x0a\x0b\x0c\x0d" + b"\xbe\xde\x00\x01\x10\xff\x00\x00"
        payload += b"\x00\x00\x00\x04"
    body = bytes([first, payload_type | (0x80 if marker else 0)]) + head + payload
    return b"$\x00" + len(body).to_bytes(2, "big") + body


def video_payloads(units: Sequence[bytes], parameter_sets: Sequence[bytes], codec: Codec, wrapping: Wrapping, *, key: bool) -> list[bytes]:
    """RTP payloads of one access unit: RFC 6184 §5.6–5.8 for H.264, RFC 7798 §4.4 for H.265."""
    payloads: list[bytes] = [b""] if key and wrapping.empty_units else []
    if key and wrapping.in_band:
        payloads += [aggregated(parameter_sets, codec)] if wrapping.aggregate else parameter_sets
    for unit in units:
        payloads += fragments(unit, codec, fu_end=wrapping.fu_end)
    return payloads


def aggregated(units: Sequence[bytes], codec: Codec) -> bytes:
    head = bytes([max(unit[0] & 0x60 for unit in units) | 24]) if codec == "h264" else bytes([48 << 1, 1])
    return head + b"".join(len(unit).to_bytes(2, "big") + unit for unit in units)


def fragments(unit: bytes, codec: Codec, *, fu_end: bool) -> list[bytes]:
    if len(unit) <= PAYLOAD_LIMIT:
        return [unit]
    number = nal.kind(unit, codec)
    head, skip = (bytes([unit[0] & 0x60 | 28]), 1) if codec == "h264" else (bytes([unit[0] & 0x81 | 49 << 1, unit[1]]), 2)
    step = PAYLOAD_LIMIT - len(head) - 1
    marks = range(skip, len(unit), step)
    return [head + bytes([fu_bits(at == skip, fu_end and at + step >= len(unit)) | number]) + unit[at : at + step] for at in marks]


def fu_bits(first: bool, last: bool) -> int:
    return (0x80 if first else 0) | (0x40 if last else 0)


def split_framing(data: memoryview | bytes) -> list[bytes]:
    """Interleaved packets one by one, each with its four bytes of framing."""
    packets, at = [], 0
    while at < len(data):
        end = at + 4 + int.from_bytes(data[at + 2 : at + 4], "big")
        packets.append(bytes(data[at:end]))
        at = end
    return packets
