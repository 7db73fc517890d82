"""What `make run` shows: a table for a person, one line for a log."""
from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from services.standalone.table import STYLES, camera_table, summary
from vonglau.cli.statuses import description
from vonglau.cli.words import word
from vonglau.ingest.v1 import service_pb2 as ingest
from vonglau.ingest.v1.events_pb2 import GAP_CAUSE_REFUSED, GAP_CAUSE_UNSPECIFIED, GapCause
from vonglau.recording.v1.service_pb2 import CameraSummary
from vonglau.registry.v1.events_pb2 import CameraDetails
from vonglau.registry.v1.service_pb2 import Camera

RECORDING, INTERRUPTED = ingest.RECORDING_STATE_RECORDING, ingest.RECORDING_STATE_INTERRUPTED
MINUTE_NS = 60_000_000_000


def camera(
    number: int, state: ingest.RecordingState = RECORDING, cause: GapCause = GAP_CAUSE_UNSPECIFIED, name: str = "Ngã sáu Ô Chợ Dừa", **status: Any,
) -> dict[str, Any]:
    """As `look` describes it."""
    known = Camera(camera=f"sim-{number}", owner="o-cho-dua", details=CameraDetails(display_name=name))
    now = ingest.CameraStatus(state=state, cause=cause, bitrate_bps=2_340_000, spool_bytes=1_500_000, **status)
    return description(known, now, CameraSummary(recorded_ns=61 * MINUTE_NS, gaps=2, gap_ns=MINUTE_NS))


def shown(cameras: list[dict[str, Any]], note: str = "", width: int = 120) -> list[str]:
    """The terminal's lines."""
    console = Console(file=io.StringIO(), width=width)
    console.print(camera_table(cameras, note))
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined, no-any-return]


def test_a_camera_is_a_line_with_state_bitrate_recorded_time_gaps_and_spool() -> None:
    heading, line = (each.split() for each in shown([camera(1)]))
    assert heading == ["camera", "name", "owner", "state", "Mbit/s", "recorded", "gaps", "spool"]
    assert line == ["sim-1", "Ngã", "sáu", "Ô", "Chợ", "Dừa", "o-cho-dua", "recording", "2.34", "01:01:00", "2", "1.5", "MB"]


def test_where_a_cause_is_known_it_stands_for_the_state() -> None:
    (_, line) = shown([camera(1, INTERRUPTED, GAP_CAUSE_REFUSED)])
    assert "refused" in line
    assert "interrupted" not in line


def test_on_a_narrow_terminal_a_camera_stays_one_line_and_keeps_its_figures() -> None:
    lines = shown([camera(number, name="Nút Xã Đàn – Nguyễn Lương Bằng" * 2) for number in range(1, 9)], width=80)
    assert len(lines) == 9
    assert all(len(line) <= 80 and "2.34" in line and line.rstrip().endswith("MB") for line in lines[1:])


def test_what_a_name_holds_is_shown_and_not_obeyed() -> None:
    assert "[red]gate[/]" in shown([camera(1, name="[red]gate[/]")])[1]


def test_a_note_stands_below() -> None:
    assert shown([camera(1)], "the event log can't be written")[-1].strip() == "the event log can't be written"


def test_every_state_has_its_colour() -> None:
    assert set(STYLES) == {word(ingest.RecordingState, state) for state in ingest.RecordingState.values() if state}


@pytest.mark.parametrize(
    ("cameras", "line"),
    [
        ([], "0 of 0 cameras recording"),
        ([camera(1), camera(2)], "2 of 2 cameras recording"),
        ([camera(1), camera(2, INTERRUPTED, GAP_CAUSE_REFUSED)], "1 of 2 cameras recording; sim-2 interrupted refused"),
    ],
)
def test_a_log_has_how_many_record_and_what_the_others_do(cameras: list[dict[str, Any]], line: str) -> None:
    assert summary(cameras) == line


def test_of_many_in_trouble_a_log_names_five() -> None:
    line = summary([camera(number, ingest.RECORDING_STATE_CONNECTING) for number in range(1, 9)])
    assert line == "0 of 8 cameras recording; " + ", ".join(f"sim-{number} connecting" for number in range(1, 6))
