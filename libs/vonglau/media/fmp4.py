"""Writes fragmented MP4 (ISO/IEC 14496-12): init segment, `moof` with the `mdat` header, and the random access index that closes a file."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from struct import pack

from vonglau.media.parameter_sets import Codec, nal_type, read_format, read_h265_profile
from vonglau.media.ticks import VIDEO_RATE

VIDEO, AUDIO = 1, 2                                          # track ids

_MATRIX = pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_SYNC, _NOT_SYNC = 0x02000000, 0x01010000                    # sample flags: depends on none / depends on others and is no sync sample
_BASE_IS_MOOF, _DEFAULT_FLAGS = 0x020000, 0x20
_DATA_OFFSET, _FIRST_FLAGS, _DURATION, _SIZE, _COMPOSITION = 0x1, 0x4, 0x100, 0x200, 0x800


@dataclass(frozen=True, slots=True)
class VideoTrack:
    codec: Codec
    parameter_sets: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class AudioTrack:
    rate: int                                                # Hz, also the track's timescale
    channels: int
    config: bytes                                            # AudioSpecificConfig


class Sync(Enum):
    FIRST = "the first sample is a key frame, the others are not"
    NONE = "no sample is a key frame"
    ALL = "every sample stands alone"


@dataclass(frozen=True, slots=True)
class Run:
    """The samples of one track in one fragment, in decoding order; times in the track's ticks. `compositions` = presentation - decoding time."""

    track: int
    tfdt: int
    durations: Sequence[int]
    sizes: Sequence[int]
    sync: Sync
    compositions: Sequence[int] | None = None


def box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return pack(">I4s", len(body) + 8, kind) + body


