"""The inventory file: CSV in UTF-8 with a header. It is read whole before anything is sent, so a malformed file does nothing."""
from __future__ import annotations

import csv
import io
import math
from datetime import date
from pathlib import Path

from google.type.date_pb2 import Date

from vonglau.cli.words import value
from vonglau.errors import Invalid
from vonglau.registry.v1 import events_pb2 as events
from vonglau.registry.v1 import service_pb2 as registry

REQUIRED = ("owner", "name", "url")
OPTIONAL = (
    "id", "class", "purposes", "type", "latitude", "longitude", "address", "area", "site", "zone", "azimuth", "tilt", "height", "field_of_view", "notice_sign",
    "serial", "project", "investor", "funding", "certificate", "verifications", "onvif_profiles", "densities",
    "sub_url", "bitrate_kbps", "sub_bitrate_kbps", "username", "password",
)  # fmt: skip
PLACE = ("latitude", "longitude", "address", "area", "site", "zone")
POSE = ("azimuth", "tilt", "height", "field_of_view")
LONGEST_FIELD = 65_536  # characters
MOST_ROWS = 200_000
BEYOND = 2**31  # no number of a row is that large


def read_rows(path: Path) -> list[registry.ImportRow]:
    """One row per line, numbered as in the file (the header is line 1).

    Raises: Invalid (ENCODING_NOT_UTF8, COLUMN_UNKNOWN, COLUMN_MISSING, COLUMN_TWICE, LINE_TOO_LONG, ROW_MALFORMED, FILE_EMPTY, TOO_MANY_ROWS), OSError.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise Invalid("ENCODING_NOT_UTF8", f"{path} is not UTF-8 (byte {error.start}); save it as UTF-8 CSV") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    csv.field_size_limit(LONGEST_FIELD)
    rows: list[registry.ImportRow] = []
    try:
        header = [column.strip().lower() for column in next(reader, [])]
        check_header(path, header)
        rows.extend(row(dict(zip(header, fields, strict=True)), reader.line_num) for fields in reader if any(field.strip() for field in fields))
    except csv.Error as error:
        reason = "LINE_TOO_LONG" if "field larger" in str(error) else "ROW_MALFORMED"
        raise Invalid(reason, f"{path}, line {reader.line_num}: {error}", line=str(reader.line_num)) from None
    except ValueError:
        raise Invalid("ROW_MALFORMED", f"{path}, line {reader.line_num}: not as many fields as the header has", line=str(reader.line_num)) from None
    if len(rows) > MOST_ROWS:
        raise Invalid("TOO_MANY_ROWS", f"{path} has {len(rows)} rows; at most {MOST_ROWS} are imported at once")
    return rows


def check_header(path: Path, header: list[str]) -> None:
    if not header:
        raise Invalid("FILE_EMPTY", f"{path} is empty; its first line names the columns: {', '.join(REQUIRED)} and any of {', '.join(OPTIONAL)}")
    for column in header:
        if column not in REQUIRED + OPTIONAL:
            raise Invalid("COLUMN_UNKNOWN", f"{path}: there is no column {column[:60]!r}; there are: {', '.join(REQUIRED + OPTIONAL)}", column=column[:60])
    if twice := next((column for column in header if header.count(column) > 1), ""):
        raise Invalid("COLUMN_TWICE", f"{path}: the column {twice!r} stands there twice", column=twice)
    for column in REQUIRED:
        if column not in header:
            raise Invalid("COLUMN_MISSING", f"{path}: the column {column!r} is missing", column=column)


def row(fields: dict[str, str], line: int) -> registry.ImportRow:
    """A value that is no number or no known word becomes what registry refuses with the row's number, not the end of the file."""
    cells = {name: text.strip() for name, text in fields.items()}
    result = registry.ImportRow(row=line, camera=cells.get("id", ""), owner=cells["owner"])
    try:
        result.details.CopyFrom(details(cells))
    except Invalid as error:
        result.unreadable = f"{error.reason}: {error.message}"
    if cells.get("username") or cells.get("password"):
        result.credential.CopyFrom(registry.Credential(username=cells.get("username", ""), password=cells.get("password", "")))
    return result


