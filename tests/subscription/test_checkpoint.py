"""The checkpoint saved with the documents is the truth."""
from __future__ import annotations

from typing import Any

import pytest

from tests.backends.places import Place
from vonglau.documents import Changes, Checkpoint, Documents
from vonglau.errors import Refused, Unavailable
from vonglau.eventlog import Recorded
from vonglau.subscription import Behind, MemoryEvents, Plant, Projection, Source
from vonglau.testing.clock import SettableClock
from vonglau.testing.projections import LOG, SUBJECTS, Numbers, contents, number_event, projection_of
from vonglau.testing.waiting import eventually


def numbered(first: int, last: int) -> list[Recorded]:
    return [number_event(sequence, f"cam-{sequence % 3}", sequence) for sequence in range(first, last + 1)]


class Told:
    """A meter that keeps what it is told."""

    def __init__(self) -> None:
        self.misses = 0
        self.reasons: list[str] = []
        self.behind: list[Behind] = []
        self.keys = 0

    def waits(self, log: str, behind: Behind) -> None:
        self.behind.append(behind)

    def released(self) -> None:
        """Nothing else tells here."""

    def parked(self, keys: int) -> None:
        self.keys = keys

    def interrupted(self, reason: str) -> None:
        self.reasons.append(reason)

    def stopped(self, reason: str) -> None:
        self.reasons.append(reason)

    def missed(self) -> None:
        self.misses += 1


async def test_documents_restored_from_yesterday_catch_up_by_themselves(run: Any, place: Place) -> None:
    events = MemoryEvents(numbered(1, 10))
    for day in (10, 25):
        documents = place.open()
        events.events += numbered(len(events.events) + 1, day)
        async with run(projection_of(), documents, events) as runner:
            await runner.passed(f"{LOG}:{day}", 5)
        today = await contents(documents)
        await documents.close()
        if day == 10:
            place.back_up()
    place.restore()
    documents = place.open()
    async with run(projection_of(), documents, events) as runner:
        await runner.passed(f"{LOG}:25", 5)
        assert await contents(documents) == today
    await documents.close()


async def test_documents_emptied_while_it_runs_are_noticed_without_any_event(run: Any, place: Place, documents: Documents) -> None:
    async with run(projection_of(), documents, MemoryEvents(numbered(1, 10))) as runner:
        await runner.passed(f"{LOG}:10", 5)
        before = await contents(documents)
        await documents.drop("numbers", ["numbers", "parked.numbers.keys", "parked.numbers.events"])

        async def filled_again() -> bool:
            return await contents(documents) == before

        await eventually(filled_again)


async def test_emptied_documents_are_filled_again_by_themselves_while_it_runs(run: Any, documents: Documents) -> None:
    events = MemoryEvents(numbered(1, 10))
    async with run(projection_of(), documents, events) as runner:
        await runner.passed(f"{LOG}:10", 5)
        await documents.drop("numbers", ["numbers", "parked.numbers.keys", "parked.numbers.events"])
        events.events += numbered(11, 12)

        async def caught_up() -> bool:
            return (await documents.checkpoints("numbers")).get(LOG, Checkpoint("", "", 0, 0, 0)).sequence == 12

        await eventually(caught_up)
        assert (await contents(documents))["cam-1"]["numbers"] == [1, 4, 7, 10]


async def test_another_stream_under_the_same_name_stops_the_projection_until_it_is_rebuilt(run: Any, documents: Documents) -> None:
    async with run(projection_of(), documents, MemoryEvents(numbered(1, 5))) as runner:
        await runner.passed(f"{LOG}:5", 5)
    told = Told()
    replaced = MemoryEvents([number_event(sequence, "new", sequence) for sequence in range(1, 8)], created_ns=2)
    async with run(projection_of(), documents, replaced, meter=told) as runner:
        await eventually(lambda: "STREAM_REPLACED" in told.reasons)
        assert (await runner.status()).stopped_reason == "STREAM_REPLACED"
        assert "new" not in await contents(documents)
        with pytest.raises(Unavailable) as refusal:
            await runner.passed(f"{LOG}:7", 5)
        assert refusal.value.reason == "VIEW_STOPPED"
        with pytest.raises(Refused):
            await runner.replay("cam-1")
        async for _ in runner.rebuild():
            pass
        await runner.passed(f"{LOG}:7", 5)
        assert {name for name in await contents(documents) if "/" not in name} == {"new"}
        assert (await runner.status()).stopped_reason == ""


async def test_a_checkpoint_past_the_last_sequence_stops_the_projection(run: Any, documents: Documents) -> None:
    async with run(projection_of(), documents, MemoryEvents(numbered(1, 5))) as runner:
        await runner.passed(f"{LOG}:5", 5)
    told = Told()
    async with run(projection_of(), documents, MemoryEvents(numbered(1, 3)), meter=told) as runner:
        await eventually(lambda: "CHECKPOINT_AHEAD" in told.reasons)
        assert (await runner.status()).stopped_reason == "CHECKPOINT_AHEAD"


