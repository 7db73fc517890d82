from google.protobuf import field_mask_pb2 as _field_mask_pb2
from google.type import date_pb2 as _date_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ClaimKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CLAIM_KIND_UNSPECIFIED: _ClassVar[ClaimKind]
    CLAIM_KIND_SERIAL_NUMBER: _ClassVar[ClaimKind]
    CLAIM_KIND_STREAM_URL: _ClassVar[ClaimKind]

class Funding(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FUNDING_UNSPECIFIED: _ClassVar[Funding]
    FUNDING_BUDGET: _ClassVar[Funding]
    FUNDING_SOCIALISED: _ClassVar[Funding]

class CameraClass(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CAMERA_CLASS_UNSPECIFIED: _ClassVar[CameraClass]
    CAMERA_CLASS_TRAFFIC: _ClassVar[CameraClass]
    CAMERA_CLASS_NON_TRAFFIC: _ClassVar[CameraClass]
    CAMERA_CLASS_DEFENCE: _ClassVar[CameraClass]

class Purpose(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PURPOSE_UNSPECIFIED: _ClassVar[Purpose]
    PURPOSE_SECURITY_ORDER: _ClassVar[Purpose]
    PURPOSE_TRAFFIC_SAFETY: _ClassVar[Purpose]
    PURPOSE_URBAN_ORDER: _ClassVar[Purpose]
    PURPOSE_ENVIRONMENTAL_HYGIENE: _ClassVar[Purpose]
    PURPOSE_INFRASTRUCTURE: _ClassVar[Purpose]
    PURPOSE_DEFENCE: _ClassVar[Purpose]

class CameraType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CAMERA_TYPE_UNSPECIFIED: _ClassVar[CameraType]
    CAMERA_TYPE_FIXED: _ClassVar[CameraType]
    CAMERA_TYPE_PTZ: _ClassVar[CameraType]

class OnvifProfile(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ONVIF_PROFILE_UNSPECIFIED: _ClassVar[OnvifProfile]
    ONVIF_PROFILE_S: _ClassVar[OnvifProfile]
    ONVIF_PROFILE_G: _ClassVar[OnvifProfile]
    ONVIF_PROFILE_T: _ClassVar[OnvifProfile]
    ONVIF_PROFILE_M: _ClassVar[OnvifProfile]

class StreamKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STREAM_KIND_UNSPECIFIED: _ClassVar[StreamKind]
    STREAM_KIND_MAIN: _ClassVar[StreamKind]
    STREAM_KIND_SUB: _ClassVar[StreamKind]
CLAIM_KIND_UNSPECIFIED: ClaimKind
CLAIM_KIND_SERIAL_NUMBER: ClaimKind
CLAIM_KIND_STREAM_URL: ClaimKind
FUNDING_UNSPECIFIED: Funding
FUNDING_BUDGET: Funding
FUNDING_SOCIALISED: Funding
CAMERA_CLASS_UNSPECIFIED: CameraClass
CAMERA_CLASS_TRAFFIC: CameraClass
CAMERA_CLASS_NON_TRAFFIC: CameraClass
CAMERA_CLASS_DEFENCE: CameraClass
PURPOSE_UNSPECIFIED: Purpose
PURPOSE_SECURITY_ORDER: Purpose
PURPOSE_TRAFFIC_SAFETY: Purpose
PURPOSE_URBAN_ORDER: Purpose
PURPOSE_ENVIRONMENTAL_HYGIENE: Purpose
PURPOSE_INFRASTRUCTURE: Purpose
PURPOSE_DEFENCE: Purpose
CAMERA_TYPE_UNSPECIFIED: CameraType
CAMERA_TYPE_FIXED: CameraType
CAMERA_TYPE_PTZ: CameraType
ONVIF_PROFILE_UNSPECIFIED: OnvifProfile
ONVIF_PROFILE_S: OnvifProfile
ONVIF_PROFILE_G: OnvifProfile
ONVIF_PROFILE_T: OnvifProfile
ONVIF_PROFILE_M: OnvifProfile
STREAM_KIND_UNSPECIFIED: StreamKind
STREAM_KIND_MAIN: StreamKind
STREAM_KIND_SUB: StreamKind

class OwnerRegistered(_message.Message):
    __slots__ = ("owner", "display_name", "administrators")
    OWNER_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    ADMINISTRATORS_FIELD_NUMBER: _ClassVar[int]
    owner: str
    display_name: str
    administrators: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, owner: _Optional[str] = ..., display_name: _Optional[str] = ..., administrators: _Optional[_Iterable[str]] = ...) -> None: ...

class OwnerRenamed(_message.Message):
    __slots__ = ("owner", "display_name")
    OWNER_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    owner: str
    display_name: str
    def __init__(self, owner: _Optional[str] = ..., display_name: _Optional[str] = ...) -> None: ...

class AdministratorBound(_message.Message):
    __slots__ = ("owner", "person")
    OWNER_FIELD_NUMBER: _ClassVar[int]
    PERSON_FIELD_NUMBER: _ClassVar[int]
    owner: str
    person: str
    def __init__(self, owner: _Optional[str] = ..., person: _Optional[str] = ...) -> None: ...

class AdministratorUnbound(_message.Message):
    __slots__ = ("owner", "person")
    OWNER_FIELD_NUMBER: _ClassVar[int]
    PERSON_FIELD_NUMBER: _ClassVar[int]
    owner: str
    person: str
    def __init__(self, owner: _Optional[str] = ..., person: _Optional[str] = ...) -> None: ...

class ProjectRegistered(_message.Message):
    __slots__ = ("project", "owner", "details")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    project: str
    owner: str
    details: ProjectDetails
    def __init__(self, project: _Optional[str] = ..., owner: _Optional[str] = ..., details: _Optional[_Union[ProjectDetails, _Mapping]] = ...) -> None: ...

class CameraRegistered(_message.Message):
    __slots__ = ("camera", "owner", "details", "credential")
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    CREDENTIAL_FIELD_NUMBER: _ClassVar[int]
    camera: str
    owner: str
    details: CameraDetails
    credential: str
    def __init__(self, camera: _Optional[str] = ..., owner: _Optional[str] = ..., details: _Optional[_Union[CameraDetails, _Mapping]] = ..., credential: _Optional[str] = ...) -> None: ...

class CameraChanged(_message.Message):
    __slots__ = ("camera", "details", "changed", "credential")
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    CREDENTIAL_FIELD_NUMBER: _ClassVar[int]
    camera: str
    details: CameraDetails
    changed: _field_mask_pb2.FieldMask
    credential: str
    def __init__(self, camera: _Optional[str] = ..., details: _Optional[_Union[CameraDetails, _Mapping]] = ..., changed: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., credential: _Optional[str] = ...) -> None: ...

class CameraSuspended(_message.Message):
    __slots__ = ("camera", "reason")
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    camera: str
    reason: str
    def __init__(self, camera: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class CameraResumed(_message.Message):
    __slots__ = ("camera",)
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    camera: str
    def __init__(self, camera: _Optional[str] = ...) -> None: ...

class CameraRetired(_message.Message):
    __slots__ = ("camera", "reason")
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    camera: str
    reason: str
    def __init__(self, camera: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ValueClaimed(_message.Message):
    __slots__ = ("kind", "value", "camera")
    KIND_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    kind: ClaimKind
    value: str
    camera: str
    def __init__(self, kind: _Optional[_Union[ClaimKind, str]] = ..., value: _Optional[str] = ..., camera: _Optional[str] = ...) -> None: ...

class ValueReleased(_message.Message):
    __slots__ = ("camera",)
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    camera: str
    def __init__(self, camera: _Optional[str] = ...) -> None: ...

class ProjectDetails(_message.Message):
    __slots__ = ("display_name", "contract_number", "decision_number", "funding")
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    CONTRACT_NUMBER_FIELD_NUMBER: _ClassVar[int]
    DECISION_NUMBER_FIELD_NUMBER: _ClassVar[int]
    FUNDING_FIELD_NUMBER: _ClassVar[int]
    display_name: str
    contract_number: str
    decision_number: str
    funding: Funding
    def __init__(self, display_name: _Optional[str] = ..., contract_number: _Optional[str] = ..., decision_number: _Optional[str] = ..., funding: _Optional[_Union[Funding, str]] = ...) -> None: ...

class CameraDetails(_message.Message):
    __slots__ = ("display_name", "camera_class", "purposes", "type", "investor", "project", "funding", "place", "pose", "notice_sign", "onvif_profiles", "certificate_number", "verifications", "densities", "serial_number", "streams")
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    CAMERA_CLASS_FIELD_NUMBER: _ClassVar[int]
    PURPOSES_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    INVESTOR_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    FUNDING_FIELD_NUMBER: _ClassVar[int]
    PLACE_FIELD_NUMBER: _ClassVar[int]
    POSE_FIELD_NUMBER: _ClassVar[int]
    NOTICE_SIGN_FIELD_NUMBER: _ClassVar[int]
    ONVIF_PROFILES_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    VERIFICATIONS_FIELD_NUMBER: _ClassVar[int]
    DENSITIES_FIELD_NUMBER: _ClassVar[int]
    SERIAL_NUMBER_FIELD_NUMBER: _ClassVar[int]
    STREAMS_FIELD_NUMBER: _ClassVar[int]
    display_name: str
    camera_class: CameraClass
    purposes: _containers.RepeatedScalarFieldContainer[Purpose]
    type: CameraType
    investor: str
    project: str
    funding: Funding
    place: Place
    pose: Pose
    notice_sign: str
    onvif_profiles: _containers.RepeatedScalarFieldContainer[OnvifProfile]
    certificate_number: str
    verifications: _containers.RepeatedCompositeFieldContainer[Verification]
    densities: _containers.RepeatedCompositeFieldContainer[ZoneDensity]
    serial_number: str
    streams: _containers.RepeatedCompositeFieldContainer[StreamProfile]
    def __init__(self, display_name: _Optional[str] = ..., camera_class: _Optional[_Union[CameraClass, str]] = ..., purposes: _Optional[_Iterable[_Union[Purpose, str]]] = ..., type: _Optional[_Union[CameraType, str]] = ..., investor: _Optional[str] = ..., project: _Optional[str] = ..., funding: _Optional[_Union[Funding, str]] = ..., place: _Optional[_Union[Place, _Mapping]] = ..., pose: _Optional[_Union[Pose, _Mapping]] = ..., notice_sign: _Optional[str] = ..., onvif_profiles: _Optional[_Iterable[_Union[OnvifProfile, str]]] = ..., certificate_number: _Optional[str] = ..., verifications: _Optional[_Iterable[_Union[Verification, _Mapping]]] = ..., densities: _Optional[_Iterable[_Union[ZoneDensity, _Mapping]]] = ..., serial_number: _Optional[str] = ..., streams: _Optional[_Iterable[_Union[StreamProfile, _Mapping]]] = ...) -> None: ...

class Place(_message.Message):
    __slots__ = ("latitude_deg", "longitude_deg", "address", "area", "site", "zone")
    LATITUDE_DEG_FIELD_NUMBER: _ClassVar[int]
    LONGITUDE_DEG_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    AREA_FIELD_NUMBER: _ClassVar[int]
    SITE_FIELD_NUMBER: _ClassVar[int]
    ZONE_FIELD_NUMBER: _ClassVar[int]
    latitude_deg: float
    longitude_deg: float
    address: str
    area: str
    site: str
    zone: str
    def __init__(self, latitude_deg: _Optional[float] = ..., longitude_deg: _Optional[float] = ..., address: _Optional[str] = ..., area: _Optional[str] = ..., site: _Optional[str] = ..., zone: _Optional[str] = ...) -> None: ...

class Pose(_message.Message):
    __slots__ = ("azimuth_deg", "tilt_deg", "height_m", "field_of_view_deg")
    AZIMUTH_DEG_FIELD_NUMBER: _ClassVar[int]
    TILT_DEG_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_M_FIELD_NUMBER: _ClassVar[int]
    FIELD_OF_VIEW_DEG_FIELD_NUMBER: _ClassVar[int]
    azimuth_deg: float
    tilt_deg: float
    height_m: float
    field_of_view_deg: float
    def __init__(self, azimuth_deg: _Optional[float] = ..., tilt_deg: _Optional[float] = ..., height_m: _Optional[float] = ..., field_of_view_deg: _Optional[float] = ...) -> None: ...

class Verification(_message.Message):
    __slots__ = ("number", "verified", "expires")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    VERIFIED_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_FIELD_NUMBER: _ClassVar[int]
    number: str
    verified: _date_pb2.Date
    expires: _date_pb2.Date
    def __init__(self, number: _Optional[str] = ..., verified: _Optional[_Union[_date_pb2.Date, _Mapping]] = ..., expires: _Optional[_Union[_date_pb2.Date, _Mapping]] = ...) -> None: ...

class ZoneDensity(_message.Message):
    __slots__ = ("zone", "pixels_per_metre")
    ZONE_FIELD_NUMBER: _ClassVar[int]
    PIXELS_PER_METRE_FIELD_NUMBER: _ClassVar[int]
    zone: str
    pixels_per_metre: float
    def __init__(self, zone: _Optional[str] = ..., pixels_per_metre: _Optional[float] = ...) -> None: ...

class StreamProfile(_message.Message):
    __slots__ = ("kind", "url", "bitrate_kbps")
    KIND_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    BITRATE_KBPS_FIELD_NUMBER: _ClassVar[int]
    kind: StreamKind
    url: str
    bitrate_kbps: int
    def __init__(self, kind: _Optional[_Union[StreamKind, str]] = ..., url: _Optional[str] = ..., bitrate_kbps: _Optional[int] = ...) -> None: ...
