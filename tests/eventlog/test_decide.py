"""A command is applied once, on the newest state, or refused for a true reason."""
from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vonglau.errors import AlreadyExists, Conflict, Damaged, Invalid, Refused, Unavailable
from vonglau.eventlog import (
    AggregateStream,
    Append,
    Call,
    Command,
    Event,
    EventLog,
    EventStore,
    Fold,
    HeaderWriter,
    LostRace,
    MemoryStore,
    OutcomeUnknown,
    Recorded,
    Version,
    aggregate_stream,
    on,
)
from vonglau.eventlog.decision import On
from vonglau.registry.v1.events_pb2 import OwnerRegistered, OwnerRenamed, ValueClaimed, ValueReleased
from vonglau.testing.clock import SettableClock

WARD = aggregate_stream("registry", "owner", "ward-1")
CLAIM = aggregate_stream("registry", "claim", "c0ffee")
CALL = Call(actor="person:local", method="RenameOwner", request_id="r1", body="b1")


def evolve(_: str | None, event: Event) -> str:
    assert isinstance(event, OwnerRegistered | OwnerRenamed)
    return event.display_name


def evolve_claim(_: str | None, event: Event) -> str:
    return event.camera if isinstance(event, ValueClaimed) else ""


OWNER, HOLDER = Fold(evolve), Fold(evolve_claim)


def register(name: str | None, to: str = "Tây Hồ") -> Iterable[Event]:
    if name is not None:
        raise AlreadyExists("OWNER_EXISTS", "it is there already")
    yield OwnerRegistered(owner="ward-1", display_name=to)


def rename(name: str | None, to: str) -> Iterable[Event]:
    if name is None:
        raise Refused("OWNER_MISSING", "register it first")
    if name != to:
        yield OwnerRenamed(owner="ward-1", display_name=to)


def take(_: str | None, holder: str | None, camera: str) -> Iterable[Event | On]:
    if holder:
        raise AlreadyExists("TAKEN", "somebody has it")
    yield OwnerRenamed(owner="ward-1", display_name=camera)
    yield on(CLAIM, ValueClaimed(camera=camera))


def log_on(store: EventStore, **options: int) -> EventLog:
    return EventLog(store, HeaderWriter("/vonglau/test/registry", SettableClock()), **options)


class Interposed:
    """A store of which a test spoils single calls."""

    def __init__(self, store: EventStore) -> None:
        self.inner = store
        self.lose_acknowledgements = 0
        self.before_append: list[Append] = []
        self.stale: dict[AggregateStream, list[Recorded]] = {}

    async def read(self, stream: AggregateStream, after: int = 0) -> list[Recorded]:
        if stream in self.stale:
            return self.stale.pop(stream)
        return await self.inner.read(stream, after)

    async def read_many(self, after: Mapping[AggregateStream, int]) -> dict[AggregateStream, list[Recorded]]:
        return await self.inner.read_many(after)

    async def last_sequence(self, stream: AggregateStream) -> int:
        return await self.inner.last_sequence(stream)

    async def append(self, events: Sequence[Append]) -> list[int]:
        if self.before_append:
            await self.inner.append([self.before_append.pop()])
        sequences = await self.inner.append(events)
        if self.lose_acknowledgements:
            self.lose_acknowledgements -= 1
            raise OutcomeUnknown
        return sequences


def stored(expected: int, event: Event) -> Append:
    return Append(WARD, expected, {"ce-type": event.DESCRIPTOR.full_name}, event.SerializeToString())


async def names(store: EventStore) -> list[str]:
    return [str(getattr(event.message(), "display_name", "")) for event in await store.read(WARD)]


async def test_a_command_writes_its_events_with_who_and_when(store: EventStore) -> None:
    version = await log_on(store).decide(WARD, OWNER, register, call=CALL)
    (event,) = await store.read(WARD)
    assert version == Version("es_registry", event.sequence)
    assert event.headers["ce-type"] == "vonglau.registry.v1.OwnerRegistered"
    assert event.headers["ce-time"] == "2026-01-01T00:00:00.000000+00:00"
    assert (event.headers["ce-subject"], event.headers["vl-actor"], event.headers["vl-position"]) == ("ward-1", "person:local", "1")


async def test_nothing_to_do_writes_nothing_and_answers_with_the_present_version(store: EventStore) -> None:
    log = log_on(store)
    version = await log.decide(WARD, OWNER, register, call=Call("person:a"))
    assert await log.decide(WARD, OWNER, partial(rename, to="Tây Hồ"), call=Call("person:a")) == version
    assert len(await store.read(WARD)) == 1


