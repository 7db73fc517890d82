"""The bounds of what a camera's record may say, per field, in the field's own unit."""
from __future__ import annotations

import math
from datetime import date

from vonglau.errors import Invalid
from vonglau.registry.v1.events_pb2 import CameraDetails, Verification

MOST = 50  # entries of a list


def must_be_within(details: CameraDetails) -> None:
    """Raises: Invalid (VALUE_OUT_OF_RANGE), naming the field and its bounds."""
    if details.HasField("place"):
        within("place.latitude_deg", -90 <= details.place.latitude_deg <= 90, "-90 to 90 degrees")
        within("place.longitude_deg", -180 <= details.place.longitude_deg <= 180, "-180 to 180 degrees")
    if details.HasField("pose"):
        within("pose.azimuth_deg", 0 <= details.pose.azimuth_deg < 360, "0 to below 360 degrees")
        within("pose.tilt_deg", -90 <= details.pose.tilt_deg <= 90, "-90 to 90 degrees")
        within("pose.height_m", 0 <= details.pose.height_m <= 1000, "0 to 1000 metres above ground")
        within("pose.field_of_view_deg", 0 < details.pose.field_of_view_deg <= 360, "above 0, at most 360 degrees")
    within("verifications", len(details.verifications) <= MOST, f"at most {MOST} entries")
    within("densities", len(details.densities) <= MOST, f"at most {MOST} entries")
    for density in details.densities:
        within("densities.pixels_per_metre", 0 < density.pixels_per_metre < math.inf, "above 0 pixels per metre")
    for verification in details.verifications:
        within("verifications", in_order(verification), "two calendar days, the later one last")
    for stream in details.streams:
        within("streams.bitrate_kbps", 0 <= stream.bitrate_kbps <= 1_000_000, "0 (unknown) to 1,000,000 kbit/s")


def in_order(verification: Verification) -> bool:
    try:
        verified, expires = (date(day.year, day.month, day.day) for day in (verification.verified, verification.expires))
    except ValueError:
        return False
    return verified < expires


def within(field: str, holds: bool, bounds: str) -> None:
    if not holds:
        raise Invalid("VALUE_OUT_OF_RANGE", f"details.{field}: {bounds}", field=f"details.{field}")
