"""A query waits until its view has seen what its caller has written."""
from __future__ import annotations

import asyncio
from typing import Any

import pytest

from vonglau.documents import Documents
from vonglau.errors import Invalid, Unavailable
from vonglau.eventlog import Recorded, Version
from vonglau.subscription import MemoryEvents, ProjectionRunner
from vonglau.testing.projections import LOG, contents, number_event, projection_of


async def test_it_waits_for_the_event_and_then_the_document_is_there(run: Any, documents: Documents) -> None:
    events = MemoryEvents([])
    async with run(projection_of(), documents, events) as runner:
        events.events.append(number_event(1, "cam", 1))
        waiting = asyncio.create_task(runner.passed(Version(LOG, 1), 5))
        await waiting
        assert (await contents(documents))["cam"]["numbers"] == [1]


async def test_a_view_that_stays_behind_is_unavailable_with_retry_info(documents: Documents) -> None:
    runner = ProjectionRunner(projection_of(), documents=documents, events=MemoryEvents([number_event(1, "cam", 1)]))
    with pytest.raises(Unavailable) as refusal:
        await runner.passed(f"{LOG}:1", 0.1)
    assert (refusal.value.reason, refusal.value.metadata["version"]) == ("VIEW_BEHIND", f"{LOG}:1")
    assert refusal.value.retry_after > 0


async def test_a_replica_that_does_not_run_the_projection_answers_too(run: Any, documents: Documents) -> None:
    events = MemoryEvents([number_event(sequence, "cam", sequence) for sequence in range(1, 30)])
    elsewhere = ProjectionRunner(projection_of(), documents=documents, events=events)
    waiting = asyncio.create_task(elsewhere.passed(f"{LOG}:29", 5))
    async with run(projection_of(), documents, events):
        await waiting
    assert (await contents(documents))["cam"]["last"] == 29


async def test_a_version_that_is_not_for_this_view_is_not_waited_for(run: Any, documents: Documents) -> None:
    """The newest event is somebody else's; nothing of this view's own is missing before it."""
    events = MemoryEvents([number_event(1, "cam", 1), Recorded(LOG, 2, "es.test.owner.somebody", {}, b"")])
    async with run(projection_of(), documents, events) as runner:
        await runner.passed(f"{LOG}:2", 5)
        await runner.passed("es_other:99", 0)
        await runner.passed("", 0)
        assert (await contents(documents))["cam"]["numbers"] == [1]


async def test_what_is_no_version_is_refused(documents: Documents) -> None:
    runner = ProjectionRunner(projection_of(), documents=documents, events=MemoryEvents([]))
    with pytest.raises(Invalid):
        await runner.passed("yesterday", 1)
