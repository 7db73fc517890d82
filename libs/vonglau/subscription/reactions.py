"""Events into reactions: a handler for each, in order per key."""
from __future__ import annotations

import asyncio
from collections.abc import Sequence

from vonglau.ending import Parts
from vonglau.errors import RetryLater
from vonglau.eventlog.event import Recorded
from vonglau.subscription.projection import Subscription
from vonglau.subscription.work import Groups, Stuck, Tries, Worked
from vonglau.telemetry import processing


class ReactionWork:
    """Calls a handler for each event; keys side by side, the events of a key one after the other."""

    def __init__(self, subscription: Subscription, *, tries: int, wait: float) -> None:
        self._subscription = subscription
        self._side_by_side = asyncio.Semaphore(subscription.concurrency)
        self._tries = tries
        self._wait = wait

    async def apply(self, groups: Groups, *, replay: bool = False) -> Worked:
        worked = Worked()
        async with Parts() as parts:
            for key, events in groups.items():
                parts.start(self._handle(key, events, worked, replay=replay))
            await parts.over()
        return worked

    async def _handle(self, key: str, events: Sequence[Recorded], worked: Worked, *, replay: bool) -> None:
        tries = Tries(self._tries, self._wait)
        async with self._side_by_side:
            for at, event in enumerate(events):
                stuck = await self._stuck(at, event, replay=replay)
                while stuck and await tries.another(key, stuck):
                    stuck = await self._stuck(at, event, replay=replay)
                if stuck:
                    worked.failed[key] = stuck.failure()
                    return

    async def _stuck(self, at: int, event: Recorded, *, replay: bool) -> Stuck | None:
        try:
            with processing(self._destination(event), event.headers, projection=self._subscription.name, replay=replay):
                await self._subscription.handler(event)
        except asyncio.CancelledError:
            if is_cancelled():
                raise
            return Stuck(at, RetryLater("what the handler waited for was cancelled"))
        except Exception as error:  # noqa: BLE001 - a handler's error must not stop the other keys; it is counted and logged with the parking
            return Stuck(at, error)
        return None

    def _destination(self, event: Recorded) -> str:
        """The subject with its ids in braces, so that it has few values."""
        return self._subscription.source.pattern_of(event.subject).replace("*", "{id}")


def is_cancelled() -> bool:
    """Whether the present task is to end, and not only what it waited for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
