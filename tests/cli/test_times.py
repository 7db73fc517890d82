"""People write times in their own way and read them in Hà Nội's."""
from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from vonglau.cli.misspelt import Misspelt
from vonglau.cli.times import duration, instant, rfc3339, shown, size, timestamp

NOW = datetime(2026, 11, 21, 1, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("now", NOW),
        ("-10m", NOW - timedelta(minutes=10)),
        ("10m", NOW - timedelta(minutes=10)),
        ("-1.5h", NOW - timedelta(minutes=90)),
        ("+2s", NOW + timedelta(seconds=2)),
        ("-2d", NOW - timedelta(days=2)),
        ("2026-11-21T08:00:00+07:00", NOW),
        ("2026-11-21T01:00:00Z", NOW),
        ("2026-11-21T01:00:00.25Z", NOW + timedelta(milliseconds=250)),
    ],
)
def test_a_time_is_rfc_3339_or_relative_to_now(text: str, at: datetime) -> None:
    assert instant(text, NOW, name="from") == at


def test_a_time_without_a_zone_is_refused_and_the_way_out_named() -> None:
    with pytest.raises(Misspelt) as refusal:
        instant("2026-11-21T08:00:00", NOW, name="from")
    assert refusal.value.reason == "TIME_WITHOUT_ZONE"
    assert "2026-11-21T08:00:00+07:00" in refusal.value.message


@pytest.mark.parametrize("text", ["", "yesterday", "-10", "10 minutes", "2026-13-01T00:00:00Z", "-9999999d", "-99999999999999d", "0001-01-01T00:00:00+07:00"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(Misspelt) as refusal:
        instant(text, NOW, name="to")
    assert (refusal.value.reason, refusal.value.field) == ("TIME_MALFORMED", "to")


def test_people_read_hanoi_time_and_machines_utc() -> None:
    assert shown(timestamp(NOW)) == "2026-11-21 08:00:00.000"
    assert rfc3339(timestamp(NOW)) == "2026-11-21T01:00:00.000Z"


def test_lengths_and_sizes_are_short() -> None:
    assert [duration(seconds) for seconds in (2.5, 61, 3 * 86400 + 3661)] == ["2.5 s", "00:01:01", "3 d 01:01:01"]
    assert [size(count) for count in (12, 1500, 3_200_000, 4.2e12)] == ["12 B", "1.5 kB", "3.2 MB", "4.2 TB"]
