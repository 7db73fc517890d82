"""What parameter sets say of a stream: picture size and the codec string of RFC 6381. Sources: ITU-T H.264 §7.3.2.1, ITU-T H.265 §7.3.2.2, ISO/IEC 14496-15."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from vonglau.media.bits import BitReader
from vonglau.media.errors import DamagedMedia

Codec = Literal["h264", "h265"]

H264_SPS, H264_PPS = 7, 8
H265_VPS, H265_SPS, H265_PPS = 32, 33, 34
NEEDED: dict[Codec, frozenset[int]] = {"h264": frozenset({H264_SPS, H264_PPS}), "h265": frozenset({H265_VPS, H265_SPS, H265_PPS})}

_WITH_CHROMA_FIELDS = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})


@dataclass(frozen=True, slots=True)
class VideoFormat:
    codec: Codec
    width: int                                               # pixels shown, cropping applied
    height: int
    codec_string: str


@dataclass(frozen=True, slots=True)
class H265Profile:
    """The fields of an SPS that hvcC repeats; `general` is the 12 bytes from general_profile_space to general_level_idc."""

    general: bytes
    chroma_format: int
    luma_depth: int                                          # bits - 8
    chroma_depth: int
    sub_layers: int
    nested: bool


def nal_type(codec: Codec, nal: bytes) -> int:
    return nal[0] & 31 if codec == "h264" else nal[0] >> 1 & 63


def set_key(codec: Codec, nal: bytes) -> tuple[int, int]:
    """(type, id) under which a set replaces an older one. Raises `DamagedMedia` if the set is cut or no parameter set at all."""
    if len(nal) < 4:
        raise DamagedMedia("a parameter set of less than four bytes")
    kind = nal_type(codec, nal)
    if kind not in NEEDED[codec]:
        raise DamagedMedia(f"NAL unit type {kind} is no parameter set")
    if kind == H265_VPS:
        identity = nal[2] >> 4
    elif kind == H265_SPS:
        identity = _read_h265_sps(nal)[0]
    else:
        identity = BitReader(nal[4 if kind == H264_SPS else 1 if codec == "h264" else 2:]).unsigned()
    if identity > 255:
        raise DamagedMedia(f"a parameter set with id {identity}")
    return kind, identity


def complete(codec: Codec, sets: Sequence[bytes]) -> bool:
    """Whether `sets` hold at least one of each kind that a decoder needs."""
    return {nal_type(codec, nal) for nal in sets} >= NEEDED[codec]


def read_format(codec: Codec, sets: Sequence[bytes]) -> VideoFormat:
    """Size and codec string by the first SPS of `sets`. Raises `DamagedMedia`."""
    wanted = H264_SPS if codec == "h264" else H265_SPS
    sps = next((nal for nal in sets if nal and nal_type(codec, nal) == wanted), None)
    if sps is None or len(sps) < 4:
        raise DamagedMedia("no sequence parameter set")
    if codec == "h264":
        width, height = _read_h264_size(sps)
        return VideoFormat(codec, width, height, f"avc1.{sps[1:4].hex()}")
    _, width, height, profile = _read_h265_sps(sps)
    return VideoFormat(codec, width, height, _h265_codec_string(profile.general))


def read_h265_profile(sps: bytes) -> H265Profile:
    return _read_h265_sps(sps)[3]


def _read_h264_size(sps: bytes) -> tuple[int, int]:
    reader = BitReader(sps[1:])
    profile = reader.bits(8)
    reader.bits(16)
    reader.unsigned()
    chroma = _read_h264_chroma(reader) if profile in _WITH_CHROMA_FIELDS else 1
    reader.unsigned()
    _skip_picture_order(reader)
    reader.unsigned()
    reader.flag()
    width = (reader.unsigned() + 1) * 16
    height_units = reader.unsigned() + 1
    frames_only = reader.flag()
    height = height_units * (16 if frames_only else 32)
    if not frames_only:
        reader.flag()
    reader.flag()
    if reader.flag():
        left, right, top, bottom = (reader.unsigned() for _ in range(4))
        width -= (left + right) * (2 if chroma in (1, 2) else 1)
        height -= (top + bottom) * (2 if chroma == 1 else 1) * (1 if frames_only else 2)
    return _sane(width, height)


def _read_h264_chroma(reader: BitReader) -> int:
    chroma = reader.unsigned()
    if chroma == 3:
        reader.flag()
    reader.skip_unsigned(2)
    reader.flag()
    if reader.flag():
        for index in range(8 if chroma != 3 else 12):
            if reader.flag():
                _skip_scaling_list(reader, 16 if index < 6 else 64)
    return chroma


def _skip_scaling_list(reader: BitReader, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + reader.signed()) & 255
        last = following or last


def _skip_picture_order(reader: BitReader) -> None:
    order = reader.unsigned()
    if order == 0:
        reader.unsigned()
    elif order == 1:
        reader.flag()
        reader.signed()
        reader.signed()
        for _ in range(reader.unsigned()):
            reader.signed()


def _read_h265_sps(sps: bytes) -> tuple[int, int, int, H265Profile]:
    reader = BitReader(sps[2:])
    reader.bits(4)
    sub_layers = reader.bits(3)
    nested = reader.flag()
    general = reader.bits(96).to_bytes(12, "big")
    _skip_sub_layers(reader, sub_layers)
    identity = reader.unsigned()
    chroma = reader.unsigned()
    if chroma == 3:
        reader.flag()
    width, height = reader.unsigned(), reader.unsigned()
    if reader.flag():
        left, right, top, bottom = (reader.unsigned() for _ in range(4))
        width -= (left + right) * (2 if chroma in (1, 2) else 1)
        height -= (top + bottom) * (2 if chroma == 1 else 1)
    profile = H265Profile(general, chroma, reader.unsigned(), reader.unsigned(), sub_layers, nested)
    return identity, *_sane(width, height), profile


def _skip_sub_layers(reader: BitReader, sub_layers: int) -> None:
    present = [(reader.flag(), reader.flag()) for _ in range(sub_layers)]
    if sub_layers:
        reader.bits(2 * (8 - sub_layers))
    for profile, level in present:
        reader.bits(88 * profile + 8 * level)


def _sane(width: int, height: int) -> tuple[int, int]:
    if not (0 < width <= 0xFFFF and 0 < height <= 0xFFFF):
        raise DamagedMedia(f"a picture of {width}x{height}")
    return width, height


def _h265_codec_string(general: bytes) -> str:
    """ISO/IEC 14496-15 annex E: space and profile, compatibility flags in reverse bit order, tier and level, constraint bytes without trailing zeros."""
    space = ("", "A", "B", "C")[general[0] >> 6]
    compatibility = int(f"{int.from_bytes(general[1:5], 'big'):032b}"[::-1], 2)
    tier = "H" if general[0] & 0x20 else "L"
    constraints = "".join(f".{byte:X}" for byte in general[5:11].rstrip(b"\0"))
    return f"hvc1.{space}{general[0] & 31}.{compatibility:X}.{tier}{general[11]}{constraints}"
