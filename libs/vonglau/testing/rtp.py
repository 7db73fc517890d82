"""RTP in RTSP's TCP framing, written without the simulated camera's packetiser, so that neither hides the other's mistakes."""

from collections.abc import Sequence
from dataclasses import dataclass
from struct import pack

from vonglau.media.parameter_sets import Codec

# Parameter sets of real encoders: 320x180 High for H.264; H.265 Main in 320x180 is encoded where a test needs it.
H264_SPS = bytes.fromhex("6764000cacb40a0cfcf080000003008000000a078a1550")
H264_PPS = bytes.fromhex("68ef3cb0")


@dataclass(slots=True)
class RtpWriter:
    """Access units to interleaved packets of one track; numbers run on from call to call."""

    codec: Codec = "h264"
    channel: int = 0
    sequence: int = 0
    payload: int = 1400                                      # bytes at most
    end_bit: bool = True                                     # on the last fragment of a NAL unit

    def unit(self, nals: Sequence[bytes], timestamp: int) -> bytes:
        """All packets of one access unit; the last has the marker."""
        payloads = [part for nal in nals for part in self._split(nal)]
        return b"".join(self.packet(part, timestamp, marker=number == len(payloads) - 1) for number, part in enumerate(payloads))

    def packet(self, payload: bytes, timestamp: int, *, marker: bool = False, flags: int = 0x80, head: bytes = b"") -> bytes:
        """One frame; `head` stands between RTP header and payload (sources, extension)."""
        body = pack(">BBHII", flags, 96 | marker << 7, self.sequence, timestamp & 0xFFFFFFFF, 0x1234) + head + payload
        self.sequence = self.sequence + 1 & 0xFFFF
        return pack(">BBH", 36, self.channel, len(body)) + body

    def _split(self, nal: bytes) -> list[bytes]:
        if len(nal) <= self.payload:
            return [nal]
        if self.codec == "h264":
            indicator, kind, content = bytes([nal[0] & 0xE0 | 28]), nal[0] & 31, nal[1:]
        else:
            indicator, kind, content = bytes([nal[0] & 0x81 | 49 << 1, nal[1]]), nal[0] >> 1 & 63, nal[2:]
        size = self.payload - len(indicator) - 1
        pieces = [content[at:at + size] for at in range(0, len(content), size)]
        last = len(pieces) - 1
        return [
            indicator + bytes([kind | (0x80 if number == 0 else 0) | (0x40 if number == last and self.end_bit else 0)]) + piece
            for number, piece in enumerate(pieces)
        ]
