"""An inventory file is understood whole or refused whole; what is wrong with one row is that row's."""
from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from vonglau.cli.rows import LONGEST_FIELD, read_rows
from vonglau.errors import Invalid
from vonglau.registry.v1 import events_pb2 as events

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
    header = "owner,name,url,class,purposes,latitude,longitude,azimuth,serial,site,zone,username,password"
    (row,) = read_rows(file(tmp_path, f"{header}\nw,n,rtsp://h/1,traffic,traffic_safety;urban_order,21.03,105.85,45,S-1,lang-ha,vlan-7,u,p\n"))
    assert row.details.camera_class == events.CAMERA_CLASS_TRAFFIC
    assert list(row.details.purposes) == [events.PURPOSE_TRAFFIC_SAFETY, events.PURPOSE_URBAN_ORDER]
    assert (row.details.place.latitude_deg, row.details.pose.azimuth_deg, row.details.serial_number) == (21.03, 45, "S-1")
    assert (row.details.place.site, row.details.place.zone) == ("lang-ha", "vlan-7")
    assert (row.credential.username, row.credential.password) == ("u", "p")


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
