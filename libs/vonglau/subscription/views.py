"""Events into documents: evolved in memory, one read and one set of writes for a batch."""
from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from vonglau.documents import Document, Documents, Write, building
from vonglau.errors import Poison
from vonglau.eventlog.event import Recorded
from vonglau.subscription.projection import Projection, View
from vonglau.subscription.work import Groups, Stuck, Tries, Worked


class Target(NamedTuple):
    view: View
    collection: str
    id: str


@dataclass(slots=True)
class Working:
    """A document on its way through a batch."""

    document: Document | None
    base: Mapping[str, int]
    key: str
    sequence: int = 0  # of the last event that changed it here; 0: none


States = Mapping[tuple[str, str], Working]
Planned = list[tuple[Recorded, list[Target] | Exception]]


class ViewWork:
    """Evolves documents in memory; one read for a batch, and writes for one commit."""

    def __init__(self, projection: Projection, documents: Documents, *, in_rebuild: bool, tries: int, wait: float) -> None:
        self._documents = documents
        self._views = [(view, building(view.collection) if in_rebuild else view.collection) for view in projection.views]
        self._tries = tries
        self._wait = wait

    async def apply(self, groups: Groups, *, replay: bool = False) -> Worked:  # noqa: ARG002 - documents are the same either way
        worked, tries = Worked(), Tries(self._tries, self._wait)
        planned = {key: [(event, self._targets(event)) for event in events] for key, events in groups.items()}
        while planned:
            states = await self._read(planned)
            again: dict[str, Planned] = {}
            for key, plan in planned.items():
                try:
                    worked.writes += evolved(key, plan, states)
                except Stuck as stuck:
                    again[key] = plan
                    if not await tries.another(key, stuck):
                        worked.failed[key] = stuck.failure()
                        again[key] = plan[: stuck.at]  # documents may be half changed: the good events once more, on fresh ones
            planned = again
        return worked

    def _targets(self, event: Recorded) -> list[Target] | Exception:
        try:
            return [Target(view, collection, name) for view, collection in self._views for name in view.touches(event)]
        except Exception as error:  # noqa: BLE001 - raised again where the event's turn comes
            return error

    async def _read(self, planned: Mapping[str, Planned]) -> States:
        wanted: defaultdict[str, set[str]] = defaultdict(set)
        keys: dict[tuple[str, str], str] = {}
        for key, plan in planned.items():
            for _, targets in plan:
                for target in targets if isinstance(targets, list) else ():
                    wanted[target.collection].add(target.id)
                    keys.setdefault((target.collection, target.id), key)
        states = {name: Working(None, {}, key) for name, key in keys.items()}
        for collection, ids in wanted.items():
            for name, stored in (await self._documents.read(collection, ids)).items():
                states[collection, name] = Working(stored.document, stored.guard, stored.key)
        return states


def evolved(key: str, plan: Planned, states: States) -> list[Write]:
    """The documents of one key after its events.

    Raises: Stuck.
    """
    touched: dict[tuple[str, str], Working] = {}
    for at, (event, targets) in enumerate(plan):
        if isinstance(targets, Exception):
            raise Stuck(at, targets)
        try:
            for target in targets:
                working = states[target.collection, target.id]
                if evolve(working, event, target, key):
                    touched[target.collection, target.id] = working
        except Exception as error:
            raise Stuck(at, error) from error
    log = plan[0][0].log if plan else ""
    return [Write(collection, name, working.document, log, working.sequence, working.base, key) for (collection, name), working in touched.items()]


def evolve(working: Working, event: Recorded, target: Target, key: str) -> bool:
    """Whether the document is to be written. An event that is in it already changes nothing."""
    if working.base.get(event.log, 0) >= event.sequence:
        return False
    if working.key != key:
        raise Poison("DOCUMENT_OF_TWO_KEYS", f"{target.collection}/{target.id} belongs to {working.key}, and {key} would change it too")
    working.document = target.view.evolve(working.document, event, target.id)
    working.sequence = event.sequence
    return working.document is not None or bool(working.base)
