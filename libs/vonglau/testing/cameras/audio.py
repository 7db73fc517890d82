"""Audio tracks: a tone, as AAC (RFC 3640, AAC-hbr) or PCMU (RFC 3551), looped on the camera's clock."""

from fractions import Fraction
from functools import cache
from typing import Literal, cast

import av
import numpy as np
from numpy.typing import NDArray

from vonglau.testing.cameras.reels import Frame, LoopReel

Audio = Literal["none", "aac", "pcmu"]
AAC_RATE, AAC_FRAME, AAC_TYPE, AAC_FRAMES = 16_000, 1024, 97, 64
PCMU_RATE, PCMU_FRAME, PCMU_TYPE = 8_000, 160, 0
PCMU_BIAS, PCMU_CLIP = 132, 32635  # ITU-T G.711, 16 bit scale
TWO_BYTES_OF_AU_HEADERS = b"\x00\x10"


@cache
def audio_reel(audio: Audio) -> LoopReel:
    if audio == "aac":
        units, _ = aac_units()
        payloads = [TWO_BYTES_OF_AU_HEADERS + (len(unit) << 3).to_bytes(2, "big") + unit for unit in units]
        return reel("aac", payloads, Fraction(AAC_RATE, AAC_FRAME), AAC_RATE, AAC_TYPE)
    return reel("pcmu", pcmu_payloads(), Fraction(PCMU_RATE, PCMU_FRAME), PCMU_RATE, PCMU_TYPE)


def reel(name: str, payloads: list[bytes], fps: Fraction, rate: int, kind: int) -> LoopReel:
    return LoopReel(name, [Frame([payload], n, key=True) for n, payload in enumerate(payloads)], fps, rate, kind)


def describe(audio: Audio) -> str:
    """The media section of the SDP."""
    if audio == "pcmu":
        return "m=audio 0 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=control:trackID=2"
    mode = "streamtype=5;profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3"
    return f"m=audio 0 RTP/AVP 97\r\na=rtpmap:97 MPEG4-GENERIC/{AAC_RATE}/1\r\na=fmtp:97 {mode};config={aac_units()[1].hex()}\r\na=control:trackID=2"


@cache
def aac_units() -> tuple[tuple[bytes, ...], bytes]:
    """Raw AAC frames of a tone whose period divides a frame, so that the loop has no click; and the AudioSpecificConfig."""
    encoder = av.CodecContext.create("aac", "w")
    encoder.sample_rate, encoder.layout, encoder.format, encoder.bit_rate = AAC_RATE, "mono", "fltp", 32_000
    encoder.open()
    units = []
    for n in range(AAC_FRAMES + 4):
        frame = av.AudioFrame.from_ndarray(tone(AAC_FRAME, 28).astype(np.float32)[None, :], format="fltp", layout="mono")
        frame.sample_rate, frame.pts = AAC_RATE, n * AAC_FRAME
        units += [bytes(packet) for packet in encoder.encode(frame)]
    # The first frames prime the encoder: they fade in.
    return tuple(units[-AAC_FRAMES:]), bytes(encoder.extradata or b"")


def pcmu_payloads() -> list[bytes]:
    samples = (tone(PCMU_FRAME, 8) * 32767).astype(np.int64)
    return [mu_law(samples)] * 16


def tone(samples: int, cycles: int) -> NDArray[np.float64]:
    return 0.25 * np.sin(2 * np.pi * cycles * np.arange(samples) / samples)


def mu_law(samples: NDArray[np.int64]) -> bytes:
    """ITU-T G.711 µ-law of 16 bit samples."""
    size = np.minimum(np.abs(samples), PCMU_CLIP) + PCMU_BIAS
    exponent = np.floor(np.log2(size)).astype(np.int64) - 7
    mantissa = (size >> (exponent + 3)) & 15
    sign = np.where(samples < 0, 0x80, 0)
    return cast("bytes", (~(sign | exponent << 4 | mantissa) & 0xFF).astype(np.uint8).tobytes())
