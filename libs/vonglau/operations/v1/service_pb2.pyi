import datetime

from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Projection(_message.Message):
    __slots__ = ("name", "checkpoints", "parked_keys", "stopped_reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINTS_FIELD_NUMBER: _ClassVar[int]
    PARKED_KEYS_FIELD_NUMBER: _ClassVar[int]
    STOPPED_REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    checkpoints: _containers.RepeatedCompositeFieldContainer[Checkpoint]
    parked_keys: int
    stopped_reason: str
    def __init__(self, name: _Optional[str] = ..., checkpoints: _Optional[_Iterable[_Union[Checkpoint, _Mapping]]] = ..., parked_keys: _Optional[int] = ..., stopped_reason: _Optional[str] = ...) -> None: ...

class Checkpoint(_message.Message):
    __slots__ = ("stream", "sequence", "pending", "last_progress")
    STREAM_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    PENDING_FIELD_NUMBER: _ClassVar[int]
    LAST_PROGRESS_FIELD_NUMBER: _ClassVar[int]
    stream: str
    sequence: int
    pending: int
    last_progress: _timestamp_pb2.Timestamp
    def __init__(self, stream: _Optional[str] = ..., sequence: _Optional[int] = ..., pending: _Optional[int] = ..., last_progress: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListProjectionsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListProjectionsResponse(_message.Message):
    __slots__ = ("projections",)
    PROJECTIONS_FIELD_NUMBER: _ClassVar[int]
    projections: _containers.RepeatedCompositeFieldContainer[Projection]
    def __init__(self, projections: _Optional[_Iterable[_Union[Projection, _Mapping]]] = ...) -> None: ...

class ListParkedKeysRequest(_message.Message):
    __slots__ = ("projection", "page_size", "page_token")
    PROJECTION_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    projection: str
    page_size: int
    page_token: str
    def __init__(self, projection: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListParkedKeysResponse(_message.Message):
    __slots__ = ("keys", "next_page_token")
    KEYS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    keys: _containers.RepeatedCompositeFieldContainer[ParkedKey]
    next_page_token: str
    def __init__(self, keys: _Optional[_Iterable[_Union[ParkedKey, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ParkedKey(_message.Message):
    __slots__ = ("projection", "key", "reason", "message", "events", "since", "waiting")
    PROJECTION_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    WAITING_FIELD_NUMBER: _ClassVar[int]
    projection: str
    key: str
    reason: str
    message: str
    events: int
    since: _timestamp_pb2.Timestamp
    waiting: _containers.RepeatedCompositeFieldContainer[ParkedEvent]
    def __init__(self, projection: _Optional[str] = ..., key: _Optional[str] = ..., reason: _Optional[str] = ..., message: _Optional[str] = ..., events: _Optional[int] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., waiting: _Optional[_Iterable[_Union[ParkedEvent, _Mapping]]] = ...) -> None: ...

class ParkedEvent(_message.Message):
    __slots__ = ("stream", "sequence", "subject", "type", "event")
    STREAM_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    stream: str
    sequence: int
    subject: str
    type: str
    event: str
    def __init__(self, stream: _Optional[str] = ..., sequence: _Optional[int] = ..., subject: _Optional[str] = ..., type: _Optional[str] = ..., event: _Optional[str] = ...) -> None: ...

class GetParkedKeyRequest(_message.Message):
    __slots__ = ("projection", "key")
    PROJECTION_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    projection: str
    key: str
    def __init__(self, projection: _Optional[str] = ..., key: _Optional[str] = ...) -> None: ...

class ReplayParkedKeyRequest(_message.Message):
    __slots__ = ("projection", "key")
    PROJECTION_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    projection: str
    key: str
    def __init__(self, projection: _Optional[str] = ..., key: _Optional[str] = ...) -> None: ...

class ReplayParkedKeyResponse(_message.Message):
    __slots__ = ("applied", "waiting", "reason")
    APPLIED_FIELD_NUMBER: _ClassVar[int]
    WAITING_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    applied: int
    waiting: int
    reason: str
    def __init__(self, applied: _Optional[int] = ..., waiting: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...

class RebuildProjectionRequest(_message.Message):
    __slots__ = ("projection", "buckets_only")
    PROJECTION_FIELD_NUMBER: _ClassVar[int]
    BUCKETS_ONLY_FIELD_NUMBER: _ClassVar[int]
    projection: str
    buckets_only: bool
    def __init__(self, projection: _Optional[str] = ..., buckets_only: _Optional[bool] = ...) -> None: ...

class RebuildProjectionResponse(_message.Message):
    __slots__ = ("applied", "total", "phase", "done", "notes")
    APPLIED_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    applied: int
    total: int
    phase: str
    done: bool
    notes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, applied: _Optional[int] = ..., total: _Optional[int] = ..., phase: _Optional[str] = ..., done: _Optional[bool] = ..., notes: _Optional[_Iterable[str]] = ...) -> None: ...
