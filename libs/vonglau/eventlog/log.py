"""`decide`: load, fold, decide, append under the expectation that nobody wrote meanwhile; again where somebody did."""
from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from vonglau.errors import Conflict, Damaged, Poison, Unavailable, VonglauError
from vonglau.eventlog.cache import StateCache
from vonglau.eventlog.decision import Call, Command, Decision, Fold
from vonglau.eventlog.event import AggregateStream, Version
from vonglau.eventlog.headers import HeaderWriter
from vonglau.eventlog.history import History
from vonglau.eventlog.plan import Outcome, Plan
from vonglau.eventlog.port import EventStore, LostRace, OutcomeUnknown
from vonglau.eventlog.unanswered import Unanswered
from vonglau.telemetry import count
from vonglau.telemetry.names import COMMANDS_REDECIDED, ERROR_TYPE, STREAM

S = TypeVar("S")

LOST_RACE, NO_ACKNOWLEDGEMENT, STALE_READ = "LOST_RACE", "NO_ACKNOWLEDGEMENT", "STALE_READ"  # why a command is decided again


class EventLog:
    """Commands on aggregates. A command is accepted when its events are stored, and not before."""

    def __init__(self, store: EventStore, headers: HeaderWriter, *, attempts: int = 8, cached: int = 10_000) -> None:
        """attempts: how often a lost race is decided again before Conflict. cached: aggregates whose state is kept; 0: none."""
        self._store = store
        self._headers = headers
        self._attempts = attempts
        self._cache = StateCache(cached)
        self._unanswered = Unanswered(store, attempts)

    async def decide(
        self,
        stream: AggregateStream,
        fold: Fold[S],
        decision: Decision,
        *,
        call: Call,
        alongside: Sequence[tuple[AggregateStream, Fold[Any]]] = (),
    ) -> Version:
        """Apply one command; the version it brought about, or the present one where there was nothing to do.

        Raises: whatever the decision refuses with (confirmed at the stream's leader), Invalid (REQUEST_ID_REUSED),
        Conflict (LOST_RACE) after bounded tries, Unavailable (NO_ACKNOWLEDGEMENT, STALE_READ likewise; or as the store says),
        Damaged (an event of the aggregate can't be decoded).
        """
        (outcome,) = await self.decide_each([Command(stream, fold, decision, call, alongside)])
        if isinstance(outcome, VonglauError):
            raise outcome
        return outcome

    async def decide_each(self, commands: Sequence[Command[Any]]) -> list[Outcome]:
        """Apply several commands of one log in order, each seeing the ones before it, as one atomic batch.

        A refused command is an error in its place and leaves the others untouched. Raises as `decide` does for what concerns all.
        """
        why = LOST_RACE
        await self._unanswered.settle({stream for command in commands for stream in command.reads})
        for attempt in range(self._attempts):
            plan = Plan(await self._load(commands), self._headers)
            outcomes = [plan.take(command) for command in commands]
            try:
                sequences = await self._stored(plan)
            except LostRace:
                why = LOST_RACE
            except OutcomeUnknown:
                why = NO_ACKNOWLEDGEMENT
                await self._unanswered.add(plan.appends)
            else:
                if sequences is not None:
                    self._cache.keep(plan.stored(sequences))
                    return plan.outcomes(outcomes, sequences)
                why = STALE_READ
            self._cache.forget(plan.histories)
            count(COMMANDS_REDECIDED, len(commands), {STREAM: commands[0].stream.log, ERROR_TYPE: why})
            await asyncio.sleep(random.uniform(0, 0.002 * 2**attempt))  # noqa: S311 - spreads the losers of a race
        if why == NO_ACKNOWLEDGEMENT:
            raise Unavailable(why, "the log did not acknowledge; repeat the command with the same request id")
        if why == STALE_READ:
            raise Unavailable(why, "what was read stays behind what is stored; repeat the command")
        raise Conflict(why, "others kept writing to the same aggregate; decide again")

    async def load(self, stream: AggregateStream, fold: Fold[S]) -> History[S]:
        """The aggregate as it stands now, possibly from a follower. Raises: Unavailable, Damaged."""
        return (await self.load_many([stream], fold))[stream]

    async def load_many(self, streams: Iterable[AggregateStream], fold: Fold[S]) -> dict[AggregateStream, History[S]]:
        """As `load` for each, in few requests. All are of one log."""
        return await self._histories([(stream, fold) for stream in streams])

    async def _load(self, commands: Sequence[Command[Any]]) -> dict[AggregateStream, History[Any]]:
        return await self._histories([pair for command in commands for pair in ((command.stream, command.fold), *command.alongside)])

    async def _histories(self, pairs: Sequence[tuple[AggregateStream, Fold[Any]]]) -> dict[AggregateStream, History[Any]]:
        known = {stream: self._cache.get(stream, fold) or History(stream, fold) for stream, fold in dict(pairs).items()}
        if len(known) == 1:
            ((stream, history),) = known.items()
            news = {stream: await self._store.read(stream, history.sequence)}
        else:
            news = await self._store.read_many({stream: history.sequence for stream, history in known.items()})
        try:
            return {stream: history.extended(news[stream]) for stream, history in known.items()}
        except Poison as poison:
            raise Damaged(poison.reason, str(poison)) from poison

    async def _stored(self, plan: Plan) -> list[int] | None:
        """The sequences of the plan's events; None: it was decided on what is no longer so."""
        if not await self._confirmed(plan):
            return None
        return await self._store.append(plan.appends) if plan.appends else []

    async def _confirmed(self, plan: Plan) -> bool:
        """Whether what was refused or left empty was decided on the leader's last word; what is written is protected by its expectation."""
        doubtful = [plan.histories[stream] for stream in plan.unprotected]
        leader = await asyncio.gather(*(self._store.last_sequence(history.stream) for history in doubtful))
        return all(history.sequence == sequence for history, sequence in zip(doubtful, leader, strict=True))
