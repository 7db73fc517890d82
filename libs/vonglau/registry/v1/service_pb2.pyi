import datetime

from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.api import field_info_pb2 as _field_info_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from vonglau.registry.v1 import events_pb2 as _events_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CameraState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CAMERA_STATE_UNSPECIFIED: _ClassVar[CameraState]
    CAMERA_STATE_ACTIVE: _ClassVar[CameraState]
    CAMERA_STATE_SUSPENDED: _ClassVar[CameraState]
    CAMERA_STATE_RETIRED: _ClassVar[CameraState]

class ImportOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    IMPORT_OUTCOME_UNSPECIFIED: _ClassVar[ImportOutcome]
    IMPORT_OUTCOME_REGISTERED: _ClassVar[ImportOutcome]
    IMPORT_OUTCOME_CHANGED: _ClassVar[ImportOutcome]
    IMPORT_OUTCOME_UNCHANGED: _ClassVar[ImportOutcome]
    IMPORT_OUTCOME_REFUSED: _ClassVar[ImportOutcome]
CAMERA_STATE_UNSPECIFIED: CameraState
CAMERA_STATE_ACTIVE: CameraState
CAMERA_STATE_SUSPENDED: CameraState
CAMERA_STATE_RETIRED: CameraState
IMPORT_OUTCOME_UNSPECIFIED: ImportOutcome
IMPORT_OUTCOME_REGISTERED: ImportOutcome
IMPORT_OUTCOME_CHANGED: ImportOutcome
IMPORT_OUTCOME_UNCHANGED: ImportOutcome
IMPORT_OUTCOME_REFUSED: ImportOutcome

