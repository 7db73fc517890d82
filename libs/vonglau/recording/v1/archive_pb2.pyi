from google.type import date_pb2 as _date_pb2
from vonglau.ingest.v1 import events_pb2 as _events_pb2
from vonglau.recording.v1 import events_pb2 as _events_pb2_1
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ArchivePart(_message.Message):
    __slots__ = ("camera", "owner", "day", "part", "previous_sha256", "written_ns", "segments", "interruptions", "streams", "clocks", "deletions", "digest")
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    DAY_FIELD_NUMBER: _ClassVar[int]
    PART_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_SHA256_FIELD_NUMBER: _ClassVar[int]
    WRITTEN_NS_FIELD_NUMBER: _ClassVar[int]
    SEGMENTS_FIELD_NUMBER: _ClassVar[int]
    INTERRUPTIONS_FIELD_NUMBER: _ClassVar[int]
    STREAMS_FIELD_NUMBER: _ClassVar[int]
    CLOCKS_FIELD_NUMBER: _ClassVar[int]
    DELETIONS_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    camera: str
    owner: str
    day: _date_pb2.Date
    part: int
    previous_sha256: bytes
    written_ns: int
    segments: _containers.RepeatedCompositeFieldContainer[_events_pb2.SegmentRecorded]
    interruptions: _containers.RepeatedCompositeFieldContainer[_events_pb2.InterruptionObserved]
    streams: _containers.RepeatedCompositeFieldContainer[_events_pb2.StreamChanged]
    clocks: _containers.RepeatedCompositeFieldContainer[_events_pb2.ClockMeasured]
    deletions: _containers.RepeatedCompositeFieldContainer[Deletion]
    digest: bytes
    def __init__(self, camera: _Optional[str] = ..., owner: _Optional[str] = ..., day: _Optional[_Union[_date_pb2.Date, _Mapping]] = ..., part: _Optional[int] = ..., previous_sha256: _Optional[bytes] = ..., written_ns: _Optional[int] = ..., segments: _Optional[_Iterable[_Union[_events_pb2.SegmentRecorded, _Mapping]]] = ..., interruptions: _Optional[_Iterable[_Union[_events_pb2.InterruptionObserved, _Mapping]]] = ..., streams: _Optional[_Iterable[_Union[_events_pb2.StreamChanged, _Mapping]]] = ..., clocks: _Optional[_Iterable[_Union[_events_pb2.ClockMeasured, _Mapping]]] = ..., deletions: _Optional[_Iterable[_Union[Deletion, _Mapping]]] = ..., digest: _Optional[bytes] = ...) -> None: ...

class Deletion(_message.Message):
    __slots__ = ("rule", "article", "hours", "numbers", "digest", "keys")
    RULE_FIELD_NUMBER: _ClassVar[int]
    ARTICLE_FIELD_NUMBER: _ClassVar[int]
    HOURS_FIELD_NUMBER: _ClassVar[int]
    NUMBERS_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    rule: str
    article: str
    hours: int
    numbers: _containers.RepeatedCompositeFieldContainer[_events_pb2_1.Numbers]
    digest: bytes
    keys: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, rule: _Optional[str] = ..., article: _Optional[str] = ..., hours: _Optional[int] = ..., numbers: _Optional[_Iterable[_Union[_events_pb2_1.Numbers, _Mapping]]] = ..., digest: _Optional[bytes] = ..., keys: _Optional[_Iterable[str]] = ...) -> None: ...

class SignedPart(_message.Message):
    __slots__ = ("part", "signature", "key")
    PART_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    part: bytes
    signature: bytes
    key: str
    def __init__(self, part: _Optional[bytes] = ..., signature: _Optional[bytes] = ..., key: _Optional[str] = ...) -> None: ...
