"""When to try again, and how the interruptions of one camera are kept apart."""
from __future__ import annotations

from random import Random

import pytest

from services.ingest.backoff import Backoff
from services.ingest.causes import Cause, Interruption, InterruptionBegun, InterruptionEnded
from services.ingest.data_plane_settings import DataPlaneSettings
from services.ingest.interruption import OpenInterruption
from services.ingest.rtsp.errors import Refused, Silent, Unauthorised


def test_waits_double_up_to_their_bound_with_jitter_and_begin_anew() -> None:
    backoff = Backoff(DataPlaneSettings(), Random(1))
    waits = [backoff.after(Silent("x")) for _ in range(12)]
    bounds = [min(30.0, 0.5 * 2**attempt) for attempt in range(12)]
    assert all(bound / 2 <= wait <= bound for wait, bound in zip(waits, bounds, strict=True))
    assert len(set(waits)) == 12
    backoff.reset()
    assert backoff.after(Silent("x")) <= 0.5


def test_a_refused_password_is_not_tried_again_soon() -> None:
    assert Backoff(DataPlaneSettings(), Random(1)).after(Unauthorised("x")) >= 30


@pytest.mark.parametrize(("asked", "least", "most"), [(17.0, 17, 17), (100_000.0, 600, 600), (0.0, 0.25, 0.5)])
def test_what_the_camera_asks_for_is_honoured_within_reason(asked: float, least: float, most: float) -> None:
    assert least <= Backoff(DataPlaneSettings(), Random(1)).after(Refused("x", retry_after=asked)) <= most


def test_an_interruption_keeps_its_begin_over_all_attempts_of_one_cause() -> None:
    told: list[Interruption] = []
    interruption = OpenInterruption("cam-1", told.append)
    interruption.begin(Cause.REFUSED, 100, 150, "busy")
    interruption.begin(Cause.REFUSED, 200, 250, "still busy")
    interruption.end(300)
    interruption.end(400)
    assert told == [InterruptionBegun("cam-1", Cause.REFUSED, 100, "busy"), InterruptionEnded("cam-1", Cause.REFUSED, 100, 300)]
    assert interruption.cause is None


def test_a_cameras_words_are_kept_within_bounds() -> None:
    told: list[Interruption] = []
    interruption = OpenInterruption("cam-1", told.append)
    interruption.begin(Cause.REFUSED, 100, 150, "no " * 10_000)
    assert told == [InterruptionBegun("cam-1", Cause.REFUSED, 100, "no " * 100)]
    assert len(interruption.detail) == 300


def test_another_cause_takes_over_without_a_hole_or_an_overlap() -> None:
    told: list[Interruption] = []
    interruption = OpenInterruption("cam-1", told.append)
    interruption.begin(Cause.TRANSPORT_LOST, 100, 150)
    interruption.begin(Cause.REFUSED, 100, 180)
    interruption.end(300)
    assert told == [
        InterruptionBegun("cam-1", Cause.TRANSPORT_LOST, 100), InterruptionEnded("cam-1", Cause.TRANSPORT_LOST, 100, 180),
        InterruptionBegun("cam-1", Cause.REFUSED, 180), InterruptionEnded("cam-1", Cause.REFUSED, 180, 300),
    ]
    assert interruption.count == 2


def test_an_interruption_never_ends_before_it_begins() -> None:
    told: list[Interruption] = []
    interruption = OpenInterruption("cam-1", told.append)
    interruption.begin(Cause.REFUSED, 100, 150)
    interruption.end(90)
    assert told[-1] == InterruptionEnded("cam-1", Cause.REFUSED, 100, 100)
