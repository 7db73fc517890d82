"""What processes tell each other of a camera, without a server between them."""
from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from services.ingest import rivals as module
from services.ingest.claims import Started
from services.ingest.rivals import Rivals
from vonglau.errors import Unavailable
from vonglau.ingest.v1.events_pb2 import GAP_CAUSE_REFUSED, GAP_CAUSE_TRANSPORT_LOST, GapCause, InterruptionObserved
from vonglau.testing.waiting import eventually

CAMERA, NODE = "cam-1", "ingest-0"


class Claims:
    """The claims bucket as ingest-0 sees it; what it tells others is kept."""

    def __init__(self) -> None:
        self.noted: dict[str, asyncio.Queue[Started]] = {"starts": asyncio.Queue(), "refusals": asyncio.Queue()}
        self.told: list[tuple[str, str, int]] = []
        self.is_away, self.tries = False, 0

    def is_own(self, note: Started) -> bool:
        return note.node == NODE

    async def starts(self) -> AsyncGenerator[Started, None]:
        while True:
            yield await self.noted["starts"].get()

    async def refusals(self) -> AsyncGenerator[Started, None]:
        while True:
            yield await self.noted["refusals"].get()

    async def started(self, camera: str, epoch: int, first_ns: int) -> None:
        self._tell("started", camera, epoch)

    async def refused(self, camera: str, epoch: int) -> None:
        self._tell("refused", camera, epoch)

    def _tell(self, what: str, camera: str, epoch: int) -> None:
        self.tries += 1
        if self.is_away:
            raise Unavailable("LOG_UNAVAILABLE", "the event log is away")
        self.told.append((what, camera, epoch))


class Process:
    """One process with its cameras on air."""

    def __init__(self) -> None:
        self.claims, self.on_air, self.spooled, self.overtaken = Claims(), {CAMERA}, {CAMERA}, list[str]()
        self.looks = 0
        self.rivals = Rivals(self.on_air.__contains__, self.is_spooled, self.overtaken.append)

    def is_spooled(self, camera: str, first_ns: int) -> bool:
        self.looks += 1
        return camera in self.spooled

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(part) for part in self.rivals.parts(cast(Any, self.claims))]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def hears(self, what: str, epoch: int, node: str = "ingest-1", camera: str = CAMERA) -> None:
        """Returns when it has been taken in."""
        for name in (camera, "last"):
            self.claims.noted[what].put_nowait(Started(name, epoch, "default", node))
        await eventually(lambda: self.rivals.overtaken("last") >= epoch or (what == "refusals" and self.claims.noted[what].empty()))

    def is_interrupted(self, epoch: int, cause: GapCause = GAP_CAUSE_REFUSED, ended_ns: int = 0) -> None:
        self.rivals.interrupted(InterruptionObserved(camera=CAMERA, epoch=epoch, cause=cause, ended_ns=ended_ns))


@pytest.fixture
async def process(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Process]:
    monkeypatch.setattr(module, "RETRY_S", 0.01)
    made = Process()
    async with made.running():
        yield made


async def test_a_start_under_a_higher_epoch_overtakes_and_a_lower_one_says_nothing(process: Process) -> None:
    for epoch in (7, 5, 9):
        await process.hears("starts", epoch)
    assert (process.overtaken, process.rivals.overtaken(CAMERA), process.rivals.started[CAMERA].epoch) == ([CAMERA, CAMERA], 9, 9)


async def test_a_start_of_a_camera_that_is_not_here_wakes_nobody(process: Process) -> None:
    process.on_air.clear()
    await process.hears("starts", 7)
    assert (process.overtaken, process.rivals.overtaken(CAMERA)) == ([], 7)


async def test_who_is_asked_to_give_way_is_overtaken_but_nobody_by_its_own_word(process: Process) -> None:
    await process.hears("refusals", 8, node=NODE)
    assert process.overtaken == []
    await process.hears("refusals", 8)
    await eventually(lambda: process.overtaken == [CAMERA])
    assert CAMERA not in process.rivals.started, "it was asked for, not started"


@pytest.mark.parametrize("is_start_first", [True, False])
async def test_a_camera_that_turns_this_process_down_is_asked_for_in_whichever_order_the_two_become_known(process: Process, is_start_first: bool) -> None:
    if is_start_first:
        await process.hears("starts", 5)
    process.is_interrupted(9)
    if not is_start_first:
        await process.hears("starts", 5)
    await eventually(lambda: process.claims.told == [("refused", CAMERA, 9)])


@pytest.mark.parametrize("case", ["its own", "above", "over", "lost", "off air"])
async def test_a_camera_is_not_asked_for_without_need(process: Process, case: str) -> None:
    process.is_interrupted(9, GAP_CAUSE_TRANSPORT_LOST if case == "lost" else GAP_CAUSE_REFUSED)
    if case == "over":
        process.is_interrupted(9, ended_ns=1)
    if case == "off air":
        process.on_air.clear()
    await process.hears("starts", 12 if case == "above" else 5, node=NODE if case == "its own" else "ingest-1")
    process.rivals.recorded(CAMERA, 20, 1)  # so that whatever was to be told has been
    await eventually(lambda: ("started", CAMERA, 20) in process.claims.told)
    assert process.claims.told == [("started", CAMERA, 20)]


async def test_a_start_is_told_once_its_first_key_frame_is_in_the_spool(process: Process) -> None:
    process.spooled.clear()
    process.rivals.recorded(CAMERA, 7, 1)
    process.rivals.recorded("cam-2", 7, 1)  # went off air before it was spooled: nobody will ever stop for it
    await eventually(lambda: process.looks > 5)
    assert process.claims.told == []
    process.spooled |= {CAMERA}
    await eventually(lambda: process.claims.told == [("started", CAMERA, 7)])


async def test_words_wait_for_a_log_that_is_away(process: Process) -> None:
    process.claims.is_away = True
    await process.hears("starts", 5)
    process.is_interrupted(9)
    process.rivals.recorded(CAMERA, 9, 1)
    await eventually(lambda: process.claims.tries > 5)
    process.claims.is_away = False
    await eventually(lambda: sorted(process.claims.told) == [("refused", CAMERA, 9), ("started", CAMERA, 9)])


async def test_nothing_is_remembered_of_a_camera_that_is_forgotten(process: Process) -> None:
    await process.hears("starts", 5)
    process.is_interrupted(3)
    process.rivals.forget(CAMERA)
    assert (process.rivals.overtaken(CAMERA), CAMERA in process.rivals.started) == (0, False)
    await process.hears("starts", 2)
    assert process.claims.told == [], "what it was turned down by is forgotten too"
