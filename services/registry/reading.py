"""What a decision on a camera has to read besides the camera, so that owner, project and claims are decided on in one go."""
from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from services.registry.camera import Beside, Camera, Event
from services.registry.claim import CLAIM, Value, claim_stream, unique_values
from services.registry.owner import OWNER, owner_stream
from services.registry.project import PROJECT, project_stream
from vonglau.eventlog import AggregateStream, Decision, Fold, On
from vonglau.registry.v1.events_pb2 import CameraDetails

Decide = Callable[[Camera | None, Beside], Iterable[Event | On]]


@dataclass(frozen=True, slots=True)
class Reading:
    owner: str = ""  # empty: the decision does not ask for it
    projects: tuple[str, ...] = ()
    values: tuple[Value, ...] = ()

    @classmethod
    def between(cls, owner: str, before: CameraDetails, after: CameraDetails) -> Reading:
        """For a camera whose details go from the one to the other. owner: where it is a new one.

        Raises: Invalid (ID_MALFORMED) for a project outside the grammar.
        """
        projects = (after.project,) if after.project and after.project != before.project else ()
        return cls(owner, projects, tuple(sorted(unique_values(before) ^ unique_values(after))))

    @property
    def alongside(self) -> list[tuple[AggregateStream, Fold[Any]]]:
        return [
            *([(owner_stream(self.owner), OWNER)] if self.owner else []),
            *((project_stream(project), PROJECT) for project in self.projects),
            *((claim_stream(value), CLAIM) for value in self.values),
        ]

    def decision(self, decide: Decide) -> Decision:
        """The decision as the event log calls it: with the states alongside in their order."""
        return lambda camera, *states: decide(camera, self._beside(states))

    def _beside(self, states: tuple[Any, ...]) -> Beside:
        waiting = iter(states)
        owner = next(waiting) if self.owner else None
        projects = {project: next(waiting) for project in self.projects}
        return Beside(owner, projects, dict(zip(self.values, waiting, strict=True)))
