from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GapCause(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    GAP_CAUSE_UNSPECIFIED: _ClassVar[GapCause]
    GAP_CAUSE_SOURCE_SILENT: _ClassVar[GapCause]
    GAP_CAUSE_TRANSPORT_LOST: _ClassVar[GapCause]
    GAP_CAUSE_REFUSED: _ClassVar[GapCause]
    GAP_CAUSE_UNAUTHORISED: _ClassVar[GapCause]
    GAP_CAUSE_FROZEN_PICTURE: _ClassVar[GapCause]
    GAP_CAUSE_DAMAGED_STREAM: _ClassVar[GapCause]
    GAP_CAUSE_WRITER_FAILED: _ClassVar[GapCause]
    GAP_CAUSE_SPOOL_FULL: _ClassVar[GapCause]
    GAP_CAUSE_SPOOL_LOST: _ClassVar[GapCause]
    GAP_CAUSE_STORAGE_UNAVAILABLE: _ClassVar[GapCause]
    GAP_CAUSE_QUOTA_EXCEEDED: _ClassVar[GapCause]
    GAP_CAUSE_SUSPENDED: _ClassVar[GapCause]
    GAP_CAUSE_MOVED: _ClassVar[GapCause]
    GAP_CAUSE_RETENTION_DELETED: _ClassVar[GapCause]
    GAP_CAUSE_UNEXPLAINED: _ClassVar[GapCause]
    GAP_CAUSE_UNKNOWN: _ClassVar[GapCause]
    GAP_CAUSE_UNASSIGNED: _ClassVar[GapCause]
GAP_CAUSE_UNSPECIFIED: GapCause
GAP_CAUSE_SOURCE_SILENT: GapCause
GAP_CAUSE_TRANSPORT_LOST: GapCause
GAP_CAUSE_REFUSED: GapCause
GAP_CAUSE_UNAUTHORISED: GapCause
GAP_CAUSE_FROZEN_PICTURE: GapCause
GAP_CAUSE_DAMAGED_STREAM: GapCause
GAP_CAUSE_WRITER_FAILED: GapCause
GAP_CAUSE_SPOOL_FULL: GapCause
GAP_CAUSE_SPOOL_LOST: GapCause
GAP_CAUSE_STORAGE_UNAVAILABLE: GapCause
GAP_CAUSE_QUOTA_EXCEEDED: GapCause
GAP_CAUSE_SUSPENDED: GapCause
GAP_CAUSE_MOVED: GapCause
GAP_CAUSE_RETENTION_DELETED: GapCause
GAP_CAUSE_UNEXPLAINED: GapCause
GAP_CAUSE_UNKNOWN: GapCause
GAP_CAUSE_UNASSIGNED: GapCause

class SegmentRecorded(_message.Message):
    __slots__ = ("camera", "owner", "epoch", "number", "start_ns", "end_ns", "contiguous", "key", "size_bytes", "sha256", "previous_sha256", "codec", "width_px", "height_px", "fragments", "media_duration_ns", "clock_offset_ns", "clock_known", "drift_ns", "discontinuity", "lost_packets", "damaged_access_units", "recovered", "last_of_epoch")
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    START_NS_FIELD_NUMBER: _ClassVar[int]
    END_NS_FIELD_NUMBER: _ClassVar[int]
    CONTIGUOUS_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_SHA256_FIELD_NUMBER: _ClassVar[int]
    CODEC_FIELD_NUMBER: _ClassVar[int]
    WIDTH_PX_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_PX_FIELD_NUMBER: _ClassVar[int]
    FRAGMENTS_FIELD_NUMBER: _ClassVar[int]
    MEDIA_DURATION_NS_FIELD_NUMBER: _ClassVar[int]
    CLOCK_OFFSET_NS_FIELD_NUMBER: _ClassVar[int]
    CLOCK_KNOWN_FIELD_NUMBER: _ClassVar[int]
    DRIFT_NS_FIELD_NUMBER: _ClassVar[int]
    DISCONTINUITY_FIELD_NUMBER: _ClassVar[int]
    LOST_PACKETS_FIELD_NUMBER: _ClassVar[int]
    DAMAGED_ACCESS_UNITS_FIELD_NUMBER: _ClassVar[int]
    RECOVERED_FIELD_NUMBER: _ClassVar[int]
    LAST_OF_EPOCH_FIELD_NUMBER: _ClassVar[int]
    camera: str
    owner: str
    epoch: int
    number: int
    start_ns: int
    end_ns: int
    contiguous: bool
    key: str
    size_bytes: int
    sha256: bytes
    previous_sha256: bytes
    codec: str
    width_px: int
    height_px: int
    fragments: int
    media_duration_ns: int
    clock_offset_ns: int
    clock_known: bool
    drift_ns: int
    discontinuity: bool
    lost_packets: int
    damaged_access_units: int
    recovered: bool
    last_of_epoch: bool
    def __init__(self, camera: _Optional[str] = ..., owner: _Optional[str] = ..., epoch: _Optional[int] = ..., number: _Optional[int] = ..., start_ns: _Optional[int] = ..., end_ns: _Optional[int] = ..., contiguous: _Optional[bool] = ..., key: _Optional[str] = ..., size_bytes: _Optional[int] = ..., sha256: _Optional[bytes] = ..., previous_sha256: _Optional[bytes] = ..., codec: _Optional[str] = ..., width_px: _Optional[int] = ..., height_px: _Optional[int] = ..., fragments: _Optional[int] = ..., media_duration_ns: _Optional[int] = ..., clock_offset_ns: _Optional[int] = ..., clock_known: _Optional[bool] = ..., drift_ns: _Optional[int] = ..., discontinuity: _Optional[bool] = ..., lost_packets: _Optional[int] = ..., damaged_access_units: _Optional[int] = ..., recovered: _Optional[bool] = ..., last_of_epoch: _Optional[bool] = ...) -> None: ...

class InterruptionObserved(_message.Message):
    __slots__ = ("camera", "owner", "epoch", "cause", "begun_ns", "ended_ns", "detail", "closes_epoch")
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    BEGUN_NS_FIELD_NUMBER: _ClassVar[int]
    ENDED_NS_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    CLOSES_EPOCH_FIELD_NUMBER: _ClassVar[int]
    camera: str
    owner: str
    epoch: int
    cause: GapCause
    begun_ns: int
    ended_ns: int
    detail: str
    closes_epoch: int
    def __init__(self, camera: _Optional[str] = ..., owner: _Optional[str] = ..., epoch: _Optional[int] = ..., cause: _Optional[_Union[GapCause, str]] = ..., begun_ns: _Optional[int] = ..., ended_ns: _Optional[int] = ..., detail: _Optional[str] = ..., closes_epoch: _Optional[int] = ...) -> None: ...

class StreamChanged(_message.Message):
    __slots__ = ("camera", "owner", "epoch", "at_ns", "codec", "width_px", "height_px", "has_audio")
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    AT_NS_FIELD_NUMBER: _ClassVar[int]
    CODEC_FIELD_NUMBER: _ClassVar[int]
    WIDTH_PX_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_PX_FIELD_NUMBER: _ClassVar[int]
    HAS_AUDIO_FIELD_NUMBER: _ClassVar[int]
    camera: str
    owner: str
    epoch: int
    at_ns: int
    codec: str
    width_px: int
    height_px: int
    has_audio: bool
    def __init__(self, camera: _Optional[str] = ..., owner: _Optional[str] = ..., epoch: _Optional[int] = ..., at_ns: _Optional[int] = ..., codec: _Optional[str] = ..., width_px: _Optional[int] = ..., height_px: _Optional[int] = ..., has_audio: _Optional[bool] = ...) -> None: ...

class ClockMeasured(_message.Message):
    __slots__ = ("camera", "owner", "epoch", "at_ns", "offset_ns", "beyond_limit")
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    AT_NS_FIELD_NUMBER: _ClassVar[int]
    OFFSET_NS_FIELD_NUMBER: _ClassVar[int]
    BEYOND_LIMIT_FIELD_NUMBER: _ClassVar[int]
    camera: str
    owner: str
    epoch: int
    at_ns: int
    offset_ns: int
    beyond_limit: bool
    def __init__(self, camera: _Optional[str] = ..., owner: _Optional[str] = ..., epoch: _Optional[int] = ..., at_ns: _Optional[int] = ..., offset_ns: _Optional[int] = ..., beyond_limit: _Optional[bool] = ...) -> None: ...
