"""Runs projections for the length of a test's block."""
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.backends.places import PLACES, Place
from vonglau.documents import Documents
from vonglau.leases import LeaseLost
from vonglau.subscription import Pace, ProjectionRunner

QUICK = Pace(batch=7, wait=0.05, between_tries=0.0, retry=0.005, most_retry=0.02, idle_checkpoint=0.0, drain=2.0)
Run = Callable[..., AbstractAsyncContextManager[ProjectionRunner]]


class LosableLease:
    """Held at once, and never again after it was lost."""

    def __init__(self) -> None:
        self.holders: list[asyncio.Task[Any]] = []

    def lose(self) -> None:
        self.holders[-1].cancel()

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        task = asyncio.current_task()
        assert task is not None
        if self.holders:
            await asyncio.Event().wait()
        self.holders.append(task)
        try:
            yield
        except asyncio.CancelledError:
            if task.uncancel():
                raise
            raise LeaseLost("numbers") from None


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    made: Place = request.param(tmp_path)
    yield made
    made.remove()


@pytest.fixture
async def documents(place: Place) -> AsyncIterator[Documents]:
    store = place.open()
    yield store
    await store.close()


@pytest.fixture
def run() -> Run:
    """run(projection, documents, events, **) starts a runner and stops it at the end of the block."""

    @asynccontextmanager
    async def started(reads: Any, documents: Any, events: Any, **more: Any) -> AsyncIterator[ProjectionRunner]:
        runner = ProjectionRunner(reads, documents=documents, events=events, pace=more.pop("pace", QUICK), **more)
        await runner.start()
        try:
            yield runner
        finally:
            await runner.stop()

    return started
