import datetime

from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from vonglau.ingest.v1 import events_pb2 as _events_pb2
from vonglau.registry.v1 import events_pb2 as _events_pb2_1
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StretchKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STRETCH_KIND_UNSPECIFIED: _ClassVar[StretchKind]
    STRETCH_KIND_RECORDED: _ClassVar[StretchKind]
    STRETCH_KIND_GAP: _ClassVar[StretchKind]
    STRETCH_KIND_PENDING: _ClassVar[StretchKind]
    STRETCH_KIND_NOT_MEANT: _ClassVar[StretchKind]

class MarkKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MARK_KIND_UNSPECIFIED: _ClassVar[MarkKind]
    MARK_KIND_DISCONTINUITY: _ClassVar[MarkKind]
    MARK_KIND_DRIFT: _ClassVar[MarkKind]
    MARK_KIND_STREAM_CHANGED: _ClassVar[MarkKind]
    MARK_KIND_CLOCK_OFFSET: _ClassVar[MarkKind]
    MARK_KIND_EPOCH: _ClassVar[MarkKind]
STRETCH_KIND_UNSPECIFIED: StretchKind
STRETCH_KIND_RECORDED: StretchKind
STRETCH_KIND_GAP: StretchKind
STRETCH_KIND_PENDING: StretchKind
STRETCH_KIND_NOT_MEANT: StretchKind
MARK_KIND_UNSPECIFIED: MarkKind
MARK_KIND_DISCONTINUITY: MarkKind
MARK_KIND_DRIFT: MarkKind
MARK_KIND_STREAM_CHANGED: MarkKind
MARK_KIND_CLOCK_OFFSET: MarkKind
MARK_KIND_EPOCH: MarkKind

class GetTimelineRequest(_message.Message):
    __slots__ = ("camera", "to", "purpose", "case", "min_version")
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    CASE_FIELD_NUMBER: _ClassVar[int]
    MIN_VERSION_FIELD_NUMBER: _ClassVar[int]
    camera: str
    to: _timestamp_pb2.Timestamp
    purpose: _events_pb2_1.Purpose
    case: str
    min_version: str
    def __init__(self, camera: _Optional[str] = ..., to: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., purpose: _Optional[_Union[_events_pb2_1.Purpose, str]] = ..., case: _Optional[str] = ..., min_version: _Optional[str] = ..., **kwargs) -> None: ...

class Timeline(_message.Message):
    __slots__ = ("stretches", "marks", "newest", "spool_reachable")
    STRETCHES_FIELD_NUMBER: _ClassVar[int]
    MARKS_FIELD_NUMBER: _ClassVar[int]
    NEWEST_FIELD_NUMBER: _ClassVar[int]
    SPOOL_REACHABLE_FIELD_NUMBER: _ClassVar[int]
    stretches: _containers.RepeatedCompositeFieldContainer[Stretch]
    marks: _containers.RepeatedCompositeFieldContainer[Mark]
    newest: _timestamp_pb2.Timestamp
    spool_reachable: bool
    def __init__(self, stretches: _Optional[_Iterable[_Union[Stretch, _Mapping]]] = ..., marks: _Optional[_Iterable[_Union[Mark, _Mapping]]] = ..., newest: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., spool_reachable: _Optional[bool] = ...) -> None: ...

class Stretch(_message.Message):
    __slots__ = ("kind", "start", "end", "cause", "detail")
    KIND_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    kind: StretchKind
    start: _timestamp_pb2.Timestamp
    end: _timestamp_pb2.Timestamp
    cause: _events_pb2.GapCause
    detail: str
    def __init__(self, kind: _Optional[_Union[StretchKind, str]] = ..., start: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., cause: _Optional[_Union[_events_pb2.GapCause, str]] = ..., detail: _Optional[str] = ...) -> None: ...

class Mark(_message.Message):
    __slots__ = ("kind", "at", "amount_ns", "detail")
    KIND_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_NS_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    kind: MarkKind
    at: _timestamp_pb2.Timestamp
    amount_ns: int
    detail: str
    def __init__(self, kind: _Optional[_Union[MarkKind, str]] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., amount_ns: _Optional[int] = ..., detail: _Optional[str] = ...) -> None: ...

class PlayRequest(_message.Message):
    __slots__ = ("camera", "to", "purpose", "case")
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    CASE_FIELD_NUMBER: _ClassVar[int]
    camera: str
    to: _timestamp_pb2.Timestamp
    purpose: _events_pb2_1.Purpose
    case: str
    def __init__(self, camera: _Optional[str] = ..., to: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., purpose: _Optional[_Union[_events_pb2_1.Purpose, str]] = ..., case: _Optional[str] = ..., **kwargs) -> None: ...

