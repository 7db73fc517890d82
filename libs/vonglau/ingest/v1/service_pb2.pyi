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

class RecordingState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RECORDING_STATE_UNSPECIFIED: _ClassVar[RecordingState]
    RECORDING_STATE_CONNECTING: _ClassVar[RecordingState]
    RECORDING_STATE_RECORDING: _ClassVar[RecordingState]
    RECORDING_STATE_INTERRUPTED: _ClassVar[RecordingState]
    RECORDING_STATE_SUSPENDED: _ClassVar[RecordingState]
    RECORDING_STATE_UNASSIGNED: _ClassVar[RecordingState]
RECORDING_STATE_UNSPECIFIED: RecordingState
RECORDING_STATE_CONNECTING: RecordingState
RECORDING_STATE_RECORDING: RecordingState
RECORDING_STATE_INTERRUPTED: RecordingState
RECORDING_STATE_SUSPENDED: RecordingState
RECORDING_STATE_UNASSIGNED: RecordingState

class CameraStatus(_message.Message):
    __slots__ = ("camera", "owner", "state", "cause", "since", "recorded_until", "epoch", "bitrate_bps", "recorded_bytes", "recorded_duration_ns", "spool_bytes", "spool_segments", "lost_packets", "interruptions", "clock_offset_ns", "clock_known", "viewers", "codec", "width_px", "height_px", "detail")
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    RECORDED_UNTIL_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    BITRATE_BPS_FIELD_NUMBER: _ClassVar[int]
    RECORDED_BYTES_FIELD_NUMBER: _ClassVar[int]
    RECORDED_DURATION_NS_FIELD_NUMBER: _ClassVar[int]
    SPOOL_BYTES_FIELD_NUMBER: _ClassVar[int]
    SPOOL_SEGMENTS_FIELD_NUMBER: _ClassVar[int]
    LOST_PACKETS_FIELD_NUMBER: _ClassVar[int]
    INTERRUPTIONS_FIELD_NUMBER: _ClassVar[int]
    CLOCK_OFFSET_NS_FIELD_NUMBER: _ClassVar[int]
    CLOCK_KNOWN_FIELD_NUMBER: _ClassVar[int]
    VIEWERS_FIELD_NUMBER: _ClassVar[int]
    CODEC_FIELD_NUMBER: _ClassVar[int]
    WIDTH_PX_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_PX_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    camera: str
    owner: str
    state: RecordingState
    cause: _events_pb2.GapCause
    since: _timestamp_pb2.Timestamp
    recorded_until: _timestamp_pb2.Timestamp
    epoch: int
    bitrate_bps: int
    recorded_bytes: int
    recorded_duration_ns: int
    spool_bytes: int
    spool_segments: int
    lost_packets: int
    interruptions: int
    clock_offset_ns: int
    clock_known: bool
    viewers: int
    codec: str
    width_px: int
    height_px: int
    detail: str
    def __init__(self, camera: _Optional[str] = ..., owner: _Optional[str] = ..., state: _Optional[_Union[RecordingState, str]] = ..., cause: _Optional[_Union[_events_pb2.GapCause, str]] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., recorded_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., epoch: _Optional[int] = ..., bitrate_bps: _Optional[int] = ..., recorded_bytes: _Optional[int] = ..., recorded_duration_ns: _Optional[int] = ..., spool_bytes: _Optional[int] = ..., spool_segments: _Optional[int] = ..., lost_packets: _Optional[int] = ..., interruptions: _Optional[int] = ..., clock_offset_ns: _Optional[int] = ..., clock_known: _Optional[bool] = ..., viewers: _Optional[int] = ..., codec: _Optional[str] = ..., width_px: _Optional[int] = ..., height_px: _Optional[int] = ..., detail: _Optional[str] = ...) -> None: ...

class GetCameraStatusRequest(_message.Message):
    __slots__ = ("camera",)
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    camera: str
    def __init__(self, camera: _Optional[str] = ...) -> None: ...

class ListCameraStatusesRequest(_message.Message):
    __slots__ = ("owner", "page_size", "page_token", "cameras")
    OWNER_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    CAMERAS_FIELD_NUMBER: _ClassVar[int]
    owner: str
    page_size: int
    page_token: str
    cameras: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, owner: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., cameras: _Optional[_Iterable[str]] = ...) -> None: ...