def details(cells: dict[str, str]) -> events.CameraDetails:
    """Raises: Invalid (…_UNKNOWN, NUMBER_MALFORMED, VERIFICATION_MALFORMED, DENSITY_MALFORMED)."""
    result = events.CameraDetails(
        display_name=cells["name"],
        camera_class=value(events.CameraClass, cells.get("class", "") or "non_traffic", "class"),
        purposes=[value(events.Purpose, purpose, "purposes") for purpose in names(cells, "purposes")] or [events.PURPOSE_SECURITY_ORDER],
        type=value(events.CameraType, cells.get("type", "") or "fixed", "type"),
        funding=value(events.Funding, cells.get("funding", ""), "funding"),
        notice_sign=cells.get("notice_sign", ""),
        serial_number=cells.get("serial", ""),
        project=cells.get("project", ""),
        investor=cells.get("investor", ""),
        certificate_number=cells.get("certificate", ""),
        verifications=[verification(entry) for entry in entries(cells, "verifications")],
        onvif_profiles=[value(events.OnvifProfile, profile, "onvif_profiles") for profile in names(cells, "onvif_profiles")],
        densities=[density(entry) for entry in entries(cells, "densities")],
        streams=[events.StreamProfile(kind=events.STREAM_KIND_MAIN, url=cells["url"], bitrate_kbps=round(number(cells, "bitrate_kbps")))],
    )
    if cells.get("sub_url"):
        result.streams.add(kind=events.STREAM_KIND_SUB, url=cells["sub_url"], bitrate_kbps=round(number(cells, "sub_bitrate_kbps")))
    if any(cells.get(column) for column in PLACE):
        place = events.Place(latitude_deg=number(cells, "latitude"), longitude_deg=number(cells, "longitude"))
        place.site, place.zone = cells.get("site", ""), cells.get("zone", "")
        place.address, place.area = cells.get("address", ""), cells.get("area", "")
        result.place.CopyFrom(place)
    if any(cells.get(column) for column in POSE):
        pose = events.Pose(azimuth_deg=number(cells, "azimuth"), tilt_deg=number(cells, "tilt"), height_m=number(cells, "height"))
        pose.field_of_view_deg = number(cells, "field_of_view")
        result.pose.CopyFrom(pose)
    return result


def names(cells: dict[str, str], column: str) -> list[str]:
    """Words without blanks in them, so that blanks part them, too."""
    return cells.get(column, "").replace("|", " ").replace(";", " ").split()


def entries(cells: dict[str, str], column: str) -> list[str]:
    return [entry.strip() for entry in cells.get(column, "").split(";") if entry.strip()]


def verification(entry: str) -> events.Verification:
    """`NUMBER 2026-01-15/2027-01-15`: from the day it was verified to the day it expires. Raises: Invalid (VERIFICATION_MALFORMED)."""
    named, _, days = entry.rpartition(" ")
    try:
        verified, expires = (date.fromisoformat(day) for day in days.split("/"))
    except ValueError:
        raise Invalid("VERIFICATION_MALFORMED", f"{entry[:60]!r} is not like KD-17 2026-01-15/2027-01-15", field="verifications") from None
    return events.Verification(number=named.strip(), verified=calendar_day(verified), expires=calendar_day(expires))


def calendar_day(day: date) -> Date:
    return Date(year=day.year, month=day.month, day=day.day)


def density(entry: str) -> events.ZoneDensity:
    """`ZONE=PIXELS`: pixels per metre. Raises: Invalid (DENSITY_MALFORMED, NUMBER_MALFORMED)."""
    zone, equals, pixels = entry.rpartition("=")
    if not equals or not pixels.strip():
        raise Invalid("DENSITY_MALFORMED", f"{entry[:60]!r} is not like gate=125", field="densities")
    return events.ZoneDensity(zone=zone.strip(), pixels_per_metre=number({"densities": pixels.strip()}, "densities"))


def number(cells: dict[str, str], name: str) -> float:
    text = cells.get(name, "")
    try:
        value = float(text) if text else 0.0
    except ValueError:
        value = math.nan
    if not abs(value) < BEYOND:
        raise Invalid("NUMBER_MALFORMED", f"{name} is {text[:40]!r}, not a number that makes sense there", field=name)
    return value
