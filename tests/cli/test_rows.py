"""An inventory file is understood whole or refused whole; what is wrong with one row is that row's."""
from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from vonglau.cli.record import cell, record
from vonglau.cli.rows import LONGEST_FIELD, OPTIONAL, REQUIRED, read_rows
from vonglau.errors import Invalid
from vonglau.registry.v1 import events_pb2 as events

FULL = {
    "id": "gate-1", "owner": "w", "name": "n", "url": "rtsp://h/1", "class": "traffic", "purposes": "traffic_safety;urban_order", "type": "ptz",
    "latitude": "21.03", "longitude": "105.85", "address": "8 Hàng Bài", "area": "w-7", "site": "lang-ha", "zone": "vlan-7",
    "azimuth": "45.0", "tilt": "-10.0", "height": "6.5", "field_of_view": "70.0", "notice_sign": "VL-1", "serial": "S-1", "project": "safe-city",
    "investor": "the ward", "funding": "socialised", "certificate": "QCVN-135", "verifications": "KD 17 2026-01-15/2027-01-15;KD 18 2027-01-15/2028-01-15",
    "onvif_profiles": "s;t", "densities": "gate=125.0;far side=40.5", "sub_url": "rtsp://h/2", "bitrate_kbps": "4000", "sub_bitrate_kbps": "512",
    "username": "u", "password": "p",
}  # fmt: skip
GOOD = "owner,name,url\nward-1,Cổng chợ,rtsp://192.0.2.1/1\n"


def file(folder: Path, content: str | bytes) -> Path:
    path = folder / "inventory.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refusal(folder: Path, content: str | bytes) -> Invalid:
    with pytest.raises(Invalid) as refused:
        read_rows(file(folder, content))
    return refused.value


def test_rows_carry_their_line_in_the_file(tmp_path: Path) -> None:
    rows = read_rows(file(tmp_path, GOOD + "\nward-1,Ngõ 3,rtsp://192.0.2.2/1\n"))
    assert [(row.row, row.owner, row.details.display_name) for row in rows] == [(2, "ward-1", "Cổng chợ"), (4, "ward-1", "Ngõ 3")]


def test_what_a_row_leaves_out_has_the_plain_default(tmp_path: Path) -> None:
    (row,) = read_rows(file(tmp_path, GOOD))
    assert row.details.camera_class == events.CAMERA_CLASS_NON_TRAFFIC
    assert list(row.details.purposes) == [events.PURPOSE_SECURITY_ORDER]


def test_every_column_arrives(tmp_path: Path) -> None:
    (row,) = read_rows(file(tmp_path, f"{','.join(FULL)}\n{','.join(FULL.values())}\n"))
    assert FULL.keys() == {*REQUIRED, *OPTIONAL}
    shown = record(row.details)
    assert {column: cell(shown[column]) for column in FULL if column in shown} == {column: FULL[column] for column in FULL if column in shown}
    assert row.details.camera_class == events.CAMERA_CLASS_TRAFFIC
    assert list(row.details.purposes) == [events.PURPOSE_TRAFFIC_SAFETY, events.PURPOSE_URBAN_ORDER]
    assert [stream.url for stream in row.details.streams] == ["rtsp://h/1", "rtsp://h/2"]
    assert (row.camera, row.details.serial_number) == ("gate-1", "S-1")
    assert (row.credential.username, row.credential.password) == ("u", "p")


def test_nothing_of_a_record_is_left_out_where_it_is_shown(tmp_path: Path) -> None:
    (row,) = read_rows(file(tmp_path, f"{','.join(FULL)}\n{','.join(FULL.values())}\n"))
    assert {field.name for field, _ in row.details.ListFields()} == {field.name for field in events.CameraDetails.DESCRIPTOR.fields}
    beside = {"id", "owner", "name", "url", "sub_url", "class", "purposes", "serial", "username", "password"}
    assert record(row.details).keys() == FULL.keys() - beside


def test_what_nobody_gave_is_not_shown_as_a_number() -> None:
    shown = record(events.CameraDetails(place=events.Place(address="8 Hàng Bài")))
    assert [shown[name] for name in ("latitude", "azimuth", "field_of_view", "bitrate_kbps")] == [None] * 4
    assert shown["address"] == "8 Hàng Bài"


