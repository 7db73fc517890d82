"""The table as it is followed: the last one that can be read stands, whatever becomes of its bucket."""
from __future__ import annotations

from typing import Any

import pytest

from services.ingest.pools.table import EMPTY, NOBODY, SlotTable
from services.ingest.pools.tables import Tables
from services.ingest.slots import SLOTS
from vonglau.broker import Entry
from vonglau.errors import LostRace

OURS, THEIRS = ("ingest-0",) * SLOTS, ("ingest-1",) * SLOTS


def entry(revision: int, holders: tuple[str, ...]) -> Entry:
    return Entry("north", SlotTable(revision, holders).encode(), revision)


async def followed(bucket: Any) -> list[SlotTable]:
    told: list[SlotTable] = []
    await Tables(bucket).follow("north", told.append)
    return told


async def test_that_there_is_no_table_is_told_once(bucket: Any) -> None:
    bucket.watched = [None]
    assert await followed(bucket) == [EMPTY]


async def test_each_table_is_told_as_it_comes(bucket: Any) -> None:
    bucket.watched = [entry(3, OURS), None, entry(4, THEIRS), None]
    assert await followed(bucket) == [SlotTable(3, OURS), SlotTable(4, THEIRS)]


async def test_where_the_bucket_is_lost_the_last_table_stands_and_the_next_one_begins_anew(bucket: Any) -> None:
    bucket.watched = [entry(3, OURS), None, None]
    assert await followed(bucket) == [SlotTable(3, OURS), SlotTable(0, OURS)]


async def test_a_table_that_cannot_be_read_changes_nothing(bucket: Any, caplog: pytest.LogCaptureFixture) -> None:
    bucket.watched = [entry(3, OURS), None, Entry("north", b"{}", 4), None]
    assert await followed(bucket) == [SlotTable(3, OURS)]
    assert "the table of north can't be read" in caplog.text


async def test_a_deleted_table_gives_the_slots_to_nobody(bucket: Any) -> None:
    bucket.watched = [entry(3, OURS), None, Entry("north", None, 4), None]
    assert (await followed(bucket))[-1] == SlotTable(4, NOBODY)


async def test_of_two_authors_one_writes(bucket: Any) -> None:
    tables = Tables(bucket)
    revision = await tables.write("north", SlotTable(0, OURS))
    with pytest.raises(LostRace):
        await tables.write("north", SlotTable(0, THEIRS))
    assert await tables.of("north") == SlotTable(revision, OURS)
    assert await tables.of("south") == EMPTY