def full_box(kind: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    return box(kind, pack(">I", version << 24 | flags), *parts)


def init_segment(video: VideoTrack, audio: AudioTrack | None = None) -> bytes:
    """`ftyp` + `moov`. Raises `DamagedMedia` if the parameter sets can't be read."""
    size = read_format(video.codec, video.parameter_sets)
    tracks = _track(VIDEO, b"vide", full_box(b"vmhd", 0, 1, bytes(8)), _video_entry(video), VIDEO_RATE, (size.width, size.height))
    extends = full_box(b"trex", 0, 0, pack(">5I", VIDEO, 1, 0, 0, 0))
    if audio is not None:
        tracks += _track(AUDIO, b"soun", full_box(b"smhd", 0, 0, bytes(4)), _audio_entry(audio), audio.rate, (0, 0))
        extends += full_box(b"trex", 0, 0, pack(">5I", AUDIO, 1, 0, 0, 0))
    header = full_box(b"mvhd", 0, 0, pack(">IIIIIHHII", 0, 0, 1000, 0, 0x10000, 0x100, 0, 0, 0), _MATRIX, bytes(24), pack(">I", AUDIO + 1))
    return box(b"ftyp", b"iso6", pack(">I", 0), b"iso6cmfcmp41") + box(b"moov", header, tracks, box(b"mvex", extends))


def fragment_header(sequence: int, runs: Sequence[Run]) -> bytes:
    """`moof` and the 8 bytes that open its `mdat`; the samples of the runs follow, run after run."""
    moof_size = 24 + sum(_traf_size(run) for run in runs)
    parts = [pack(">I4sI4sII", moof_size, b"moof", 16, b"mfhd", 0, sequence)]
    data = moof_size + 8
    for run in runs:
        parts.append(_traf(run, data))
        data += sum(run.sizes)
    parts.append(pack(">I4s", data - moof_size, b"mdat"))
    return b"".join(parts)


def random_access_index(entries: Sequence[tuple[int, int]]) -> bytes:
    """`mfra` for the end of a file; entries are (tfdt of the video track, offset of the moof in the file) of fragments that open on a key frame."""
    table = b"".join(pack(">QQBBB", time, offset, 1, 1, 1) for time, offset in entries)
    index = full_box(b"tfra", 1, 0, pack(">III", VIDEO, 0, len(entries)), table)
    return box(b"mfra", index, full_box(b"mfro", 0, 0, pack(">I", len(index) + 24)))


def _row(run: Run) -> int:
    return 8 if run.compositions is None else 12


def _trun_size(run: Run) -> int:
    return 20 + (4 if run.sync is Sync.FIRST else 0) + len(run.sizes) * _row(run)


def _traf_size(run: Run) -> int:
    return 8 + 20 + 20 + _trun_size(run)


def _traf(run: Run, data_offset: int) -> bytes:
    flags = _DATA_OFFSET | _DURATION | _SIZE
    head = [len(run.sizes), data_offset]
    if run.sync is Sync.FIRST:
        flags |= _FIRST_FLAGS
        head.append(_SYNC)
    columns = 2 if run.compositions is None else 3
    rows = [0] * (len(run.sizes) * columns)
    rows[0::columns] = run.durations
    rows[1::columns] = run.sizes
    if run.compositions is not None:
        flags |= _COMPOSITION
        rows[2::columns] = [offset & 0xFFFFFFFF for offset in run.compositions]
    trun = pack(f">I4sI{len(head)}I{len(rows)}I", _trun_size(run), b"trun", 0x01000000 | flags, *head, *rows)
    default = _SYNC if run.sync is Sync.ALL else _NOT_SYNC
    return b"".join((
        pack(">I4s", _traf_size(run), b"traf"),
        pack(">I4sIII", 20, b"tfhd", _BASE_IS_MOOF | _DEFAULT_FLAGS, run.track, default),
        pack(">I4sIQ", 20, b"tfdt", 0x01000000, run.tfdt),
        trun,
    ))


def _track(track: int, handler: bytes, media_header: bytes, entry: bytes, timescale: int, size: tuple[int, int]) -> bytes:
    volume = 0x100 if handler == b"soun" else 0
    empty = b"".join(full_box(kind, 0, 0, bytes(count)) for kind, count in ((b"stts", 4), (b"stsc", 4), (b"stsz", 8), (b"stco", 4)))
    source = box(b"dinf", full_box(b"dref", 0, 0, pack(">I", 1), full_box(b"url ", 0, 1)))
    samples = box(b"stbl", full_box(b"stsd", 0, 0, pack(">I", 1), entry), empty)
    head = full_box(b"tkhd", 0, 3, pack(">5I", 0, 0, track, 0, 0), bytes(8), pack(">4H", 0, 0, volume, 0), _MATRIX, pack(">II", size[0] << 16, size[1] << 16))
    media = box(
        b"mdia",
        full_box(b"mdhd", 0, 0, pack(">IIIIHH", 0, 0, timescale, 0, 0x55C4, 0)),
        full_box(b"hdlr", 0, 0, bytes(4), handler, bytes(12), b"\0"),
        box(b"minf", media_header, source, samples),
    )
    return box(b"trak", head, media)


def _video_entry(video: VideoTrack) -> bytes:
    size = read_format(video.codec, video.parameter_sets)
    kind, config = (b"avc1", _avc_config(video.parameter_sets)) if video.codec == "h264" else (b"hvc1", _hevc_config(video.parameter_sets))
    fixed = pack(">HHIIIH", size.width, size.height, 0x480000, 0x480000, 0, 1)
    return box(kind, bytes(6), pack(">H", 1), bytes(16), fixed, bytes(32), pack(">HH", 24, 0xFFFF), config)


def _counted(sets: Sequence[bytes]) -> bytes:
    return b"".join(pack(">H", len(nal)) + nal for nal in sets)


def _avc_config(sets: Sequence[bytes]) -> bytes:
    sequence = [nal for nal in sets if nal_type("h264", nal) == 7]
    picture = [nal for nal in sets if nal_type("h264", nal) == 8]
    return box(b"avcC", b"\1", sequence[0][1:4], b"\xff", bytes([0xE0 | len(sequence)]), _counted(sequence), bytes([len(picture)]), _counted(picture))


def _hevc_config(sets: Sequence[bytes]) -> bytes:
    kinds = {kind: [nal for nal in sets if nal_type("h265", nal) == kind] for kind in (32, 33, 34)}
    profile = read_h265_profile(kinds[33][0])
    layers = (profile.sub_layers + 1) << 3 | profile.nested << 2 | 3      # 3: four-byte NAL unit lengths
    fixed = pack(">HBBBBHBB", 0xF000, 0xFC, 0xFC | profile.chroma_format, 0xF8 | profile.luma_depth, 0xF8 | profile.chroma_depth, 0, layers, len(kinds))
    arrays = b"".join(bytes([0x80 | kind]) + pack(">H", len(nals)) + _counted(nals) for kind, nals in kinds.items())
    return box(b"hvcC", b"\1", profile.general, fixed, arrays)


def _descriptor(tag: int, payload: bytes) -> bytes:
    return bytes([tag, 0x80, 0x80, 0x80, len(payload)]) + payload


def _audio_entry(audio: AudioTrack) -> bytes:
    decoder = _descriptor(4, b"\x40\x15" + bytes(11) + _descriptor(5, audio.config))
    stream = full_box(b"esds", 0, 0, _descriptor(3, pack(">HB", AUDIO, 0) + decoder + _descriptor(6, b"\2")))
    return box(b"mp4a", bytes(6), pack(">H", 1), bytes(8), pack(">HHHHI", audio.channels, 16, 0, 0, audio.rate << 16), stream)
