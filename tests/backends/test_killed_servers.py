"""Real servers killed while they are being written to: nothing that was acknowledged is lost, and what uses them recovers by itself."""
from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.backends.servers import Server, minio, mongodb, mongodb_url, s3_url
from tests.backends.stores import Store
from vonglau.deadline import within
from vonglau.documents.mongo import REACHED_WITHIN_S, MongoDocuments
from vonglau.errors import Unavailable
from vonglau.eventlog import Recorded
from vonglau.footage import Put
from vonglau.footage.s3 import S3Footage
from vonglau.subscription import MemoryEvents, Pace, ProjectionRunner
from vonglau.testing.projections import LOG, contents, number_event, projection_of
from vonglau.testing.waiting import eventually

pytestmark = [pytest.mark.backends, pytest.mark.timeout(240)]

QUICK = Pace(batch=25, wait=0.2, retry=0.05, most_retry=0.2)
BUCKET = "police-footage"


@pytest.fixture
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    made: Server | None = request.param(tmp_path)
    if made is None:
        pytest.skip(f"{request.param.__name__} is not installed")
    made.start()
    yield made
    made.stop()


def numbered(first: int, last: int) -> list[Recorded]:
    return [number_event(sequence, f"cam-{sequence % 3}", sequence) for sequence in range(first, last + 1)]


def whole(found: dict[str, Any], last: int) -> bool:
    return all(found.get(f"cam-{rest}", {}).get("numbers") == [number for number in range(1, last + 1) if number % 3 == rest] for rest in range(3))


async def killed_and_started(server: Server) -> None:
    server.kill()
    await asyncio.sleep(0.3)  # so that somebody notices that it is away
    await asyncio.to_thread(server.start)


@pytest.mark.parametrize("server", [mongodb], indirect=True)
async def test_a_projection_fills_documents_again_that_were_lost_with_their_server(server: Server) -> None:
    """mongo-java-server keeps nothing: each kill empties the store, at any point of a batch, and at rest too."""
    documents = MongoDocuments(mongodb_url(server), "killed")
    events, rng = MemoryEvents(numbered(1, 400)), random.Random(7)
    runner = ProjectionRunner(projection_of(), documents=documents, events=events, pace=QUICK)
    await runner.start()
    for _ in range(3):
        await asyncio.sleep(rng.uniform(0.0, 0.4))  # the moment of the kill is what is drawn
        await killed_and_started(server)
        events.events += numbered(len(events.events) + 1, len(events.events) + 100)
    await runner.passed(f"{LOG}:700", 60)
    assert whole(await contents(documents), 700)
    await killed_and_started(server)

    async def filled_again() -> bool:
        return whole(await contents(documents), 700)

    await eventually(filled_again, 60)
    await runner.stop()
    await documents.close()


@pytest.mark.parametrize("server", [mongodb], indirect=True)
async def test_while_the_server_is_away_queries_say_so_and_a_rebuild_goes_on_afterwards(server: Server) -> None:
    documents = MongoDocuments(mongodb_url(server), "killed", most=1.0)
    runner = ProjectionRunner(projection_of(), documents=documents, events=MemoryEvents(numbered(1, 60)), pace=QUICK)
    await runner.start()
    await runner.passed(f"{LOG}:60", 20)
    server.kill()
    with pytest.raises(Unavailable) as refused:
        await documents.get("numbers", "cam-1")
    assert (refused.value.reason, refused.value.retry_after > 0) == ("DOCUMENTS_UNAVAILABLE", True)
    await asyncio.to_thread(server.start)
    await runner.passed(f"{LOG}:60", 60)

    async def rebuilt() -> bool:
        try:
            return [progress.done async for progress in runner.rebuild()][-1]
        except Unavailable:
            return False

    await eventually(rebuilt, 30)
    assert whole(await contents(documents), 60)
    await runner.stop()
    await documents.close()


@pytest.mark.parametrize("server", [mongodb], indirect=True)
async def test_a_query_says_that_the_server_is_away_long_before_its_caller_gives_up(server: Server) -> None:
    """The driver, which noticed it by itself, would wait for another server as long as the caller does."""
    documents = MongoDocuments(mongodb_url(server), "killed")
    await documents.prepare("numbers")
    server.kill()
    await eventually(lambda: not documents.sees_a_server, 20)
    with within(8.0), pytest.raises(Unavailable) as refused:
        async with asyncio.timeout(REACHED_WITHIN_S + 1.0):
            await documents.get("numbers", "cam-1")
    assert refused.value.reason == "DOCUMENTS_UNAVAILABLE"
    await documents.close()


async def stored(footage: S3Footage, key: str, path: Path, body: bytes) -> Put:
    """As the uploader does it: again and again until it stands."""
    while True:
        try:
            return await footage.put_file(BUCKET, key, path, sha256=hashlib.sha256(body).digest(), size=len(body), metadata={"camera": "cam-1"})
        except Unavailable:
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("server", [minio], indirect=True)
async def test_objects_that_were_acknowledged_outlive_kills_of_their_server(server: Server, tmp_path: Path) -> None:
    store = Store(s3_url(server))
    footage = store.footage()
    await eventually(lambda: ready(footage), 30)
    rng = random.Random(11)
    bodies = {f"cam-1/{number:03}": rng.randbytes(rng.randrange(1, 400_000)) for number in range(150)}
    for key, body in bodies.items():
        (tmp_path / key.replace("/", "-")).write_bytes(body)

    async def worker(share: list[str]) -> None:
        for key in share:
            await stored(footage, key, tmp_path / key.replace("/", "-"), bodies[key])

    keys = sorted(bodies)
    putting = [asyncio.create_task(worker(keys[first::8])) for first in range(8)]
    kills = 0
    while kills < 3 or not all(task.done() for task in putting):
        await asyncio.sleep(rng.uniform(0.1, 0.6))
        if kills < 3:
            await killed_and_started(server)
            kills += 1
    await asyncio.gather(*putting)
    assert [(info.key, info.sha256) async for info in footage.list(BUCKET)] == [(key, hashlib.sha256(bodies[key]).digest()) for key in keys]
    for key in keys:
        assert b"".join([chunk async for chunk in footage.read(BUCKET, key)]) == bodies[key]
    await footage.close()


async def ready(footage: S3Footage) -> bool:
    try:
        await footage.ensure_bucket(BUCKET)
    except Unavailable:
        return False
    return True
