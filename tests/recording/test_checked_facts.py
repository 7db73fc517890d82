"""The stored checksum is compared with the fact before it is indexed."""
from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from services.recording import checked_facts
from services.recording.camera_hour import STORED
from services.recording.checked_facts import CheckedFacts
from services.recording.entry import Stored
from vonglau.errors import Unavailable
from vonglau.subscription import MemoryEvents, Source

FACTS = Source("fact_ingest", ("fact.>",))


async def fetched(station: Any, footage: Any = None) -> list[str]:
    reading = await CheckedFacts(MemoryEvents(station.store.events), footage or station.footage).open("test", FACTS, 0)
    return [event.headers.get(STORED, "") for event in (await reading.fetch(500, 0.1)).events]


async def test_facts_keep_their_order_and_those_that_are_wrong_are_marked(station: Any, segment: Any) -> None:
    for number in range(100):
        await station.record(number, number * 60, tell=number not in (40, 60))
        if number == 40:
            station.tell(segment(40, 2400))  # another checksum than the object's
        if number == 60:
            station.tell(segment(60, 3600, camera="cam-2"))  # no such object
    stored = await fetched(station)
    assert [number for number, each in enumerate(stored) if each] == [40, 60]
    assert [stored[40], stored[60]] == [str(int(Stored.DIFFERENT)), str(int(Stored.MISSING))]
    reading = await CheckedFacts(MemoryEvents(station.store.events), station.footage).open("test", FACTS, 0)
    assert [event.sequence for event in (await reading.fetch(500, 0.1)).events] == list(range(1, 101))


async def test_while_the_store_is_away_facts_wait(station: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checked_facts, "RETRY_S", 0.001)
    await station.record(0, 0)
    calls = []

    class Away:
        async def head(self, bucket: str, key: str) -> Any:
            calls.append(key)
            if len(calls) < 4:
                raise Unavailable("STORAGE_UNAVAILABLE", "away")
            return await station.footage.head(bucket, key)

    assert await fetched(station, Away()) == [""]
    assert len(calls) == 4


@pytest.mark.parametrize("spoilt", [{"body": b"\xff\xff no message"}, {"key": ""}, {"key": "../cam-1/x.mp4"}, {"owner": "../police"}], ids=str)
async def test_a_fact_that_nothing_can_be_made_of_holds_up_its_own_camera_alone(station: Any, segment: Any, spoilt: dict[str, Any]) -> None:
    fact = segment(0, 0, camera="cam-2")
    for name in spoilt.keys() - {"body"}:
        setattr(fact, name, spoilt[name])
    station.tell(fact)
    if "body" in spoilt:
        station.store.events[-1] = replace(station.store.events[-1], body=spoilt["body"])
    await station.record(0, 0)
    await station.settle()
    assert (await station.index.recorded("cam-1"))["segments"] == 1
    assert await station.state.is_parked("cam-2")
