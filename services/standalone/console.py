"""The terminal of `make run`: a live table for a person, one line per change for a log."""
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from services.standalone.table import camera_table, summary
from vonglau.cli.pages import all_cameras, live, summaries
from vonglau.cli.session import Session
from vonglau.cli.statuses import description
from vonglau.errors import Unavailable
from vonglau.registry.v1.service_pb2 import ListCamerasRequest

EVERY_S = 1.0
LINES_KEPT = 5  # of what was said, below the table


class Display:
    """Says sentences at once, and shows the cameras."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._console = Console()
        self._said: list[str] = []
        self._live: Live | None = None
        self._line = ""

    def say(self, sentence: str) -> None:
        if self._live is None:
            self._console.print(sentence, highlight=False, markup=False, soft_wrap=True)
        self._said = [*self._said, sentence][-LINES_KEPT:]

    @asynccontextmanager
    async def shown(self) -> AsyncIterator[None]:
        """While the body runs."""
        showing = asyncio.create_task(self._show())
        try:
            yield
        finally:
            showing.cancel()
            await asyncio.gather(showing, return_exceptions=True)
            if self._live is not None:
                self._live.stop()
                self._live = None

    async def _show(self) -> None:
        self._said = []
        if self._console.is_terminal:
            self._live = Live(console=self._console, refresh_per_second=2)
            self._live.start()
        while True:
            try:
                cameras, note = await look(self._session)
            except (grpc.aio.AioRpcError, Unavailable) as away:
                cameras, note = None, f"the services do not answer yet ({getattr(away, 'reason', '') or 'UNREACHABLE'})"
            self._draw(cameras, note)
            await asyncio.sleep(EVERY_S)

    def _draw(self, cameras: list[dict[str, Any]] | None, note: str) -> None:
        if self._live is not None:
            below = "\n".join(self._said)
            self._live.update(Group(camera_table(cameras, note) if cameras is not None else Text(note), Text(below, style="yellow")))
            return
        line = note if cameras is None else summary(cameras) + (f" ({note})" if note else "")
        if line != self._line:
            self._line = line
            self._console.print(line, highlight=False, markup=False, soft_wrap=True)


async def look(session: Session) -> tuple[list[dict[str, Any]], str]:
    """Every camera as `status` describes it, and what stands in the way of all. Raises: AioRpcError, Unavailable."""
    async with session.registry() as stub:
        cameras = await all_cameras(stub, ListCamerasRequest())
    found, health = await live(session)
    totals = await summaries(session)
    return [description(camera, found.get(camera.camera), totals.get(camera.camera)) for camera in cameras], health.detail
