"""RTCP sender reports (RFC 3550 §6.4.1) with the camera's name (§6.5), in RTSP's TCP framing."""

import struct

from vonglau.testing.cameras.clock import ntp

INTERVAL = 5.0  # seconds between two reports


def sender_report(channel: int, ssrc: int, unix: float, timestamp: int, packets: int, octets: int) -> bytes:
    """`unix` is the camera's time of day at RTP time `timestamp`; `channel` is the RTCP channel."""
    report = struct.pack(">BBHIQIII", 0x80, 200, 6, ssrc, ntp(unix), timestamp, packets & 0xFFFF_FFFF, octets & 0xFFFF_FFFF)
    name = struct.pack(">BBHIBB6sH", 0x81, 202, 4, ssrc, 1, 6, b"camera", 0)
    body = report + name
    return struct.pack(">BBH", 0x24, channel, len(body)) + body
