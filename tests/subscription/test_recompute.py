"""A projection is a recomputation of its log, whatever happens on the way."""
from __future__ import annotations

import asyncio
import random
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vonglau.documents import Document, SqliteDocuments
from vonglau.errors import NotFound, Unavailable
from vonglau.eventlog import Recorded
from vonglau.subscription import MemoryEvents, Pace, ProjectionRunner
from vonglau.testing.projections import LOG, Numbers, TornDocuments, UnrulyEvents, contents, number_event, projection_of

PACE = Pace(batch=5, wait=0.01, between_tries=0.0, retry=0.0, most_retry=0.0, idle_checkpoint=60.0)
CAMERAS = st.lists(st.sampled_from(["cam-a", "cam-b", "cam-c"]), min_size=1, max_size=30)
FEW = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])


def log_of(cameras: list[str], removed: frozenset[int] = frozenset(), gap: int = 1) -> list[Recorded]:
    """Sequences with holes, since other subjects share the stream."""
    return [
        number_event(gap * place, camera, place, kind="removed" if place in removed else "counted") for place, camera in enumerate(cameras, 1)
    ]


def recomputed(events: list[Recorded]) -> dict[str, Document]:
    view = Numbers()
    state: dict[str, Document | None] = {}
    for event in events:
        for name in view.touches(event):
            state[name] = view.evolve(state.get(name), event, name)
    return {name: document for name, document in state.items() if document is not None}


def without_own_fields(documents: dict[str, Document]) -> dict[str, Document]:
    return {name: {field: value for field, value in document.items() if field not in ("_id", "_seq")} for name, document in documents.items()}


async def projected(file: Path, events: MemoryEvents, fail_at: frozenset[int] = frozenset(), view: Numbers | None = None, replays: bool = False) -> Any:
    store = SqliteDocuments(file, readers=1)
    torn = TornDocuments(store, fail_at)
    runner = ProjectionRunner(projection_of(view), documents=torn, events=events, pace=PACE)
    await runner.start()
    await runner.passed(f"{LOG}:{events.events[-1].sequence}", 20)
    if replays:
        assert view is not None
        view.poison.clear()
        await replay_all(runner)
    await runner.stop()
    found = await contents(store)
    await store.close()
    return without_own_fields(found)


async def replay_all(runner: ProjectionRunner) -> None:
    while keys := await runner.parked_keys():
        for parked in keys:
            with suppress(Unavailable, NotFound):  # torn, restarting, or already released when the projection restarted
                assert (await runner.replay(parked.key)).waiting == 0
        await asyncio.sleep(0)


@FEW
@given(CAMERAS, st.frozensets(st.integers(1, 30)), st.integers(1, 4), st.integers(0, 2**32))
def test_broken_repeated_and_odd_deliveries_give_the_recomputed_documents(cameras: list[str], removed: frozenset[int], gap: int, seed: int) -> None:
    events = log_of(cameras, removed, gap)
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(projected(Path(folder) / "d.db", UnrulyEvents(events, random.Random(seed))))
    assert found == recomputed(events)


@FEW
@given(CAMERAS, st.frozensets(st.integers(1, 60), max_size=6), st.frozensets(st.integers(1, 30)))
def test_failing_at_any_step_of_any_write_gives_the_recomputed_documents(cameras: list[str], fail_at: frozenset[int], removed: frozenset[int]) -> None:
    events = log_of(cameras, removed)
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(projected(Path(folder) / "d.db", MemoryEvents(events), fail_at))
    assert found == recomputed(events)


@FEW
@given(CAMERAS, st.frozensets(st.integers(1, 60), max_size=6), st.frozensets(st.integers(1, 30), max_size=4))
def test_parked_keys_replayed_after_failures_give_the_recomputed_documents(cameras: list[str], fail_at: frozenset[int], poison: frozenset[int]) -> None:
    events = log_of(cameras)
    view = Numbers(poison=set(poison))
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(projected(Path(folder) / "d.db", MemoryEvents(events), fail_at, view, replays=True))
    assert found == recomputed(events)


@FEW
@given(st.permutations(["cam-a"] * 6 + ["cam-b"] * 6 + ["cam-c"] * 6))
def test_how_keys_interleave_changes_no_document(cameras: list[str]) -> None:
    counts: dict[str, int] = dict.fromkeys(cameras, 0)
    events = []
    for sequence, camera in enumerate(cameras, 1):
        counts[camera] += 1
        events.append(number_event(sequence, camera, counts[camera]))
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(projected(Path(folder) / "d.db", MemoryEvents(events)))
    assert found == {name: {"numbers": [1, 2, 3, 4, 5, 6], "last": 6} for name in ("cam-a", "cam-b", "cam-c")} | {
        f"{name}/0": {"numbers": [1, 2, 3, 4, 5, 6], "last": 6} for name in ("cam-a", "cam-b", "cam-c")
    }
