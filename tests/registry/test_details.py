from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any

import pytest
from google.type.date_pb2 import Date

from services.registry.details import normal_details
from services.registry.mandatory import MANDATORY, must_be_complete
from services.registry.ranges import must_be_within
from vonglau.errors import Invalid
from vonglau.registry.v1.events_pb2 import (
    CAMERA_CLASS_DEFENCE,
    CAMERA_CLASS_NON_TRAFFIC,
    CAMERA_CLASS_TRAFFIC,
    CAMERA_TYPE_FIXED,
    PURPOSE_DEFENCE,
    PURPOSE_SECURITY_ORDER,
    PURPOSE_TRAFFIC_SAFETY,
    STREAM_KIND_MAIN,
    STREAM_KIND_SUB,
    CameraClass,
    CameraDetails,
    Place,
    Pose,
    StreamProfile,
    Verification,
    ZoneDensity,
)
from vonglau.registry.v1.service_pb2 import Credential

COMPLETE = CameraDetails(
    display_name="Ngã tư Sở",
    purposes=[PURPOSE_TRAFFIC_SAFETY],
    type=CAMERA_TYPE_FIXED,
    investor="Sở Xây dựng",
    place=Place(latitude_deg=21.0, longitude_deg=105.8),
    pose=Pose(azimuth_deg=90, tilt_deg=-15, height_m=6, field_of_view_deg=70),
    notice_sign="BH-12",
    certificate_number="CN-7",
    streams=[StreamProfile(kind=STREAM_KIND_MAIN, url="rtsp://10.0.0.1/a")],
)


@pytest.mark.parametrize("camera_class", [CAMERA_CLASS_NON_TRAFFIC, CAMERA_CLASS_TRAFFIC, CAMERA_CLASS_DEFENCE])
def test_a_record_with_all_mandatory_fields_of_its_class_is_complete(camera_class: CameraClass) -> None:
    record = CameraDetails(camera_class=camera_class)
    record.MergeFrom(COMPLETE)
    for field in {name for fields in MANDATORY.values() for name in fields} - set(MANDATORY[camera_class]):
        record.ClearField(field)
    must_be_complete(record)


@pytest.mark.parametrize(("camera_class", "field"), [(each, field) for each, fields in MANDATORY.items() for field in fields])
def test_leaving_out_a_mandatory_field_of_the_class_is_refused(camera_class: CameraClass, field: Any) -> None:
    record = CameraDetails(camera_class=camera_class)
    record.MergeFrom(COMPLETE)
    record.ClearField(field)
    with pytest.raises(Invalid) as refusal:
        must_be_complete(record)
    assert (refusal.value.reason, refusal.value.field) == ("FIELD_MISSING", f"details.{field}")


def test_a_camera_without_a_class_is_refused() -> None:
    with pytest.raises(Invalid, match="class"):
        must_be_complete(COMPLETE)


def test_a_sub_stream_alone_is_not_enough() -> None:
    record = CameraDetails(camera_class=CAMERA_CLASS_NON_TRAFFIC)
    record.MergeFrom(COMPLETE)
    record.streams[0].kind = STREAM_KIND_SUB
    with pytest.raises(Invalid, match="streams"):
        must_be_complete(record)


def test_names_are_kept_composed_and_trimmed() -> None:
    decomposed = unicodedata.normalize("NFD", " Hoàn Kiếm ")
    normal, _ = normal_details(CameraDetails(display_name=decomposed, investor=decomposed, place=Place(address=decomposed)))
    assert (normal.display_name, normal.investor, normal.place.address) == ("Hoàn Kiếm",) * 3


def test_a_serial_number_is_kept_in_upper_case() -> None:
    assert normal_details(CameraDetails(serial_number=" ab-12c "))[0].serial_number == "AB-12C"


def test_normal_form_does_not_change_what_was_given() -> None:
    given = CameraDetails(display_name=" a ")
    normal_details(given)
    assert given.display_name == " a "


def test_what_is_in_normal_form_stays_as_it_is(details: Callable[..., CameraDetails]) -> None:
    once = details(serial_number="x1", place=Place(address="Phố Huế"))
    assert normal_details(once) == (once, None)


