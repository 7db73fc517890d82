"""vonglau watch: what a camera shows, as it happens."""
from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Annotated, BinaryIO, Self

import typer

from vonglau.cli.footage import STDOUT, Camera, must_have_one_reader
from vonglau.cli.options import AsJson, AsPerson, Case, Purpose, perform
from vonglau.cli.session import Session
from vonglau.cli.times import instant, size
from vonglau.cli.words import value
from vonglau.errors import Refused, Unavailable
from vonglau.ingest.v1 import service_pb2 as ingest
from vonglau.registry.v1 import events_pb2 as registry


def watch(
    camera: Camera,
    out: Annotated[str, typer.Option(help="File to write; - is standard output, for `| ffplay -`.")] = STDOUT,
    length: Annotated[str, typer.Option("--for", help="End after this long, e.g. 30s (default: at Ctrl-C).")] = "",
    purpose: Purpose = "security_order",
    case: Case = "",
    as_person: AsPerson = "",
    as_json: AsJson = False,
) -> None:
    """The live picture as a growing fragmented MP4: `vonglau watch CAMERA --out - | ffplay -`. Ctrl-C ends it."""

    async def command(session: Session) -> None:
        must_have_one_reader(out, as_json=as_json)
        now = datetime.now(UTC)
        request = ingest.WatchRequest(camera=camera, purpose=value(registry.Purpose, purpose, "purpose"), case=case)
        limit = (instant(f"+{length.lstrip('+-')}", now, name="for") - now) if length else None
        with session.output.progress(f"watching {camera}") as meter, Growing(out) as film:
            await follow(session, request, film, limit, session.output.quiet if out == STDOUT else lambda: meter.tell(film.size, note=size(film.size)))
        if not film.begun:
            raise Unavailable("NOTHING_SHOWN", f"{camera} has shown nothing in that time", camera=camera)
        if as_json:
            session.output.document({"camera": camera, "files": [{"path": out, "bytes": film.size}]})
        elif out != STDOUT:
            session.output.line(f"{out}  {size(film.size)}")

    perform(as_person, as_json, command)


async def follow(session: Session, request: ingest.WatchRequest, film: Growing, limit: timedelta | None, told: Callable[[], None]) -> None:
    """Until the limit, Ctrl-C (which cancels), or whoever reads has gone: each is how one ends watching.

    told: before each part; a player that reads them may write on the same terminal.
    """
    with suppress(TimeoutError, BrokenPipeError, asyncio.CancelledError):
        async with asyncio.timeout(limit.total_seconds() if limit else None), session.ingest() as stub:
            async for reply in stub.Watch(request):
                if reply.WhichOneof("part") == "init_segment" and film.begun:
                    raise Refused("CODEC_CHANGED", "the camera changed its codec parameters; watch it again")
                told()
                film.write(reply.init_segment or reply.media)


class Growing:
    """The file, or standard output, that grows part by part. It begins with the first, so that a refusal leaves what stood under its name."""

    def __init__(self, out: str) -> None:
        self._out = out
        self._stream: BinaryIO | None = None
        self._open = ExitStack()
        self.size = 0  # bytes

    @property
    def begun(self) -> bool:
        return self._stream is not None

    def write(self, part: bytes) -> None:
        if self._stream is None:
            self._stream = self._begin()
        self._stream.write(part)
        self._stream.flush()
        self.size += len(part)

    def _begin(self) -> BinaryIO:
        if self._out == STDOUT:
            return sys.stdout.buffer
        return self._open.enter_context(Path(self._out).open("wb"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._open.close()