async def test_a_repeated_command_is_answered_the_same_and_applied_once(store: EventStore) -> None:
    log = log_on(store)
    first = await log.decide(WARD, OWNER, register, call=CALL)
    await log.decide(WARD, OWNER, partial(rename, to="Ba Đình"), call=Call("person:b"))
    assert await log_on(store).decide(WARD, OWNER, register, call=CALL) == first
    assert await log.decide(WARD, OWNER, register, call=CALL) == first
    assert await names(store) == ["Tây Hồ", "Ba Đình"]


async def test_a_request_id_used_for_another_request_is_refused(store: EventStore) -> None:
    log = log_on(store)
    await log.decide(WARD, OWNER, register, call=CALL)
    with pytest.raises(Invalid) as refusal:
        await log.decide(WARD, OWNER, register, call=Call(CALL.actor, CALL.method, CALL.request_id, body="another"))
    assert refusal.value.reason == "REQUEST_ID_REUSED"


async def test_another_caller_may_use_the_same_request_id(store: EventStore) -> None:
    log = log_on(store)
    await log.decide(WARD, OWNER, register, call=CALL)
    await log.decide(WARD, OWNER, partial(rename, to="Ba Đình"), call=Call("person:other", CALL.method, CALL.request_id, "other"))
    assert await names(store) == ["Tây Hồ", "Ba Đình"]


async def test_a_command_whose_acknowledgement_is_lost_is_applied_once(store: EventStore) -> None:
    lossy = Interposed(store)
    lossy.lose_acknowledgements = 1
    version = await log_on(lossy).decide(WARD, OWNER, register, call=CALL)
    (event,) = await store.read(WARD)
    assert version.sequence == event.sequence


async def test_without_any_acknowledgement_the_caller_is_told_to_repeat(store: EventStore) -> None:
    class Silent(Interposed):
        async def append(self, events: Sequence[Append]) -> list[int]:
            raise OutcomeUnknown

    with pytest.raises(Unavailable) as refusal:
        await log_on(Silent(store), attempts=2).decide(WARD, OWNER, register, call=CALL)
    assert refusal.value.reason == "NO_ACKNOWLEDGEMENT"


async def test_a_raced_command_is_decided_again_on_the_new_state(store: EventStore) -> None:
    raced = Interposed(store)
    log = log_on(raced)
    (first,) = await store.append([stored(0, OwnerRegistered(display_name="one"))])
    raced.before_append = [stored(first, OwnerRenamed(display_name="two"))]
    seen: list[str | None] = []

    def decision(name: str | None) -> Iterable[Event]:
        seen.append(name)
        yield OwnerRenamed(display_name="three")

    await log.decide(WARD, OWNER, decision, call=Call("person:a"))
    assert seen == ["one", "two"]
    assert await names(store) == ["one", "two", "three"]


async def test_a_command_that_loses_every_race_ends_as_a_conflict(store: EventStore) -> None:
    class Lost(Interposed):
        async def append(self, events: Sequence[Append]) -> list[int]:
            raise LostRace

    with pytest.raises(Conflict):
        await log_on(Lost(store), attempts=3).decide(WARD, OWNER, register, call=CALL)


async def test_a_refusal_on_a_stale_follower_is_not_told_to_the_caller(store: EventStore) -> None:
    behind = Interposed(store)
    await log_on(store).decide(WARD, OWNER, register, call=Call("person:a"))
    behind.stale = {WARD: []}  # the follower has not seen the registration yet
    await log_on(behind).decide(WARD, OWNER, partial(rename, to="Ba Đình"), call=Call("person:a"))
    assert await names(store) == ["Tây Hồ", "Ba Đình"]


async def test_a_follower_that_stays_behind_is_waited_for_and_then_told_as_away(store: EventStore) -> None:
    class Behind(Interposed):
        reads = 0

        async def read(self, stream: AggregateStream, after: int = 0) -> list[Recorded]:
            self.reads += 1
            return []

    behind = Behind(store)
    await log_on(store).decide(WARD, OWNER, register, call=Call("person:a"))
    with pytest.raises(Unavailable) as refusal:
        await log_on(behind, attempts=3).decide(WARD, OWNER, partial(rename, to="Ba Đình"), call=Call("person:a"))
    assert (refusal.value.reason, behind.reads) == ("STALE_READ", 3)


async def test_commands_that_are_decided_again_are_counted_by_their_log_and_why(exported: Any, store: EventStore) -> None:
    raced = Interposed(store)
    raced.before_append = [stored(0, OwnerRegistered(display_name="one"))]
    await log_on(raced).decide(WARD, OWNER, lambda _: [OwnerRenamed(display_name="two")], call=Call("person:a"))
    assert exported.labels("vonglau.eventlog.redecided") == [{"vonglau.stream": "es_registry", "error.type": "LOST_RACE"}]
    assert exported.value("vonglau.eventlog.redecided") == 1