def test_purposes_and_streams_have_one_order() -> None:
    streams = [StreamProfile(kind=STREAM_KIND_SUB, url="rtsp://h/b"), StreamProfile(kind=STREAM_KIND_MAIN, url="rtsp://h/a")]
    normal, _ = normal_details(CameraDetails(purposes=[PURPOSE_DEFENCE, PURPOSE_SECURITY_ORDER, PURPOSE_DEFENCE], streams=streams))
    assert list(normal.purposes) == [PURPOSE_SECURITY_ORDER, PURPOSE_DEFENCE]
    assert [stream.url for stream in normal.streams] == ["rtsp://h/a", "rtsp://h/b"]


def test_the_credential_in_the_urls_comes_apart() -> None:
    streams = [StreamProfile(kind=STREAM_KIND_MAIN, url="rtsp://u:p@h/a"), StreamProfile(kind=STREAM_KIND_SUB, url="rtsp://h/b")]
    normal, credential = normal_details(CameraDetails(streams=streams))
    assert credential == Credential(username="u", password="p")  # noqa: S106 - a made-up one
    assert "u:p" not in str(normal)


@pytest.mark.parametrize(
    ("streams", "reason"),
    [
        ([(STREAM_KIND_MAIN, "rtsp://h/a"), (STREAM_KIND_MAIN, "rtsp://h/b")], "STREAM_KIND_TWICE"),
        ([(STREAM_KIND_MAIN, "rtsp://h/a"), (STREAM_KIND_SUB, "rtsp://H:554/a")], "STREAM_URL_TWICE"),
        ([(STREAM_KIND_MAIN, "rtsp://u:p@h/a"), (STREAM_KIND_SUB, "rtsp://u:q@h/b")], "CREDENTIALS_DIFFER"),
        ([(0, "rtsp://h/a")], "VALUE_UNKNOWN"),
        ([(9, "rtsp://h/a")], "VALUE_UNKNOWN"),
    ],
)
def test_streams_that_contradict_each_other_are_refused(streams: list[tuple[Any, str]], reason: str) -> None:
    with pytest.raises(Invalid) as refusal:
        normal_details(CameraDetails(streams=[StreamProfile(kind=kind, url=url) for kind, url in streams]))
    assert refusal.value.reason == reason


@pytest.mark.parametrize(
    "given",
    [
        {"display_name": "a\nb"},
        {"display_name": "x" * 201},
        {"display_name": "\u202egnp.exe"},
        {"display_name": "\u200b"},
        {"display_name": "a\u2028b"},
        {"notice_sign": "a\u2066b"},
        {"camera_class": 9},
        {"purposes": [0]},
        {"onvif_profiles": [77]},
        {"densities": [ZoneDensity(zone=" ", pixels_per_metre=100)]},
        {"verifications": [Verification(number="")]},
        {"place": Place(site="Nút Láng Hạ")},
        {"place": Place(zone="z1")},
    ],
)
def test_malformed_texts_and_undefined_values_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        normal_details(CameraDetails(**given))


def test_site_and_zone_are_ids_and_may_be_left_out() -> None:
    normal, _ = normal_details(CameraDetails(place=Place(site="nut-lang-ha", zone="")))
    assert (normal.place.site, normal.place.zone) == ("nut-lang-ha", "")


@pytest.mark.parametrize(
    "given",
    [
        {"place": Place(latitude_deg=90.1)},
        {"place": Place(longitude_deg=float("nan"))},
        {"pose": Pose(azimuth_deg=360, field_of_view_deg=60)},
        {"pose": Pose(tilt_deg=-91, field_of_view_deg=60)},
        {"pose": Pose(height_m=-1, field_of_view_deg=60)},
        {"pose": Pose(field_of_view_deg=0)},
        {"densities": [ZoneDensity(zone="gate", pixels_per_metre=0)]},
        {"streams": [StreamProfile(bitrate_kbps=-1)]},
        {"verifications": [Verification(number="1", verified=Date(year=2025, month=2, day=30), expires=Date(year=2026, month=1, day=1))]},
        {"verifications": [Verification(number="1", verified=Date(year=2026, month=1, day=2), expires=Date(year=2026, month=1, day=1))]},
    ],
)
def test_values_beyond_their_bounds_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refusal:
        must_be_within(CameraDetails(**given))
    assert refusal.value.reason == "VALUE_OUT_OF_RANGE"