class PlayResponse(_message.Message):
    __slots__ = ("file", "data", "position")
    FILE_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    file: FileStarted
    data: bytes
    position: _timestamp_pb2.Timestamp
    def __init__(self, file: _Optional[_Union[FileStarted, _Mapping]] = ..., data: _Optional[bytes] = ..., position: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class FileStarted(_message.Message):
    __slots__ = ("number", "start", "codec")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    CODEC_FIELD_NUMBER: _ClassVar[int]
    number: int
    start: _timestamp_pb2.Timestamp
    codec: str
    def __init__(self, number: _Optional[int] = ..., start: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., codec: _Optional[str] = ...) -> None: ...

class VerifyRequest(_message.Message):
    __slots__ = ("camera", "to")
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    camera: str
    to: _timestamp_pb2.Timestamp
    def __init__(self, camera: _Optional[str] = ..., to: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., **kwargs) -> None: ...

class VerifyResponse(_message.Message):
    __slots__ = ("progress", "finding", "summary")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    FINDING_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    progress: VerifyProgress
    finding: Finding
    summary: VerifySummary
    def __init__(self, progress: _Optional[_Union[VerifyProgress, _Mapping]] = ..., finding: _Optional[_Union[Finding, _Mapping]] = ..., summary: _Optional[_Union[VerifySummary, _Mapping]] = ...) -> None: ...

class VerifyProgress(_message.Message):
    __slots__ = ("camera", "objects_checked", "objects_total")
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    OBJECTS_CHECKED_FIELD_NUMBER: _ClassVar[int]
    OBJECTS_TOTAL_FIELD_NUMBER: _ClassVar[int]
    camera: str
    objects_checked: int
    objects_total: int
    def __init__(self, camera: _Optional[str] = ..., objects_checked: _Optional[int] = ..., objects_total: _Optional[int] = ...) -> None: ...

class Finding(_message.Message):
    __slots__ = ("camera", "reason", "key", "start", "end", "message")
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    camera: str
    reason: str
    key: str
    start: _timestamp_pb2.Timestamp
    end: _timestamp_pb2.Timestamp
    message: str
    def __init__(self, camera: _Optional[str] = ..., reason: _Optional[str] = ..., key: _Optional[str] = ..., start: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., message: _Optional[str] = ...) -> None: ...

class VerifySummary(_message.Message):
    __slots__ = ("objects_checked", "bytes_checked", "archives_checked", "findings", "cameras")
    OBJECTS_CHECKED_FIELD_NUMBER: _ClassVar[int]
    BYTES_CHECKED_FIELD_NUMBER: _ClassVar[int]
    ARCHIVES_CHECKED_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    CAMERAS_FIELD_NUMBER: _ClassVar[int]
    objects_checked: int
    bytes_checked: int
    archives_checked: int
    findings: int
    cameras: int
    def __init__(self, objects_checked: _Optional[int] = ..., bytes_checked: _Optional[int] = ..., archives_checked: _Optional[int] = ..., findings: _Optional[int] = ..., cameras: _Optional[int] = ...) -> None: ...

class ListSummariesRequest(_message.Message):
    __slots__ = ("owner", "page_size", "page_token")
    OWNER_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    owner: str
    page_size: int
    page_token: str
    def __init__(self, owner: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListSummariesResponse(_message.Message):
    __slots__ = ("summaries", "next_page_token")
    SUMMARIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    summaries: _containers.RepeatedCompositeFieldContainer[CameraSummary]
    next_page_token: str
    def __init__(self, summaries: _Optional[_Iterable[_Union[CameraSummary, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CameraSummary(_message.Message):
    __slots__ = ("camera", "owner", "segments", "size_bytes", "recorded_ns", "gaps", "gap_ns", "oldest", "newest")
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    SEGMENTS_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    RECORDED_NS_FIELD_NUMBER: _ClassVar[int]
    GAPS_FIELD_NUMBER: _ClassVar[int]
    GAP_NS_FIELD_NUMBER: _ClassVar[int]
    OLDEST_FIELD_NUMBER: _ClassVar[int]
    NEWEST_FIELD_NUMBER: _ClassVar[int]
    camera: str
    owner: str
    segments: int
    size_bytes: int
    recorded_ns: int
    gaps: int
    gap_ns: int
    oldest: _timestamp_pb2.Timestamp
    newest: _timestamp_pb2.Timestamp
    def __init__(self, camera: _Optional[str] = ..., owner: _Optional[str] = ..., segments: _Optional[int] = ..., size_bytes: _Optional[int] = ..., recorded_ns: _Optional[int] = ..., gaps: _Optional[int] = ..., gap_ns: _Optional[int] = ..., oldest: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., newest: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
