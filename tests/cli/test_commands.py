"""What a command line leads to where no platform runs: exit codes, errors that say what to do, files that appear whole."""
from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from typer.testing import CliRunner

from vonglau.cli.app import app
from vonglau.cli.footage import Clip, mark_line
from vonglau.cli.output import HINTS, Output
from vonglau.cli.words import value, word
from vonglau.errors import Invalid
from vonglau.ingest.v1.events_pb2 import GapCause
from vonglau.recording.v1 import service_pb2 as recording
from vonglau.registry.v1.events_pb2 import Purpose

ROOT = Path(__file__).parents[2]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("VONGLAU_DATA", str(tmp_path / "nowhere"))
    return CliRunner()


@pytest.mark.parametrize("command", ["status", "owner list", "camera list", "verify", "token", "parked list", "rebuild recording", "timeline cam-1"])
def test_without_a_platform_a_command_says_how_to_start_one(run: CliRunner, command: str) -> None:
    result = run.invoke(app, command.split())
    assert result.exit_code == 1
    assert "make run" in result.stderr


def test_an_error_is_json_where_the_answer_would_be(run: CliRunner) -> None:
    result = run.invoke(app, ["status", "--json"])
    assert result.stdout == ""
    assert orjson.loads(result.stderr)["error"]["reason"] in ("ADDRESS_UNKNOWN", "PLATFORM_NOT_FOUND")


@pytest.mark.parametrize("command", ["stat", "camera", "camera add --owner x", "play cam-1"])
def test_what_is_no_command_is_exit_code_2(run: CliRunner, command: str) -> None:
    assert run.invoke(app, command.split()).exit_code == 2


ADD = "camera add --owner ward-1 --url rtsp://192.0.2.1/1 --name x"


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("timeline cam-1 --from yesterday", "TIME_MALFORMED"),
        ("timeline cam-1 --to 2026-01-01T00:00:00", "TIME_WITHOUT_ZONE"),
        ("timeline cam-1 --purpose fun", "PURPOSE_UNKNOWN"),
        (f"{ADD} --class bridge", "CLASS_UNKNOWN"),
        (f"{ADD} --type cube", "TYPE_UNKNOWN"),
        (f"{ADD} --location north", "LOCATION_MALFORMED"),
        ("rebuild ingest", "SERVICE_UNKNOWN"),
        ("parked show ingest x y", "SERVICE_UNKNOWN"),
        ("play cam-1 --out -", "OUTPUT_TWICE"),
        ("watch cam-1", "OUTPUT_TWICE"),
    ],
)
def test_a_value_that_is_not_understood_is_exit_code_2_and_json_says_which(run: CliRunner, command: str, reason: str) -> None:
    result = run.invoke(app, [*command.split(), "--json"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert orjson.loads(result.stderr)["error"]["reason"] == reason


def test_an_unknown_service_is_told_which_there_are(run: CliRunner) -> None:
    assert "there is no service 'ingest' with views; there are: registry, recording" in run.invoke(app, ["rebuild", "ingest"]).stderr


@pytest.mark.parametrize("reason", HINTS)
def test_whatever_has_a_hint_does_happen(reason: str) -> None:
    sources = [path for folder in ("libs/vonglau", "services") for path in (ROOT / folder).rglob("*.py") if path.name != "output.py"]
    assert any(f'("{reason}", ' in path.read_text("utf-8") for path in sources)


@pytest.mark.parametrize("command", ["", "owner", "camera", "parked"])
def test_every_group_explains_itself(run: CliRunner, command: str) -> None:
    assert "Commands" in run.invoke(app, [*command.split(), "--help"]).stdout


def reply(number: int) -> recording.PlayResponse:
    return recording.PlayResponse(file=recording.FileStarted(number=number, start=Timestamp(seconds=1_767_225_600), codec="avc1.640016"))


def test_a_change_of_codec_makes_a_numbered_series(tmp_path: Path) -> None:
    clip = Clip(str(tmp_path / "clip.mp4"))
    for part in (reply(1), recording.PlayResponse(data=b"one"), reply(2), recording.PlayResponse(data=b"two")):
        clip.take(part)
    assert not (tmp_path / "clip.mp4").exists()
    clip.finish()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"clip.mp4": b"one", "clip-2.mp4": b"two"}


def test_a_clip_that_broke_off_leaves_nothing_behind(tmp_path: Path) -> None:
    clip = Clip(str(tmp_path / "clip.mp4"))
    clip.take(reply(1))
    clip.take(recording.PlayResponse(data=b"half"))
    clip.abandon()
    assert list(tmp_path.iterdir()) == []


def test_enum_values_are_written_as_people_write_them() -> None:
    assert word(GapCause, GapCause.Value("GAP_CAUSE_WRITER_FAILED")) == "writer_failed"
    assert value(Purpose, "Traffic_Safety", "purpose") == Purpose.Value("PURPOSE_TRAFFIC_SAFETY")
    with pytest.raises(Invalid) as refused:
        value(Purpose, "fun", "purpose")
    assert "traffic_safety" in refused.value.message


def test_brackets_in_data_are_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output()
    output.line("Cổng [bold]chợ")
    output.table(("name",), [("[red]x",)], "nothing")
    assert capsys.readouterr().out.split("\n")[:3] == ["Cổng [bold]chợ", "name  ", "[red]x"]


HOSTILE = "\\[red]a\x1b[31mb\x9b31mc\u202ed\u2028e\x07[/]"
HARMLESS = "\\[red]a\ufffd[31mb\ufffd31mc\ufffdd\ufffde\ufffd[/]"


def test_data_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output()
    output.line(HOSTILE)
    output.table(["name", "message"], [[HOSTILE, HOSTILE]], "")
    output.failure(Invalid("X", HOSTILE))
    shown = capsys.readouterr()
    assert (shown.out.count(HARMLESS), shown.err.count(HARMLESS)) == (3, 1)


@pytest.mark.parametrize(
    ("kind", "amount_ns", "detail", "shown"),
    [
        (recording.MARK_KIND_CLOCK_OFFSET, -3_600_000_000_000, "beyond the limit", "clock_offset  -3600.000 s  beyond the limit"),
        (recording.MARK_KIND_CLOCK_OFFSET, 0, "", "clock_offset  +0.000 s"),
        (recording.MARK_KIND_STREAM_CHANGED, 0, "avc1.640016 640x360", "stream_changed  avc1.640016 640x360"),
    ],
)
def test_a_mark_says_by_how_much(kind: recording.MarkKind, amount_ns: int, detail: str, shown: str) -> None:
    assert mark_line(recording.Mark(kind=kind, amount_ns=amount_ns, detail=detail)).endswith(f"  {shown}")