async def test_a_command_that_is_stored_at_once_is_not_counted_as_decided_again(exported: Any, store: EventStore) -> None:
    await log_on(store).decide(WARD, OWNER, register, call=CALL)
    assert exported.points("vonglau.eventlog.redecided") == []


async def test_many_aggregates_are_loaded_each_as_it_stands(store: EventStore) -> None:
    log, ward_2, ward_3 = log_on(store), *(aggregate_stream("registry", "owner", f"ward-{number}") for number in (2, 3))
    await log.decide(WARD, OWNER, register, call=CALL)
    await log.decide(WARD, OWNER, partial(rename, to="Ba Đình"), call=Call("person:b"))
    await log.decide(ward_2, OWNER, partial(register, to="Đống Đa"), call=CALL)
    loaded = await log.load_many([WARD, ward_2, ward_3], OWNER)
    assert {stream: history.state for stream, history in loaded.items()} == {WARD: "Ba Đình", ward_2: "Đống Đa", ward_3: None}
    assert loaded[WARD].position == 2
    assert await log.load_many([], OWNER) == {}


async def test_events_of_two_aggregates_are_stored_together(store: EventStore) -> None:
    version = await log_on(store).decide(WARD, OWNER, partial(take, camera="cam-1"), call=CALL, alongside=[(CLAIM, HOLDER)])
    (renamed,), (claimed,) = await store.read(WARD), await store.read(CLAIM)
    assert (version.sequence, claimed.sequence) == (renamed.sequence, renamed.sequence + 1)


async def test_what_another_holds_is_refused_and_nothing_half_is_written(store: EventStore) -> None:
    log = log_on(store)
    await log.decide(WARD, OWNER, partial(take, camera="cam-1"), call=Call("person:a"), alongside=[(CLAIM, HOLDER)])
    other = aggregate_stream("registry", "owner", "ward-2")
    with pytest.raises(AlreadyExists):
        await log.decide(other, OWNER, partial(take, camera="cam-2"), call=Call("person:a"), alongside=[(CLAIM, HOLDER)])
    assert await store.read(other) == []


async def test_a_released_value_can_be_claimed_again(store: EventStore) -> None:
    log = log_on(store)
    await log.decide(WARD, OWNER, partial(take, camera="cam-1"), call=Call("person:a"), alongside=[(CLAIM, HOLDER)])
    await log.decide(CLAIM, HOLDER, lambda _: [ValueReleased(camera="cam-1")], call=Call("person:a"))
    await log.decide(WARD, OWNER, partial(take, camera="cam-2"), call=Call("person:a"), alongside=[(CLAIM, HOLDER)])
    assert (await log.load(CLAIM, HOLDER)).state == "cam-2"


async def test_of_two_racing_claims_one_wins(store: EventStore) -> None:
    streams = [aggregate_stream("registry", "owner", f"ward-{number}") for number in range(6)]
    outcomes = await asyncio.gather(
        *(log_on(store).decide(stream, OWNER, partial(take, camera="cam"), call=Call("person:a"), alongside=[(CLAIM, HOLDER)]) for stream in streams),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, Version) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, AlreadyExists) for outcome in outcomes) == 5


async def test_commands_of_one_batch_see_each_other_and_a_refused_one_leaves_the_rest(store: EventStore) -> None:
    commands = [
        Command(WARD, OWNER, partial(rename, to="too early"), Call("person:a")),
        Command(WARD, OWNER, register, Call("person:a")),
        Command(WARD, OWNER, register, Call("person:a")),
        Command(WARD, OWNER, partial(rename, to="Ba Đình"), Call("person:a")),
        Command(WARD, OWNER, partial(rename, to="Ba Đình"), Call("person:a")),
    ]
    outcomes = await log_on(store).decide_each(commands)
    assert [getattr(outcome, "reason", "") for outcome in outcomes] == ["OWNER_MISSING", "", "OWNER_EXISTS", "", ""]
    assert await names(store) == ["Tây Hồ", "Ba Đình"]
    assert outcomes[1] == outcomes[3] == outcomes[4] == Version("es_registry", await store.last_sequence(WARD))


async def test_a_request_that_comes_twice_in_one_batch_is_applied_once_and_answered_the_same(store: EventStore) -> None:
    again = Call("person:a", "RenameOwner", "r2", "b2")
    commands = [
        Command(WARD, OWNER, register, CALL),
        Command(WARD, OWNER, register, CALL),
        Command(WARD, OWNER, partial(rename, to="Ba Đình"), again),
        Command(WARD, OWNER, partial(rename, to="Đống Đa"), Call("person:a")),
        Command(WARD, OWNER, partial(rename, to="Ba Đình"), again),
    ]
    outcomes = await log_on(store).decide_each(commands)
    assert await names(store) == ["Tây Hồ", "Ba Đình", "Đống Đa"]
    assert set(outcomes) == {Version("es_registry", await store.last_sequence(WARD))}


