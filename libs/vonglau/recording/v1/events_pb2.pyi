from google.type import date_pb2 as _date_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DeletionIntended(_message.Message):
    __slots__ = ("camera", "owner", "day", "hours", "rule", "article", "objects", "size_bytes", "digest", "numbers")
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    DAY_FIELD_NUMBER: _ClassVar[int]
    HOURS_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    ARTICLE_FIELD_NUMBER: _ClassVar[int]
    OBJECTS_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    NUMBERS_FIELD_NUMBER: _ClassVar[int]
    camera: str
    owner: str
    day: _date_pb2.Date
    hours: int
    rule: str
    article: str
    objects: int
    size_bytes: int
    digest: bytes
    numbers: _containers.RepeatedCompositeFieldContainer[Numbers]
    def __init__(self, camera: _Optional[str] = ..., owner: _Optional[str] = ..., day: _Optional[_Union[_date_pb2.Date, _Mapping]] = ..., hours: _Optional[int] = ..., rule: _Optional[str] = ..., article: _Optional[str] = ..., objects: _Optional[int] = ..., size_bytes: _Optional[int] = ..., digest: _Optional[bytes] = ..., numbers: _Optional[_Iterable[_Union[Numbers, _Mapping]]] = ...) -> None: ...

class DeletionConfirmed(_message.Message):
    __slots__ = ("camera", "owner", "day", "hours", "digest", "archive")
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    DAY_FIELD_NUMBER: _ClassVar[int]
    HOURS_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    ARCHIVE_FIELD_NUMBER: _ClassVar[int]
    camera: str
    owner: str
    day: _date_pb2.Date
    hours: int
    digest: bytes
    archive: str
    def __init__(self, camera: _Optional[str] = ..., owner: _Optional[str] = ..., day: _Optional[_Union[_date_pb2.Date, _Mapping]] = ..., hours: _Optional[int] = ..., digest: _Optional[bytes] = ..., archive: _Optional[str] = ...) -> None: ...

class Numbers(_message.Message):
    __slots__ = ("epoch", "first", "last")
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    FIRST_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    epoch: int
    first: int
    last: int
    def __init__(self, epoch: _Optional[int] = ..., first: _Optional[int] = ..., last: _Optional[int] = ...) -> None: ...
