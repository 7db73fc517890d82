"""vonglau.operations.v1.Projections: how projections stand, and the tools to put one right."""
from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from vonglau.documents import SqliteDocuments
from vonglau.errors import Denied, Invalid, NotFound
from vonglau.operations.servicer import OperationsServicer
from vonglau.operations.v1 import service_pb2 as pb
from vonglau.subscription import MemoryEvents, Pace, Projection, ProjectionRunner, Source
from vonglau.testing.projections import LOG, SUBJECTS, Numbers, contents, number_event

CAMERAS = 5


class World:
    def __init__(self, documents: SqliteDocuments) -> None:
        self.documents = documents
        self.view = Numbers(poison=set(range(1, CAMERAS + 1)))
        self.asked: list[str] = []
        self.is_allowed = True
        events = MemoryEvents([number_event(sequence, f"cam-{(sequence - 1) % CAMERAS}", sequence) for sequence in range(1, 2 * CAMERAS + 1)])
        good = Numbers(collection="good")
        both = [Projection("bad", [Source(LOG, (SUBJECTS,))], [self.view]), Projection("good", [Source(LOG, (SUBJECTS,))], [good])]
        self.runners = [ProjectionRunner(reads, documents=documents, events=events, pace=Pace(wait=0.05)) for reads in both]
        self.servicer = OperationsServicer(self.runners, self.authorise)

    async def authorise(self, context: Any, action: str) -> None:
        self.asked.append(action)
        if not self.is_allowed:
            raise Denied("NOT_AN_OPERATOR", "operators only")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    documents = SqliteDocuments(tmp_path / "documents.db")
    made = World(documents)
    for runner in made.runners:
        await runner.start()
        await runner.passed(f"{LOG}:{2 * CAMERAS}", 5)
    yield made
    for runner in made.runners:
        await runner.stop()
    await documents.close()


async def test_each_projection_shows_its_checkpoints_and_parked_keys(world: World) -> None:
    listed = (await world.servicer.ListProjections(pb.ListProjectionsRequest(), None)).projections
    assert [(each.name, each.parked_keys, each.stopped_reason) for each in listed] == [("bad", CAMERAS, ""), ("good", 0, "")]
    (checkpoint,) = listed[0].checkpoints
    assert (checkpoint.stream, checkpoint.sequence, checkpoint.pending) == (LOG, 2 * CAMERAS, 0)
    assert checkpoint.last_progress.seconds > 0


async def test_parked_keys_come_in_pages(world: World) -> None:
    keys, token = [], ""
    while True:
        page = await world.servicer.ListParkedKeys(pb.ListParkedKeysRequest(page_size=2, page_token=token), None)
        assert len(page.keys) <= 2
        keys += [(key.projection, key.key, key.events, key.reason) for key in page.keys]
        if not (token := page.next_page_token):
            break
    assert keys == [("bad", f"cam-{number}", 2, "NUMBER_UNLUCKY") for number in range(CAMERAS)]


async def test_the_keys_of_one_projection_only(world: World) -> None:
    assert list((await world.servicer.ListParkedKeys(pb.ListParkedKeysRequest(projection="good"), None)).keys) == []
    with pytest.raises(NotFound):
        await world.servicer.ListParkedKeys(pb.ListParkedKeysRequest(projection="none"), None)
    with pytest.raises(Invalid):
        await world.servicer.ListParkedKeys(pb.ListParkedKeysRequest(page_size=-1), None)


async def test_a_parked_key_shows_what_waits(world: World) -> None:
    key = await world.servicer.GetParkedKey(pb.GetParkedKeyRequest(projection="bad", key="cam-1"), None)
    assert key.message == "2 cannot be applied"
    assert [(event.stream, event.sequence, event.type, event.event) for event in key.waiting] == [
        (LOG, 2, "counted", f"{LOG}-2"),
        (LOG, 7, "counted", f"{LOG}-7"),
    ]


async def test_a_replay_tells_how_far_it_came(world: World) -> None:
    request = pb.ReplayParkedKeyRequest(projection="bad", key="cam-1")
    stuck = await world.servicer.ReplayParkedKey(request, None)
    assert (stuck.applied, stuck.waiting, stuck.reason) == (0, 2, "NUMBER_UNLUCKY")
    world.view.poison.clear()
    assert (await world.servicer.ReplayParkedKey(request, None)).applied == 2
    assert (await contents(world.documents))["cam-1"]["numbers"] == [2, 7]


async def test_a_rebuild_tells_its_progress_to_the_end(world: World) -> None:
    world.view.poison.clear()
    progress = [each async for each in world.servicer.RebuildProjection(pb.RebuildProjectionRequest(projection="bad"), None)]
    assert [each.done for each in progress] == [False] * (len(progress) - 1) + [True]
    assert (progress[-1].applied, progress[-1].total, progress[-1].phase) == (2 * CAMERAS, 2 * CAMERAS, "done")
    assert (await world.servicer.ListProjections(pb.ListProjectionsRequest(), None)).projections[0].parked_keys == 0


async def test_every_call_is_authorised_before_anything_else(world: World) -> None:
    world.is_allowed = False
    calls = [
        world.servicer.ListProjections(pb.ListProjectionsRequest(), None),
        world.servicer.ListParkedKeys(pb.ListParkedKeysRequest(projection="none"), None),
        world.servicer.GetParkedKey(pb.GetParkedKeyRequest(projection="none"), None),
        world.servicer.ReplayParkedKey(pb.ReplayParkedKeyRequest(projection="none"), None),
        anext(world.servicer.RebuildProjection(pb.RebuildProjectionRequest(projection="none"), None)),
    ]
    for call in calls:
        with pytest.raises(Denied):
            await call
    assert world.asked == ["operations.read"] * 3 + ["operations.write"] * 2
