"""NAL units of H.264 (ITU-T H.264 §7.4.1) and H.265 (ITU-T H.265 §7.4.2): splitting, naming, checksums of the slices."""

import re
import zlib
from collections.abc import Iterable, Iterator

from vonglau.testing.scenes.spec import Codec

START = re.compile(b"\x00\x00\x01")


def split_annex_b(data: bytes) -> list[bytes]:
    """NAL units between start codes; zero bytes before a start code belong to none."""
    marks = [m.start() for m in START.finditer(data)]
    ends = [*marks[1:], len(data)]
    return [unit for mark, end in zip(marks, ends, strict=True) if (unit := data[mark + 3 : end].rstrip(b"\x00"))]


def split_sample(sample: bytes) -> Iterator[bytes]:
    """NAL units of an MP4 sample: each after its length in 4 bytes."""
    at = 0
    while at + 4 <= len(sample):
        size = int.from_bytes(sample[at : at + 4], "big")
        yield sample[at + 4 : at + 4 + size]
        at += 4 + size


def kind(unit: bytes, codec: Codec) -> int:
    return unit[0] & 31 if codec == "h264" else unit[0] >> 1 & 63


def is_slice(unit: bytes, codec: Codec) -> bool:
    number = kind(unit, codec)
    return 1 <= number <= 5 if codec == "h264" else number < 32


def is_parameter_set(unit: bytes, codec: Codec) -> bool:
    number = kind(unit, codec)
    return number in (7, 8) if codec == "h264" else number in (32, 33, 34)


def slice_crc(units: Iterable[bytes], codec: Codec) -> int:
    """CRC-32 over the slice NAL units in order, whatever parameter sets, SEI or delimiters stand between them."""
    crc = 0
    for unit in units:
        if unit and is_slice(unit, codec):
            crc = zlib.crc32(unit, crc)
    return crc
