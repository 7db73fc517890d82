from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vonglau.errors import Invalid
from vonglau.timers import Daily, Every

DAY = timedelta(days=1)
INSTANTS = st.integers(0, 4_000_000_000_000_000_000)


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000_000


@pytest.mark.parametrize(
    ("after", "due"),
    [("2026-11-20T23:59:59", "2026-11-21T00:20:00"), ("2026-11-21T00:19:59", "2026-11-21T00:20:00"), ("2026-11-21T00:20:00", "2026-11-22T00:20:00")],
)
def test_a_daily_job_is_due_once_in_each_day(after: str, due: str) -> None:
    assert Daily(timedelta(minutes=20)).after(ns(after)) == ns(due)


@given(INSTANTS, st.timedeltas(timedelta(0), DAY - timedelta(microseconds=1)))
def test_a_daily_job_is_due_within_a_day_at_its_time(at_ns: int, time: timedelta) -> None:
    due = Daily(time).after(at_ns)
    assert at_ns < due <= at_ns + 86_400_000_000_000
    assert due % 86_400_000_000_000 == time // timedelta(microseconds=1) * 1000


def test_a_job_at_intervals_is_due_one_interval_after_it_began() -> None:
    assert Every(1.5).after(10) == 1_500_000_010


@pytest.mark.parametrize("seconds", [0, -1])
def test_an_interval_is_longer_than_nothing(seconds: float) -> None:
    with pytest.raises(Invalid):
        Every(seconds)


@pytest.mark.parametrize("time", [DAY, timedelta(seconds=-1)])
def test_a_time_of_the_day_is_within_the_day(time: timedelta) -> None:
    with pytest.raises(Invalid):
        Daily(time)
