"""A camera's record as the registry holds it, under the names of the inventory file's columns. What nobody gave is None, empty or no entry."""
from __future__ import annotations

from typing import Any

from google.type.date_pb2 import Date

from vonglau.cli.words import word
from vonglau.registry.v1 import events_pb2 as events


def record(details: events.CameraDetails) -> dict[str, Any]:
    """Degrees, metres, kbit/s, pixels per metre."""
    return {
        "type": word(events.CameraType, details.type),
        **place(details),
        **pose(details),
        "notice_sign": details.notice_sign,
        "certificate": details.certificate_number,
        "verifications": [{"number": one.number, "verified": day(one.verified), "expires": day(one.expires)} for one in details.verifications],
        "onvif_profiles": [word(events.OnvifProfile, profile) for profile in details.onvif_profiles],
        "densities": [{"zone": one.zone, "pixels_per_metre": one.pixels_per_metre} for one in details.densities],
        "project": details.project,
        "investor": details.investor,
        "funding": word(events.Funding, details.funding),
        "bitrate_kbps": bitrate(details, events.STREAM_KIND_MAIN),
        "sub_bitrate_kbps": bitrate(details, events.STREAM_KIND_SUB),
    }


def place(details: events.CameraDetails) -> dict[str, Any]:
    there = details.place
    given = bool(there.latitude_deg or there.longitude_deg)  # an address alone leaves both at 0
    return {
        "latitude": there.latitude_deg if given else None,
        "longitude": there.longitude_deg if given else None,
        "address": there.address,
        "area": there.area,
        "site": there.site,
        "zone": there.zone,
    }


def pose(details: events.CameraDetails) -> dict[str, Any]:
    given, stands = details.HasField("pose"), details.pose
    return {
        "azimuth": stands.azimuth_deg if given else None,
        "tilt": stands.tilt_deg if given else None,
        "height": stands.height_m if given else None,
        "field_of_view": stands.field_of_view_deg if given else None,
    }


def bitrate(details: events.CameraDetails, kind: events.StreamKind) -> int | None:
    """None: unknown."""
    return next((stream.bitrate_kbps for stream in details.streams if stream.kind == kind), 0) or None


def day(date: Date) -> str:
    return f"{date.year:04}-{date.month:02}-{date.day:02}"


def cell(value: Any) -> str:
    """As the inventory file writes it."""
    match value:
        case list():
            return ";".join(cell(one) for one in value)
        case {"number": number, "verified": verified, "expires": expires}:
            return f"{number} {verified}/{expires}"
        case {"zone": zone, "pixels_per_metre": pixels}:
            return f"{zone}={pixels}"
    return str(value)
