"""The live picture becomes a file or a pipe, and costs nobody the file that stood there before."""
from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import orjson
import pytest
from typer.testing import CliRunner

from vonglau.cli.app import app
from vonglau.cli.session import Session
from vonglau.cli.watching import Growing, follow
from vonglau.errors import Refused
from vonglau.ingest.v1.service_pb2 import WatchRequest, WatchResponse

INIT = WatchResponse(init_segment=b"ftyp")
MEDIA = WatchResponse(media=b"moof")
REFUSAL = grpc.aio.AioRpcError(grpc.StatusCode.PERMISSION_DENIED, grpc.aio.Metadata(), grpc.aio.Metadata(), "no")


class Ingest:
    """What one camera shows: parts, or the error that ends them; then nothing more, or Ctrl-C is pressed while it would go on."""

    def __init__(self, *shown: WatchResponse | Exception, interrupted: bool = False) -> None:
        self._shown = shown
        self._interrupted = interrupted

    @asynccontextmanager
    async def ingest(self) -> AsyncIterator[Ingest]:
        yield self

    async def Watch(self, _request: WatchRequest) -> AsyncIterator[WatchResponse]:  # noqa: N802 - gRPC's
        for part in self._shown:
            if isinstance(part, Exception):
                raise part
            yield part
        if self._interrupted:
            signal.raise_signal(signal.SIGINT)
            await asyncio.Event().wait()


def watched(out: Path | str, *shown: WatchResponse | Exception) -> None:
    session: Any = Ingest(*shown)
    with Growing(str(out)) as film:
        asyncio.run(follow(session, WatchRequest(camera="cam-1"), film, None, lambda: None))


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    path = tmp_path / "live.mp4"
    path.write_bytes(b"yesterday")
    return path


def test_without_a_platform_the_file_that_stood_there_stays(earlier: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VONGLAU_DATA", str(earlier.parent / "nowhere"))
    assert CliRunner().invoke(app, ["watch", "cam-1", "--out", str(earlier)]).exit_code == 1
    assert earlier.read_bytes() == b"yesterday"


def test_a_refusal_leaves_the_file_that_stood_there(earlier: Path) -> None:
    with pytest.raises(grpc.aio.AioRpcError):
        watched(earlier, REFUSAL)
    assert earlier.read_bytes() == b"yesterday"


def test_the_first_part_begins_the_file_anew(earlier: Path) -> None:
    watched(earlier, INIT, MEDIA)
    assert earlier.read_bytes() == b"ftypmoof"


def test_every_part_is_in_the_file_at_once(tmp_path: Path) -> None:
    with Growing(str(tmp_path / "live.mp4")) as film:
        film.write(b"ftyp")
        assert (tmp_path / "live.mp4").read_bytes() == b"ftyp"


def test_standard_output_stays_open_for_whoever_reads_it(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    watched("-", INIT)
    watched("-", INIT)
    assert capfdbinary.readouterr().out == b"ftypftyp"


def test_a_change_of_codec_ends_it_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="watch it again"):
        watched(tmp_path / "live.mp4", INIT, MEDIA, INIT, MEDIA)
    assert (tmp_path / "live.mp4").read_bytes() == b"ftypmoof"


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """What the camera of the next command shows before somebody presses Ctrl-C."""

    def plan(*parts: WatchResponse) -> None:
        ingest = Ingest(*parts, interrupted=True)
        monkeypatch.setattr(Session, "ingest", lambda _session: ingest.ingest())

    return plan


def test_ctrl_c_is_how_watching_ends(shown: Callable[..., None], tmp_path: Path) -> None:
    shown(INIT, MEDIA)
    out = tmp_path / "live.mp4"
    result = CliRunner().invoke(app, ["watch", "cam-1", "--out", str(out)])
    assert (result.exit_code, result.stdout) == (0, f"{out}  8 B\n")
    assert out.read_bytes() == b"ftypmoof"


def test_programs_are_told_what_was_written(shown: Callable[..., None], tmp_path: Path) -> None:
    shown(INIT)
    out = str(tmp_path / "live.mp4")
    result = CliRunner().invoke(app, ["watch", "cam-1", "--out", out, "--json"])
    assert orjson.loads(result.stdout) == {"camera": "cam-1", "files": [{"path": out, "bytes": 4}]}


def test_where_nothing_was_shown_watching_has_failed(shown: Callable[..., None], earlier: Path) -> None:
    shown()
    result = CliRunner().invoke(app, ["watch", "cam-1", "--out", str(earlier)])
    assert (result.exit_code, earlier.read_bytes()) == (1, b"yesterday")
    assert "has shown nothing" in result.stderr