class ListCameraStatusesResponse(_message.Message):
    __slots__ = ("statuses", "next_page_token", "health")
    STATUSES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    HEALTH_FIELD_NUMBER: _ClassVar[int]
    statuses: _containers.RepeatedCompositeFieldContainer[CameraStatus]
    next_page_token: str
    health: IngestHealth
    def __init__(self, statuses: _Optional[_Iterable[_Union[CameraStatus, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., health: _Optional[_Union[IngestHealth, _Mapping]] = ...) -> None: ...

class IngestHealth(_message.Message):
    __slots__ = ("log_reachable", "store_reachable", "spool_bytes", "spool_limit_bytes", "shed_segments", "facts_waiting", "detail")
    LOG_REACHABLE_FIELD_NUMBER: _ClassVar[int]
    STORE_REACHABLE_FIELD_NUMBER: _ClassVar[int]
    SPOOL_BYTES_FIELD_NUMBER: _ClassVar[int]
    SPOOL_LIMIT_BYTES_FIELD_NUMBER: _ClassVar[int]
    SHED_SEGMENTS_FIELD_NUMBER: _ClassVar[int]
    FACTS_WAITING_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    log_reachable: bool
    store_reachable: bool
    spool_bytes: int
    spool_limit_bytes: int
    shed_segments: int
    facts_waiting: int
    detail: str
    def __init__(self, log_reachable: _Optional[bool] = ..., store_reachable: _Optional[bool] = ..., spool_bytes: _Optional[int] = ..., spool_limit_bytes: _Optional[int] = ..., shed_segments: _Optional[int] = ..., facts_waiting: _Optional[int] = ..., detail: _Optional[str] = ...) -> None: ...

class WatchRequest(_message.Message):
    __slots__ = ("camera", "purpose", "case", "relayed")
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    CASE_FIELD_NUMBER: _ClassVar[int]
    RELAYED_FIELD_NUMBER: _ClassVar[int]
    camera: str
    purpose: _events_pb2_1.Purpose
    case: str
    relayed: bool
    def __init__(self, camera: _Optional[str] = ..., purpose: _Optional[_Union[_events_pb2_1.Purpose, str]] = ..., case: _Optional[str] = ..., relayed: _Optional[bool] = ...) -> None: ...

class WatchResponse(_message.Message):
    __slots__ = ("init_segment", "media", "start_ns", "skipped")
    INIT_SEGMENT_FIELD_NUMBER: _ClassVar[int]
    MEDIA_FIELD_NUMBER: _ClassVar[int]
    START_NS_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_FIELD_NUMBER: _ClassVar[int]
    init_segment: bytes
    media: bytes
    start_ns: int
    skipped: int
    def __init__(self, init_segment: _Optional[bytes] = ..., media: _Optional[bytes] = ..., start_ns: _Optional[int] = ..., skipped: _Optional[int] = ...) -> None: ...

class ReadSpoolRequest(_message.Message):
    __slots__ = ("camera", "from_ns", "to_ns", "index_only", "relayed")
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    FROM_NS_FIELD_NUMBER: _ClassVar[int]
    TO_NS_FIELD_NUMBER: _ClassVar[int]
    INDEX_ONLY_FIELD_NUMBER: _ClassVar[int]
    RELAYED_FIELD_NUMBER: _ClassVar[int]
    camera: str
    from_ns: int
    to_ns: int
    index_only: bool
    relayed: bool
    def __init__(self, camera: _Optional[str] = ..., from_ns: _Optional[int] = ..., to_ns: _Optional[int] = ..., index_only: _Optional[bool] = ..., relayed: _Optional[bool] = ...) -> None: ...

class ReadSpoolResponse(_message.Message):
    __slots__ = ("segment", "fragment")
    SEGMENT_FIELD_NUMBER: _ClassVar[int]
    FRAGMENT_FIELD_NUMBER: _ClassVar[int]
    segment: SpoolSegment
    fragment: SpoolFragment
    def __init__(self, segment: _Optional[_Union[SpoolSegment, _Mapping]] = ..., fragment: _Optional[_Union[SpoolFragment, _Mapping]] = ...) -> None: ...

class SpoolSegment(_message.Message):
    __slots__ = ("epoch", "number", "owner", "start_ns", "end_ns", "growing", "contiguous", "codec", "init_segment")
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    START_NS_FIELD_NUMBER: _ClassVar[int]
    END_NS_FIELD_NUMBER: _ClassVar[int]
    GROWING_FIELD_NUMBER: _ClassVar[int]
    CONTIGUOUS_FIELD_NUMBER: _ClassVar[int]
    CODEC_FIELD_NUMBER: _ClassVar[int]
    INIT_SEGMENT_FIELD_NUMBER: _ClassVar[int]
    epoch: int
    number: int
    owner: str
    start_ns: int
    end_ns: int
    growing: bool
    contiguous: bool
    codec: str
    init_segment: bytes
    def __init__(self, epoch: _Optional[int] = ..., number: _Optional[int] = ..., owner: _Optional[str] = ..., start_ns: _Optional[int] = ..., end_ns: _Optional[int] = ..., growing: _Optional[bool] = ..., contiguous: _Optional[bool] = ..., codec: _Optional[str] = ..., init_segment: _Optional[bytes] = ...) -> None: ...

class SpoolFragment(_message.Message):
    __slots__ = ("start_ns", "end_ns", "media")
    START_NS_FIELD_NUMBER: _ClassVar[int]
    END_NS_FIELD_NUMBER: _ClassVar[int]
    MEDIA_FIELD_NUMBER: _ClassVar[int]
    start_ns: int
    end_ns: int
    media: bytes
    def __init__(self, start_ns: _Optional[int] = ..., end_ns: _Optional[int] = ..., media: _Optional[bytes] = ...) -> None: ...

class Pool(_message.Message):
    __slots__ = ("name", "selector", "capacity", "generation", "pins")
    class PinsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: int
        value: str
        def __init__(self, key: _Optional[int] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    CAPACITY_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    PINS_FIELD_NUMBER: _ClassVar[int]
    name: str
    selector: PoolSelector
    capacity: MemberCapacity
    generation: int
    pins: _containers.ScalarMap[int, str]
    def __init__(self, name: _Optional[str] = ..., selector: _Optional[_Union[PoolSelector, _Mapping]] = ..., capacity: _Optional[_Union[MemberCapacity, _Mapping]] = ..., generation: _Optional[int] = ..., pins: _Optional[_Mapping[int, str]] = ...) -> None: ...

class PoolSelector(_message.Message):
    __slots__ = ("owners", "sites", "zones")
    OWNERS_FIELD_NUMBER: _ClassVar[int]
    SITES_FIELD_NUMBER: _ClassVar[int]
    ZONES_FIELD_NUMBER: _ClassVar[int]
    owners: _containers.RepeatedScalarFieldContainer[str]
    sites: _containers.RepeatedScalarFieldContainer[str]
    zones: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, owners: _Optional[_Iterable[str]] = ..., sites: _Optional[_Iterable[str]] = ..., zones: _Optional[_Iterable[str]] = ...) -> None: ...

class MemberCapacity(_message.Message):
    __slots__ = ("cameras", "bitrate_bps")
    CAMERAS_FIELD_NUMBER: _ClassVar[int]
    BITRATE_BPS_FIELD_NUMBER: _ClassVar[int]
    cameras: int
    bitrate_bps: int
    def __init__(self, cameras: _Optional[int] = ..., bitrate_bps: _Optional[int] = ...) -> None: ...

class PutPoolRequest(_message.Message):
    __slots__ = ("pool",)
    POOL_FIELD_NUMBER: _ClassVar[int]
    pool: Pool
    def __init__(self, pool: _Optional[_Union[Pool, _Mapping]] = ...) -> None: ...

class DeletePoolRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class DeletePoolResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetDemandRequest(_message.Message):
    __slots__ = ("pool",)
    POOL_FIELD_NUMBER: _ClassVar[int]
    pool: str
    def __init__(self, pool: _Optional[str] = ...) -> None: ...

class Demand(_message.Message):
    __slots__ = ("pool", "generation", "cameras", "bitrate_bps", "recording", "unassigned", "moving_slots", "members", "overlapping_pools", "overlapping_cameras", "unselected_cameras")
    POOL_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    CAMERAS_FIELD_NUMBER: _ClassVar[int]
    BITRATE_BPS_FIELD_NUMBER: _ClassVar[int]
    RECORDING_FIELD_NUMBER: _ClassVar[int]
    UNASSIGNED_FIELD_NUMBER: _ClassVar[int]
    MOVING_SLOTS_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    OVERLAPPING_POOLS_FIELD_NUMBER: _ClassVar[int]
    OVERLAPPING_CAMERAS_FIELD_NUMBER: _ClassVar[int]
    UNSELECTED_CAMERAS_FIELD_NUMBER: _ClassVar[int]
    pool: str
    generation: int
    cameras: int
    bitrate_bps: int
    recording: int
    unassigned: int
    moving_slots: int
    members: _containers.RepeatedCompositeFieldContainer[MemberDemand]
    overlapping_pools: _containers.RepeatedScalarFieldContainer[str]
    overlapping_cameras: int
    unselected_cameras: int
    def __init__(self, pool: _Optional[str] = ..., generation: _Optional[int] = ..., cameras: _Optional[int] = ..., bitrate_bps: _Optional[int] = ..., recording: _Optional[int] = ..., unassigned: _Optional[int] = ..., moving_slots: _Optional[int] = ..., members: _Optional[_Iterable[_Union[MemberDemand, _Mapping]]] = ..., overlapping_pools: _Optional[_Iterable[str]] = ..., overlapping_cameras: _Optional[int] = ..., unselected_cameras: _Optional[int] = ...) -> None: ...

class MemberDemand(_message.Message):
    __slots__ = ("name", "slots", "cameras", "bitrate_bps", "leaving", "spool_bytes")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    CAMERAS_FIELD_NUMBER: _ClassVar[int]
    BITRATE_BPS_FIELD_NUMBER: _ClassVar[int]
    LEAVING_FIELD_NUMBER: _ClassVar[int]
    SPOOL_BYTES_FIELD_NUMBER: _ClassVar[int]
    name: str
    slots: int
    cameras: int
    bitrate_bps: int
    leaving: bool
    spool_bytes: int
    def __init__(self, name: _Optional[str] = ..., slots: _Optional[int] = ..., cameras: _Optional[int] = ..., bitrate_bps: _Optional[int] = ..., leaving: _Optional[bool] = ..., spool_bytes: _Optional[int] = ...) -> None: ...