async def test_a_request_id_that_comes_again_in_one_batch_with_another_body_is_refused_and_the_rest_stands(store: EventStore) -> None:
    other = Call(CALL.actor, CALL.method, CALL.request_id, "b2")
    outcomes = await log_on(store).decide_each([Command(WARD, OWNER, register, CALL), Command(WARD, OWNER, partial(rename, to="Ba Đình"), other)])
    assert [getattr(outcome, "reason", "") for outcome in outcomes] == ["", "REQUEST_ID_REUSED"]
    assert await names(store) == ["Tây Hồ"]


async def test_a_request_that_was_refused_is_decided_again_where_it_comes_again(store: EventStore) -> None:
    renaming = Command(WARD, OWNER, partial(rename, to="Ba Đình"), Call("person:a", "RenameOwner", "r2", "b2"))
    outcomes = await log_on(store).decide_each([renaming, Command(WARD, OWNER, register, CALL), renaming])
    assert [getattr(outcome, "reason", "") for outcome in outcomes] == ["OWNER_MISSING", "", ""]
    assert await names(store) == ["Tây Hồ", "Ba Đình"]


@settings(max_examples=50)
@given(st.lists(st.tuples(st.sampled_from(["", "Tây Hồ", "Ba Đình", "Đống Đa"]), st.integers(0, 3)), max_size=8), st.booleans())
def test_a_batch_leaves_what_its_commands_leave_one_after_another(asked: list[tuple[str, int]], with_bodies: bool) -> None:
    def command(to: str, request: int) -> Command[str]:
        call = Call("person:a", "RenameOwner", f"r{request}" if request else "", to if with_bodies else "")
        return Command(WARD, OWNER, partial(rename, to=to) if to else register, call)

    async def left(*, at_once: bool) -> tuple[list[str], list[str]]:
        store = MemoryStore()
        log = log_on(store)
        commands = [command(*each) for each in asked]
        outcomes = [outcome for group in ([commands] if at_once else [[each] for each in commands]) for outcome in await log.decide_each(group)]
        return await names(store), [getattr(outcome, "reason", "") for outcome in outcomes]

    if asked:
        assert asyncio.run(left(at_once=True)) == asyncio.run(left(at_once=False))


@pytest.mark.parametrize("cached", [0, 2, 1000])
async def test_the_cache_changes_nothing(store: EventStore, cached: int) -> None:
    log, other = log_on(store, cached=cached), log_on(store, cached=0)
    await log.decide(WARD, OWNER, register, call=CALL)
    for number in range(5):
        await other.decide(WARD, OWNER, partial(rename, to=f"other {number}"), call=Call("person:b"))
        await log.decide(WARD, OWNER, partial(rename, to=f"own {number}"), call=Call("person:a"))
    assert (await log.load(WARD, OWNER)).state == "own 4"
    assert len(await store.read(WARD)) == 11


async def test_an_aggregate_that_cannot_be_decoded_takes_no_commands(store: EventStore) -> None:
    await store.append([Append(WARD, 0, {"ce-type": "vonglau.registry.v1.OwnerRegistered"}, b"\xff\xff")])
    with pytest.raises(Damaged) as refusal:
        await log_on(store).decide(WARD, OWNER, register, call=CALL)
    assert refusal.value.reason == "EVENT_UNDECODABLE"


def test_an_id_outside_the_grammar_names_no_aggregate() -> None:
    for name in ("", "ab", "-abc", "Abc", "a.b", "a b c", "a" * 41, "thì", "abc\n", "*", ">"):
        with pytest.raises(Invalid):
            aggregate_stream("registry", "owner", name)


def test_a_version_reads_back_as_it_was_written() -> None:
    assert Version.parse(str(Version("es_registry", 17))) == Version("es_registry", 17)
    for text in ("", "17", ":17", "es_registry:", "es_registry:-1", "es_registry:x"):
        with pytest.raises(Invalid):
            Version.parse(text)


def test_ids_derived_from_a_request_repeat_with_it() -> None:
    assert CALL.derived_id("cam") == CALL.derived_id("cam")
    assert CALL.derived_id("cam") != Call("person:other", CALL.method, CALL.request_id).derived_id("cam")


async def test_event_ids_are_uuids_of_version_7_in_the_order_of_time() -> None:
    clock, store = SettableClock(), MemoryStore()
    log = EventLog(store, HeaderWriter("/vonglau/test/registry", clock))
    await log.decide(WARD, OWNER, register, call=CALL)
    clock.advance(1)
    await log.decide(WARD, OWNER, partial(rename, to="Ba Đình"), call=Call("person:a"))
    first, second = (event.headers["ce-id"] for event in store.events)
    assert first < second
    assert first[14] == second[14] == "7"