@pytest.mark.parametrize("column", ["address", "area", "site", "zone"])
def test_a_place_may_be_known_by_any_of_its_names(tmp_path: Path, column: str) -> None:
    (row,) = read_rows(file(tmp_path, f"owner,name,url,{column}\nw,n,rtsp://h/1,ward-7\n"))
    assert getattr(row.details.place, column) == "ward-7"


@pytest.mark.parametrize(
    ("column", "entry", "reason"),
    [
        ("verifications", "KD-17", "VERIFICATION_MALFORMED"),
        ("verifications", "KD-17 2026-01-15", "VERIFICATION_MALFORMED"),
        ("verifications", "KD-17 2026-02-30/2027-01-01", "VERIFICATION_MALFORMED"),
        ("densities", "gate", "DENSITY_MALFORMED"),
        ("densities", "gate=", "DENSITY_MALFORMED"),
        ("densities", "gate=many", "NUMBER_MALFORMED"),
        ("onvif_profiles", "s;q", "ONVIF_PROFILES_UNKNOWN"),
    ],
)
def test_a_list_that_cannot_be_read_is_the_rows_and_not_the_files(tmp_path: Path, column: str, entry: str, reason: str) -> None:
    (row,) = read_rows(file(tmp_path, f"owner,name,url,{column}\nw,a,rtsp://h/1,{entry}\n"))
    assert row.unreadable.startswith(f"{reason}: ")


@pytest.mark.parametrize("content", [GOOD.replace("\n", "\r\n"), "\ufeff" + GOOD, unicodedata.normalize("NFD", GOOD), 'owner,name,url\nward-1,"Cổng, chợ",rtsp://h/1\n'])
def test_what_spreadsheets_write_is_read(tmp_path: Path, content: str) -> None:
    assert len(read_rows(file(tmp_path, content))) == 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "FILE_EMPTY"),
        ("owner,name,adress\n", "COLUMN_UNKNOWN"),
        ("owner,name\nward-1,x\n", "COLUMN_MISSING"),
        ("owner,name,url,name\nward-1,x,rtsp://h/1,y\n", "COLUMN_TWICE"),
        ("owner,name,url\nward-1,x\n", "ROW_MALFORMED"),
        ('owner,name,url\nward-1,"x,rtsp://h/1\n', "ROW_MALFORMED"),
        ("owner,name,url\nward-1," + "x" * (LONGEST_FIELD + 1) + ",rtsp://h/1\n", "LINE_TOO_LONG"),
        ("owner,name,url\nward-1," + "x" * 1_000_000 + ",rtsp://h/1\n", "LINE_TOO_LONG"),
        ("owner,name,url\nward-1,Cổng,rtsp://h/1\n".encode("utf-16"), "ENCODING_NOT_UTF8"),
        ("owner,name,url\nward-1,Trà,rtsp://h/1\n".encode("cp1258"), "ENCODING_NOT_UTF8"),
    ],
)
def test_a_malformed_file_is_refused_before_anything_is_sent(tmp_path: Path, content: str | bytes, reason: str) -> None:
    assert refusal(tmp_path, content).reason == reason


def test_a_value_that_cannot_be_read_is_the_rows_and_not_the_files(tmp_path: Path) -> None:
    rows = read_rows(file(tmp_path, "owner,name,url,azimuth,class\nw,a,rtsp://h/1,north,\nw,b,rtsp://h/2,90,\nw,c,rtsp://h/3,,bridge\n"))
    assert [row.unreadable.partition(":")[0] for row in rows] == ["NUMBER_MALFORMED", "", "CLASS_UNKNOWN"]


@pytest.mark.parametrize("number", ["nan", "inf", "-inf", "1e999", "99999999999", "1e30", "0x10"])
@pytest.mark.parametrize("column", ["bitrate_kbps", "latitude", "azimuth"])
def test_a_number_that_no_field_holds_is_the_rows_and_not_the_files(tmp_path: Path, column: str, number: str) -> None:
    (row,) = read_rows(file(tmp_path, f"owner,name,url,{column}\nw,a,rtsp://h/1,{number}\n"))
    assert row.unreadable.startswith("NUMBER_MALFORMED: ")


def test_a_password_without_a_username_is_sent_along(tmp_path: Path) -> None:
    (row,) = read_rows(file(tmp_path, "owner,name,url,password\nw,a,rtsp://h/1,made-up\n"))
    assert (row.credential.username, row.credential.password) == ("", "made-up")
