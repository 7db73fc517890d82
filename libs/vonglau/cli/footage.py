"""vonglau timeline, play: what was recorded, as data and as a file."""
from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer

from vonglau.cli.misspelt import Misspelt
from vonglau.cli.options import AsJson, AsPerson, Case, Purpose, perform
from vonglau.cli.session import Session
from vonglau.cli.times import duration, instant, rfc3339, shown, size, timestamp
from vonglau.cli.words import value, word
from vonglau.errors import NotFound, Refused
from vonglau.ingest.v1.events_pb2 import GapCause
from vonglau.recording.v1 import service_pb2 as recording
from vonglau.registry.v1 import events_pb2 as registry

Camera = Annotated[str, typer.Argument(metavar="CAMERA", help="The camera's id.")]
From = Annotated[str, typer.Option("--from", help="RFC 3339, or relative such as -10m.")]
To = Annotated[str, typer.Option("--to", help="RFC 3339, relative, or now.")]
STDOUT = "-"
MEASURED = (recording.MARK_KIND_CLOCK_OFFSET, recording.MARK_KIND_DRIFT, recording.MARK_KIND_DISCONTINUITY)


def timeline(
    camera: Camera,
    start: From = "-1h",
    end: To = "now",
    purpose: Purpose = "security_order",
    case: Case = "",
    as_person: AsPerson = "",
    as_json: AsJson = False,
) -> None:
    """What was recorded, and for each gap why not."""

    async def command(session: Session) -> None:
        now = datetime.now(UTC)
        request = recording.GetTimelineRequest(camera=camera, purpose=value(registry.Purpose, purpose, "purpose"), case=case)
        getattr(request, "from").CopyFrom(timestamp(instant(start, now, name="from")))
        request.to.CopyFrom(timestamp(instant(end, now, name="to")))
        async with session.recording() as stub:
            found = await stub.GetTimeline(request)
        if as_json:
            session.output.document(timeline_document(camera, found))
            return
        rows = [stretch_row(stretch) for stretch in found.stretches]
        session.output.table(("from (+07:00)", "to", "length →", "what", "cause"), rows, "an empty range")
        for mark in found.marks:
            session.output.line(mark_line(mark))
        if not found.spool_reachable:
            session.output.line("what is not stored yet can't be seen just now: the ingest process does not answer")

    perform(as_person, as_json, command)


def stretch_row(stretch: recording.Stretch) -> tuple[str, ...]:
    kind = word(recording.StretchKind, stretch.kind)
    return (shown(stretch.start), shown(stretch.end, date=False), duration(seconds(stretch)), kind, word(GapCause, stretch.cause))


def mark_line(mark: recording.Mark) -> str:
    """With the seconds by which a clock is off, or the media drifts or jumps."""
    amount = f"{mark.amount_ns / 1e9:+.3f} s" if mark.kind in MEASURED else ""
    return "  ".join(filter(None, (shown(mark.at), word(recording.MarkKind, mark.kind), amount, mark.detail)))


def seconds(stretch: recording.Stretch) -> float:
    return (stretch.end.ToNanoseconds() - stretch.start.ToNanoseconds()) / 1e9


def timeline_document(camera: str, found: recording.Timeline) -> dict[str, Any]:
    stretches = [
        {
            "kind": word(recording.StretchKind, stretch.kind),
            "from": rfc3339(stretch.start),
            "to": rfc3339(stretch.end),
            "seconds": seconds(stretch),
            "cause": word(GapCause, stretch.cause),
            "detail": stretch.detail,
        }
        for stretch in found.stretches
    ]
    marks = [
        {"kind": word(recording.MarkKind, mark.kind), "at": rfc3339(mark.at), "seconds": mark.amount_ns / 1e9, "detail": mark.detail}
        for mark in found.marks
    ]
    newest = rfc3339(found.newest) if found.HasField("newest") else ""
    return {"camera": camera, "stretches": stretches, "marks": marks, "newest": newest, "spool_reachable": found.spool_reachable}