async def test_events_that_aged_out_behind_the_checkpoint_are_told(run: Any, documents: Documents) -> None:
    events, told = MemoryEvents(numbered(1, 5)), Told()
    async with run(projection_of(), documents, events, meter=told) as runner:
        await runner.passed(f"{LOG}:5", 5)
    assert told.misses == 0
    events.events += numbered(6, 12)
    events.aged_out = 8
    async with run(projection_of(), documents, events, meter=told) as runner:
        await runner.passed(f"{LOG}:12", 5)
    assert told.misses == 1


async def test_the_checkpoint_moves_over_what_is_for_others_so_that_its_ageing_is_no_loss(run: Any, documents: Documents) -> None:
    others = [Recorded(LOG, sequence, "es.test.owner.somebody", {}, b"") for sequence in range(6, 20)]
    events, told = MemoryEvents(numbered(1, 5) + others), Told()
    async with run(projection_of(), documents, events, meter=told):

        async def moved() -> bool:
            saved = await documents.checkpoints("numbers")
            return LOG in saved and saved[LOG].sequence == 19

        await eventually(moved)
    events.aged_out = 15
    async with run(projection_of(), documents, events, meter=told) as runner:
        await runner.passed(f"{LOG}:19", 5)
    assert told.misses == 0


async def test_a_second_writer_makes_the_first_begin_again_at_the_saved_checkpoint(run: Any, documents: Documents) -> None:
    events, told = MemoryEvents(numbered(1, 5)), Told()
    async with run(projection_of(), documents, events, meter=told) as runner:
        await runner.passed(f"{LOG}:5", 5)
        saved = (await documents.checkpoints("numbers"))[LOG]
        await documents.apply(Changes(checkpoint=Checkpoint("numbers", LOG, 7, saved.created_ns, 0), follows=5))
        events.events += numbered(6, 9)
        await runner.passed(f"{LOG}:9", 5)
        assert "Overtaken" in told.reasons
        assert (await contents(documents))["cam-0"]["numbers"] == [3, 9]


async def test_two_runners_without_a_lease_still_give_the_recomputed_documents(run: Any, documents: Documents) -> None:
    events = MemoryEvents(numbered(1, 60))
    async with run(projection_of(), documents, events) as first, run(projection_of(), documents, events) as second:
        await first.passed(f"{LOG}:60", 10)
        await second.passed(f"{LOG}:60", 10)
    found = await contents(documents)
    assert [found[f"cam-{number}"]["numbers"] for number in range(3)] == [list(range(start, 61, 3)) for start in (3, 1, 2)]


async def test_two_logs_feed_one_document_each_with_its_own_place_in_the_guard(run: Any, documents: Documents) -> None:
    mixed = [number_event(sequence, "cam", 2 * sequence, log="es_a") for sequence in range(1, 21)]
    mixed += [number_event(sequence, "cam", 2 * sequence + 1, log="es_b") for sequence in range(1, 31)]
    reads = Projection("numbers", [Source("es_a", (SUBJECTS,)), Source("es_b", (SUBJECTS,))], [Numbers()])
    async with run(reads, documents, MemoryEvents(mixed)) as runner:
        await runner.passed("es_a:20", 5)
        await runner.passed("es_b:30", 5)
    found = (await contents(documents))["cam"]
    assert found["_seq"] == {"es_a": 20, "es_b": 30}
    assert [number for number in found["numbers"] if number % 2] == list(range(3, 62, 2))
    assert [number for number in found["numbers"] if not number % 2] == list(range(2, 41, 2))


def test_one_log_cannot_be_two_sources() -> None:
    with pytest.raises(ValueError, match="twice"):
        Projection("numbers", [Source(LOG, ("es.a.*",)), Source(LOG, ("es.b.*",))], [Numbers()])


async def test_lag_is_what_the_source_counts(run: Any, documents: Documents) -> None:
    told = Told()
    events = MemoryEvents([number_event(10 * sequence, "cam", sequence) for sequence in range(1, 22)])
    async with run(projection_of(), documents, events, meter=told) as runner:
        await runner.passed(f"{LOG}:210", 5)
        assert [each.pending for each in told.behind[:6]] == [21, 14, 14, 7, 7, 0]
        (log,) = (await runner.status()).logs
        assert (log.log, log.sequence, log.pending) == (LOG, 210, 0)


async def test_a_seed_restores_what_outlived_the_log_before_the_first_event(run: Any, documents: Documents) -> None:
    seeded = []

    async def seed(plant: Plant, *, buckets_only: bool) -> None:
        seeded.append(buckets_only)
        await plant.put("numbers", [("cam-1", "cam-1", {"numbers": [-1, 0], "last": 0})])

    for _ in range(2):  # only where there is no checkpoint yet
        async with run(projection_of(seed=seed), documents, MemoryEvents(numbered(1, 4)), clock=SettableClock()) as runner:
            await runner.passed(f"{LOG}:4", 5)
            assert (await contents(documents))["cam-1"]["numbers"] == [-1, 0, 1, 4]
    assert seeded == [False]