class Owner(_message.Message):
    __slots__ = ("owner", "display_name", "administrators", "version", "create_time")
    OWNER_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    ADMINISTRATORS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    owner: str
    display_name: str
    administrators: _containers.RepeatedScalarFieldContainer[str]
    version: str
    create_time: _timestamp_pb2.Timestamp
    def __init__(self, owner: _Optional[str] = ..., display_name: _Optional[str] = ..., administrators: _Optional[_Iterable[str]] = ..., version: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class RegisterOwnerRequest(_message.Message):
    __slots__ = ("owner", "display_name", "administrators", "request_id", "validate_only")
    OWNER_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    ADMINISTRATORS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    owner: str
    display_name: str
    administrators: _containers.RepeatedScalarFieldContainer[str]
    request_id: str
    validate_only: bool
    def __init__(self, owner: _Optional[str] = ..., display_name: _Optional[str] = ..., administrators: _Optional[_Iterable[str]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class RegisterOwnerResponse(_message.Message):
    __slots__ = ("owner", "version")
    OWNER_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    owner: str
    version: str
    def __init__(self, owner: _Optional[str] = ..., version: _Optional[str] = ...) -> None: ...

class RenameOwnerRequest(_message.Message):
    __slots__ = ("owner", "display_name", "request_id")
    OWNER_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    owner: str
    display_name: str
    request_id: str
    def __init__(self, owner: _Optional[str] = ..., display_name: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class RenameOwnerResponse(_message.Message):
    __slots__ = ("version",)
    VERSION_FIELD_NUMBER: _ClassVar[int]
    version: str
    def __init__(self, version: _Optional[str] = ...) -> None: ...

class BindAdministratorRequest(_message.Message):
    __slots__ = ("owner", "person", "request_id")
    OWNER_FIELD_NUMBER: _ClassVar[int]
    PERSON_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    owner: str
    person: str
    request_id: str
    def __init__(self, owner: _Optional[str] = ..., person: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class BindAdministratorResponse(_message.Message):
    __slots__ = ("version",)
    VERSION_FIELD_NUMBER: _ClassVar[int]
    version: str
    def __init__(self, version: _Optional[str] = ...) -> None: ...

class UnbindAdministratorRequest(_message.Message):
    __slots__ = ("owner", "person", "request_id")
    OWNER_FIELD_NUMBER: _ClassVar[int]
    PERSON_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    owner: str
    person: str
    request_id: str
    def __init__(self, owner: _Optional[str] = ..., person: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class UnbindAdministratorResponse(_message.Message):
    __slots__ = ("version",)
    VERSION_FIELD_NUMBER: _ClassVar[int]
    version: str
    def __init__(self, version: _Optional[str] = ...) -> None: ...

class GetOwnerRequest(_message.Message):
    __slots__ = ("owner", "min_version")
    OWNER_FIELD_NUMBER: _ClassVar[int]
    MIN_VERSION_FIELD_NUMBER: _ClassVar[int]
    owner: str
    min_version: str
    def __init__(self, owner: _Optional[str] = ..., min_version: _Optional[str] = ...) -> None: ...

class ListOwnersRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "min_version")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    MIN_VERSION_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    min_version: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., min_version: _Optional[str] = ...) -> None: ...

class ListOwnersResponse(_message.Message):
    __slots__ = ("owners", "next_page_token")
    OWNERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    owners: _containers.RepeatedCompositeFieldContainer[Owner]
    next_page_token: str
    def __init__(self, owners: _Optional[_Iterable[_Union[Owner, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class Project(_message.Message):
    __slots__ = ("project", "owner", "details", "version", "create_time")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    project: str
    owner: str
    details: _events_pb2.ProjectDetails
    version: str
    create_time: _timestamp_pb2.Timestamp
    def __init__(self, project: _Optional[str] = ..., owner: _Optional[str] = ..., details: _Optional[_Union[_events_pb2.ProjectDetails, _Mapping]] = ..., version: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class RegisterProjectRequest(_message.Message):
    __slots__ = ("project", "owner", "details", "request_id", "validate_only")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    project: str
    owner: str
    details: _events_pb2.ProjectDetails
    request_id: str
    validate_only: bool
    def __init__(self, project: _Optional[str] = ..., owner: _Optional[str] = ..., details: _Optional[_Union[_events_pb2.ProjectDetails, _Mapping]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class RegisterProjectResponse(_message.Message):
    __slots__ = ("project", "version")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    project: str
    version: str
    def __init__(self, project: _Optional[str] = ..., version: _Optional[str] = ...) -> None: ...

class GetProjectRequest(_message.Message):
    __slots__ = ("project", "min_version")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    MIN_VERSION_FIELD_NUMBER: _ClassVar[int]
    project: str
    min_version: str
    def __init__(self, project: _Optional[str] = ..., min_version: _Optional[str] = ...) -> None: ...

class ListProjectsRequest(_message.Message):
    __slots__ = ("owner", "page_size", "page_token", "min_version")
    OWNER_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    MIN_VERSION_FIELD_NUMBER: _ClassVar[int]
    owner: str
    page_size: int
    page_token: str
    min_version: str
    def __init__(self, owner: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., min_version: _Optional[str] = ...) -> None: ...

class ListProjectsResponse(_message.Message):
    __slots__ = ("projects", "next_page_token")
    PROJECTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    projects: _containers.RepeatedCompositeFieldContainer[Project]
    next_page_token: str
    def __init__(self, projects: _Optional[_Iterable[_Union[Project, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class Camera(_message.Message):
    __slots__ = ("camera", "owner", "details", "state", "version", "create_time", "update_time")
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    camera: str
    owner: str
    details: _events_pb2.CameraDetails
    state: CameraState
    version: str
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    def __init__(self, camera: _Optional[str] = ..., owner: _Optional[str] = ..., details: _Optional[_Union[_events_pb2.CameraDetails, _Mapping]] = ..., state: _Optional[_Union[CameraState, str]] = ..., version: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Credential(_message.Message):
    __slots__ = ("username", "password")
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    PASSWORD_FIELD_NUMBER: _ClassVar[int]
    username: str
    password: str
    def __init__(self, username: _Optional[str] = ..., password: _Optional[str] = ...) -> None: ...

class RegisterCameraRequest(_message.Message):
    __slots__ = ("camera", "owner", "details", "credential", "request_id", "validate_only")
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    CREDENTIAL_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    camera: str
    owner: str
    details: _events_pb2.CameraDetails
    credential: Credential
    request_id: str
    validate_only: bool
    def __init__(self, camera: _Optional[str] = ..., owner: _Optional[str] = ..., details: _Optional[_Union[_events_pb2.CameraDetails, _Mapping]] = ..., credential: _Optional[_Union[Credential, _Mapping]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class RegisterCameraResponse(_message.Message):
    __slots__ = ("camera", "version")
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    camera: str
    version: str
    def __init__(self, camera: _Optional[str] = ..., version: _Optional[str] = ...) -> None: ...

class ChangeCameraRequest(_message.Message):
    __slots__ = ("camera", "details", "update_mask", "credential", "etag", "request_id", "validate_only")
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    CREDENTIAL_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    camera: str
    details: _events_pb2.CameraDetails
    update_mask: _field_mask_pb2.FieldMask
    credential: Credential
    etag: str
    request_id: str
    validate_only: bool
    def __init__(self, camera: _Optional[str] = ..., details: _Optional[_Union[_events_pb2.CameraDetails, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., credential: _Optional[_Union[Credential, _Mapping]] = ..., etag: _Optional[str] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class ChangeCameraResponse(_message.Message):
    __slots__ = ("version",)
    VERSION_FIELD_NUMBER: _ClassVar[int]
    version: str
    def __init__(self, version: _Optional[str] = ...) -> None: ...

class SuspendCameraRequest(_message.Message):
    __slots__ = ("camera", "reason", "request_id")
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    camera: str
    reason: str
    request_id: str
    def __init__(self, camera: _Optional[str] = ..., reason: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class SuspendCameraResponse(_message.Message):
    __slots__ = ("version",)
    VERSION_FIELD_NUMBER: _ClassVar[int]
    version: str
    def __init__(self, version: _Optional[str] = ...) -> None: ...

class ResumeCameraRequest(_message.Message):
    __slots__ = ("camera", "request_id")
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    camera: str
    request_id: str
    def __init__(self, camera: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class ResumeCameraResponse(_message.Message):
    __slots__ = ("version",)
    VERSION_FIELD_NUMBER: _ClassVar[int]
    version: str
    def __init__(self, version: _Optional[str] = ...) -> None: ...

class RetireCameraRequest(_message.Message):
    __slots__ = ("camera", "reason", "request_id")
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    camera: str
    reason: str
    request_id: str
    def __init__(self, camera: _Optional[str] = ..., reason: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class RetireCameraResponse(_message.Message):
    __slots__ = ("version",)
    VERSION_FIELD_NUMBER: _ClassVar[int]
    version: str
    def __init__(self, version: _Optional[str] = ...) -> None: ...

class GetCameraRequest(_message.Message):
    __slots__ = ("camera", "as_of", "min_version")
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    MIN_VERSION_FIELD_NUMBER: _ClassVar[int]
    camera: str
    as_of: _timestamp_pb2.Timestamp
    min_version: str
    def __init__(self, camera: _Optional[str] = ..., as_of: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., min_version: _Optional[str] = ...) -> None: ...

class ListCamerasRequest(_message.Message):
    __slots__ = ("owner", "search", "camera_class", "states", "as_of", "page_size", "page_token", "min_version")
    OWNER_FIELD_NUMBER: _ClassVar[int]
    SEARCH_FIELD_NUMBER: _ClassVar[int]
    CAMERA_CLASS_FIELD_NUMBER: _ClassVar[int]
    STATES_FIELD_NUMBER: _ClassVar[int]
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    MIN_VERSION_FIELD_NUMBER: _ClassVar[int]
    owner: str
    search: str
    camera_class: _events_pb2.CameraClass
    states: _containers.RepeatedScalarFieldContainer[CameraState]
    as_of: _timestamp_pb2.Timestamp
    page_size: int
    page_token: str
    min_version: str
    def __init__(self, owner: _Optional[str] = ..., search: _Optional[str] = ..., camera_class: _Optional[_Union[_events_pb2.CameraClass, str]] = ..., states: _Optional[_Iterable[_Union[CameraState, str]]] = ..., as_of: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., min_version: _Optional[str] = ...) -> None: ...

class ListCamerasResponse(_message.Message):
    __slots__ = ("cameras", "next_page_token")
    CAMERAS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    cameras: _containers.RepeatedCompositeFieldContainer[Camera]
    next_page_token: str
    def __init__(self, cameras: _Optional[_Iterable[_Union[Camera, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ImportCamerasRequest(_message.Message):
    __slots__ = ("validate_only", "rows")
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    validate_only: bool
    rows: _containers.RepeatedCompositeFieldContainer[ImportRow]
    def __init__(self, validate_only: _Optional[bool] = ..., rows: _Optional[_Iterable[_Union[ImportRow, _Mapping]]] = ...) -> None: ...

class ImportRow(_message.Message):
    __slots__ = ("row", "camera", "owner", "details", "credential", "unreadable")
    ROW_FIELD_NUMBER: _ClassVar[int]
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    CREDENTIAL_FIELD_NUMBER: _ClassVar[int]
    UNREADABLE_FIELD_NUMBER: _ClassVar[int]
    row: int
    camera: str
    owner: str
    details: _events_pb2.CameraDetails
    credential: Credential
    unreadable: str
    def __init__(self, row: _Optional[int] = ..., camera: _Optional[str] = ..., owner: _Optional[str] = ..., details: _Optional[_Union[_events_pb2.CameraDetails, _Mapping]] = ..., credential: _Optional[_Union[Credential, _Mapping]] = ..., unreadable: _Optional[str] = ...) -> None: ...

class ImportCamerasResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[ImportResult]
    def __init__(self, results: _Optional[_Iterable[_Union[ImportResult, _Mapping]]] = ...) -> None: ...

class ImportResult(_message.Message):
    __slots__ = ("row", "outcome", "camera", "reason", "message", "version")
    ROW_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    row: int
    outcome: ImportOutcome
    camera: str
    reason: str
    message: str
    version: str
    def __init__(self, row: _Optional[int] = ..., outcome: _Optional[_Union[ImportOutcome, str]] = ..., camera: _Optional[str] = ..., reason: _Optional[str] = ..., message: _Optional[str] = ..., version: _Optional[str] = ...) -> None: ...
