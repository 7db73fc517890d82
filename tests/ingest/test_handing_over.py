"""What becomes of a camera here once the table has given it to another process."""
from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from services.ingest.causes import Cause
from services.ingest.claims import Started
from services.ingest.on_air import OnAir
from services.ingest.pools import Assignment, Place
from services.ingest.predecessor import Past
from services.ingest.roster import Listed, Roster
from services.ingest.session import State
from services.ingest.slots import slot_of
from services.ingest.station import LANES, Station
from vonglau.registry.v1.events_pb2 import CAMERA_CLASS_TRAFFIC
from vonglau.testing.waiting import eventually

EPOCH = 7
CAMERA = "cam-0"
LATER = next(f"cam-{each}" for each in range(1, 999) if slot_of(f"cam-{each}") % LANES == slot_of(CAMERA) % LANES)  # settled after it, in the same lane


class Table(Assignment):
    """Every camera is another process's now."""

    def place(self, listed: Listed) -> Place:
        return Place(False, True, True, "ingest-1 records it")


class Claims:
    def __init__(self) -> None:
        self.told: asyncio.Queue[Started] = asyncio.Queue()

    def is_own(self, note: Started) -> bool:
        return note.node == "ingest-0"

    async def starts(self) -> AsyncGenerator[Started, None]:
        while True:
            yield await self.told.get()

    async def refusals(self) -> AsyncGenerator[Started, None]:
        await asyncio.Event().wait()
        yield cast(Any, None)


class Entry:
    """A camera on air."""

    def __init__(self, camera: str, state: State, *, is_receiving: bool) -> None:
        self.listed, self.epoch, self.until_ns, self.next_number = listed(camera), EPOCH, 0, 1
        self.session = SimpleNamespace(status=lambda: SimpleNamespace(state=state), is_receiving=is_receiving)

    async def leave(self, _why: object) -> None:
        """Nothing has to be closed."""


def listed(camera: str) -> Listed:
    return Listed(camera, "ward-one", "rtsp://127.0.0.1:1/main", "", CAMERA_CLASS_TRAFFIC, 0)


class Process:
    def __init__(self) -> None:
        self.claims = Claims()
        roster = Roster()
        roster.cameras.update({each: listed(each) for each in (CAMERA, LATER)})
        nobody: Any = None
        self.station = Station(nobody, roster, Table("default", "ingest-0", roster), nobody, nobody, lambda *_: None, 9, 1, lambda *_: None)

    async def hears(self, node: str) -> None:
        """That the process has started the camera, under an epoch before this one's."""
        self.claims.told.put_nowait(Started(CAMERA, EPOCH - 1, "default", node))
        await eventually(lambda: CAMERA in self.station.rivals.started)

    async def keeps(self, state: State, *, is_receiving: bool) -> bool:
        """Once it has settled what the table asks for."""
        on_air = self.station.on_air
        on_air[CAMERA] = cast(OnAir, Entry(CAMERA, state, is_receiving=is_receiving))
        on_air[LATER] = cast(OnAir, Entry(LATER, State.INTERRUPTED, is_receiving=False))
        for each in (CAMERA, LATER):
            self.station._past[each] = Past(EPOCH, 0, Cause.SOURCE_SILENT)
            self.station.changed(each)
        await eventually(lambda: LATER not in on_air)
        return CAMERA in on_air


@pytest.fixture
async def process() -> AsyncGenerator[Process, None]:
    made = Process()
    tasks = [asyncio.create_task(part) for part in made.station.parts(cast(Any, made.claims))]
    yield made
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_what_is_recorded_here_goes_on_until_another_process_has_started_it(process: Process) -> None:
    assert await process.keeps(State.RECORDING, is_receiving=True)


async def test_a_camera_whose_first_group_of_frames_is_coming_in_goes_on_too(process: Process) -> None:
    """It was given up, and what came before the other process's first key frame was missing."""
    assert await process.keeps(State.INTERRUPTED, is_receiving=True)


async def test_it_goes_on_where_this_process_itself_had_started_it_before(process: Process) -> None:
    await process.hears("ingest-0")
    assert await process.keeps(State.INTERRUPTED, is_receiving=True)


async def test_it_is_given_up_where_the_one_before_still_records_it(process: Process) -> None:
    """A third connection would be one more than many cameras allow."""
    await process.hears("ingest-2")
    assert not await process.keeps(State.INTERRUPTED, is_receiving=True)


async def test_a_camera_of_which_nothing_comes_in_is_given_up_at_once(process: Process) -> None:
    assert not await process.keeps(State.INTERRUPTED, is_receiving=False)
