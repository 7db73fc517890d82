"""What a caller says of a camera or a project, in its one normal form, so that the same is stored and compared as the same. Sources: VL-10, VL-17."""
from __future__ import annotations

import unicodedata
from typing import Any

from google.protobuf.internal.containers import RepeatedScalarFieldContainer

from services.registry.stream_url import stream_url
from vonglau.errors import Invalid
from vonglau.eventlog import checked_id
from vonglau.registry.v1.events_pb2 import CameraDetails, ProjectDetails, StreamKind, StreamProfile
from vonglau.registry.v1.service_pb2 import Credential

LONGEST = 200  # characters of a text
UNSEEN = ("Cc", "Cf", "Zl", "Zp")  # Unicode categories: they steer a terminal, turn the direction of what follows, or do not show
TEXTS = ("display_name", "investor", "project", "notice_sign", "certificate_number")
ENUMS = ("camera_class", "type", "funding")
SETS = ("purposes", "onvif_profiles")


def normal_details(details: CameraDetails) -> tuple[CameraDetails, Credential | None]:
    """A copy in normal form, without the credentials that stood in a stream's URL; those apart.

    Raises: Invalid (TEXT_MALFORMED, ID_MALFORMED, VALUE_UNKNOWN, FIELD_MISSING, STREAM_KIND_TWICE, STREAM_URL_TWICE, STREAM_URL_MALFORMED, CREDENTIALS_DIFFER).
    """
    normal = CameraDetails()
    normal.CopyFrom(details)
    for field in TEXTS:
        setattr(normal, field, text(getattr(details, field), f"details.{field}"))
    normal.serial_number = text(details.serial_number, "details.serial_number").upper()
    if normal.project:
        checked_id("project", normal.project)
    known_enums(normal)
    if details.HasField("place"):
        normal.place.address, normal.place.area = (text(value, "details.place") for value in (details.place.address, details.place.area))
        for field in ("site", "zone"):
            if getattr(normal.place, field):
                checked_id(f"details.place.{field}", getattr(normal.place, field))
    for density in normal.densities:
        density.zone = name(density.zone, "details.densities.zone")
    for verification in normal.verifications:
        verification.number = name(verification.number, "details.verifications.number")
    return normal, streams_apart(normal)


def normal_project(details: ProjectDetails) -> ProjectDetails:
    """Raises: Invalid (TEXT_MALFORMED, FIELD_MISSING, VALUE_UNKNOWN)."""
    normal = ProjectDetails(funding=known(details, "funding"))
    for field in ("display_name", "contract_number", "decision_number"):
        setattr(normal, field, text(getattr(details, field), f"details.{field}"))
    if not normal.display_name:
        raise Invalid("FIELD_MISSING", "a project has a name", field="details.display_name")
    return normal


def text(value: str, field: str) -> str:
    """NFC, without blanks around it.

    Raises: Invalid (TEXT_MALFORMED).
    """
    normal = unicodedata.normalize("NFC", value).strip()
    if len(normal) > LONGEST or any(unicodedata.category(letter) in UNSEEN for letter in normal):
        raise Invalid("TEXT_MALFORMED", f"{field} is at most {LONGEST} characters without control or invisible characters", field=field)
    return normal


def name(value: str, field: str = "display_name") -> str:
    """A text that must not be empty. Raises: Invalid (TEXT_MALFORMED, FIELD_MISSING)."""
    normal = text(value, field)
    if not normal:
        raise Invalid("FIELD_MISSING", f"{field} is empty", field=field)
    return normal


def known_enums(details: CameraDetails) -> None:
    """Sets in order and without repetition; a value that this version does not know is refused rather than stored."""
    for field in ENUMS:
        known(details, field)
    for field in SETS:
        values: RepeatedScalarFieldContainer[int] = getattr(details, field)
        if any(value == 0 or not defined(details, field, value) for value in values):
            raise unknown_value(field)
        ordered = sorted(set(values))
        if ordered != list(values):
            del values[:]
            values.extend(ordered)


def known(message: CameraDetails | ProjectDetails, field: str) -> Any:
    value = getattr(message, field)
    if not defined(message, field, value):
        raise unknown_value(field)
    return value


def defined(message: CameraDetails | ProjectDetails, field: str, value: int) -> bool:
    enum = message.DESCRIPTOR.fields_by_name[field].enum_type
    return enum is not None and value in enum.values_by_number


def unknown_value(field: str) -> Invalid:
    return Invalid("VALUE_UNKNOWN", f"details.{field} has a value that is not defined", field=f"details.{field}")


def streams_apart(details: CameraDetails) -> Credential | None:
    """Puts the streams in order and their URLs in normal form; the one credential that stood in them."""
    found: list[Credential] = []
    for stream in details.streams:
        if stream.kind == StreamKind.STREAM_KIND_UNSPECIFIED or stream.kind not in StreamKind.values():
            raise Invalid("VALUE_UNKNOWN", "a stream is main or sub", field="details.streams.kind")
        stream.url, credential = stream_url(stream.url)
        found += [credential] if credential else []
    once("STREAM_KIND_TWICE", "at most one main and one sub stream", [stream.kind for stream in details.streams])
    once("STREAM_URL_TWICE", "two streams of a camera have different URLs", [stream.url for stream in details.streams])
    if len(details.streams) > 1:
        details.streams.sort(key=by_kind)
    if any(credential != found[0] for credential in found):
        raise Invalid("CREDENTIALS_DIFFER", "a camera has one credential for all its streams", field="details.streams.url")
    return found[0] if found else None


def by_kind(stream: StreamProfile) -> int:
    return stream.kind


def once(reason: str, sentence: str, values: list[Any]) -> None:
    if len(set(values)) < len(values):
        raise Invalid(reason, sentence, field="details.streams")