def play(
    camera: Camera,
    out: Annotated[str, typer.Option(help="File to write; - is standard output.")],
    start: From = "-1m",
    end: To = "now",
    purpose: Purpose = "security_order",
    case: Case = "",
    as_person: AsPerson = "",
    as_json: AsJson = False,
) -> None:
    """Write a clip: the recorded fragments that cover the range, never transcoded.

    Its time line starts at 0 and jumps where there is a gap. Where codec parameters change a new file begins: clip.mp4, clip-2.mp4, …
    """

    async def command(session: Session) -> None:
        must_have_one_reader(out, as_json=as_json)
        now = datetime.now(UTC)
        first, last = instant(start, now, name="from"), instant(end, now, name="to")
        request = recording.PlayRequest(camera=camera, purpose=value(registry.Purpose, purpose, "purpose"), case=case)
        getattr(request, "from").CopyFrom(timestamp(first))
        request.to.CopyFrom(timestamp(last))
        clip = Clip(out)
        with session.output.progress(f"playing {camera}") as meter:
            try:
                async with session.recording() as stub:
                    async for reply in stub.Play(request):
                        clip.take(reply)
                        if reply.HasField("position"):
                            meter.tell((reply.position.ToDatetime(UTC) - first).total_seconds(), (last - first).total_seconds(), size(clip.size))
            except BaseException:
                clip.abandon()
                raise
        files = clip.finish()
        if not files:
            raise NotFound("footage", f"{camera} from {rfc3339(first)} to {rfc3339(last)}")
        if as_json:
            session.output.document({"camera": camera, "files": files})
        for one in files:
            print_file(session, one, to_stdout=out == STDOUT)

    perform(as_person, as_json, command)


def must_have_one_reader(out: str, *, as_json: bool) -> None:
    """Raises: Misspelt (OUTPUT_TWICE): footage and a JSON document, both on standard output."""
    if as_json and out == STDOUT:
        raise Misspelt("OUTPUT_TWICE", "standard output takes the footage or the JSON document; give --out a file", field="out")


def print_file(session: Session, one: dict[str, Any], *, to_stdout: bool) -> None:
    if not to_stdout:
        session.output.line(f"{one['path']}  {size(one['bytes'])}  from {one['start_shown']}  {one['codec']}")


class Clip:
    """The numbered series of files that one range becomes. Each appears under its name only when it is whole."""

    def __init__(self, out: str) -> None:
        self._out = out
        self._files: list[dict[str, Any]] = []
        self._stream: BinaryIO | None = None
        self.size = 0  # bytes in all files

    def take(self, reply: recording.PlayResponse) -> None:
        if reply.WhichOneof("part") == "file":
            self._begin(reply.file)
        elif self._stream is not None:
            self._stream.write(reply.data)
            self._files[-1]["bytes"] += len(reply.data)
            self.size += len(reply.data)

    def finish(self) -> list[dict[str, Any]]:
        """The files, whole and under their names."""
        self._close()
        for one in self._files:
            if self._out != STDOUT:
                partial(one["path"]).rename(one["path"])
        return self._files

    def abandon(self) -> None:
        self._close()
        for one in self._files:
            if self._out != STDOUT:
                partial(one["path"]).unlink(missing_ok=True)

    def _begin(self, started: recording.FileStarted) -> None:
        self._close()
        if self._out == STDOUT and self._files:
            raise Refused("CODEC_CHANGED", "the codec parameters change within the range, and standard output takes one file; give --out a name")
        path = STDOUT if self._out == STDOUT else str(numbered(Path(self._out), started.number))
        self._stream = sys.stdout.buffer if path == STDOUT else partial(path).open("wb")
        start = started.start.ToDatetime(UTC)
        self._files.append({"path": path, "start": rfc3339(start), "start_shown": shown(start), "codec": started.codec, "bytes": 0})

    def _close(self) -> None:
        if self._stream is not None and self._stream is not sys.stdout.buffer:
            self._stream.close()
        elif self._stream is not None:
            self._stream.flush()
        self._stream = None


def partial(path: str) -> Path:
    return Path(f"{path}.part")


def numbered(path: Path, number: int) -> Path:
    """clip.mp4, clip-2.mp4, clip-3.mp4, …"""
    return path if number == 1 else path.with_name(f"{path.stem}-{number}{path.suffix}")
