"""A camera project of an owner, with the contract that it rests on."""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from services.registry.owner import Owner
from vonglau.access import Permit
from vonglau.errors import AlreadyExists, NotFound
from vonglau.eventlog import AggregateStream, Fold, aggregate_stream
from vonglau.registry.v1.events_pb2 import ProjectDetails, ProjectRegistered
from vonglau.registry.v1.service_pb2 import RegisterProjectRequest


@dataclass(frozen=True, slots=True)
class Project:
    owner: str
    details: ProjectDetails  # a value: never changed in place


def evolve(_: Project | None, event: ProjectRegistered) -> Project:
    match event:
        case ProjectRegistered():
            return Project(event.owner, event.details)


PROJECT = Fold(evolve)


def project_stream(project: str) -> AggregateStream:
    """Raises: Invalid (ID_MALFORMED)."""
    return aggregate_stream("registry", "project", project)


def register(project: Project | None, owner: Owner | None, request: RegisterProjectRequest, permit: Permit) -> Iterable[ProjectRegistered]:
    permit.must_cover(request.owner)
    if owner is None:
        raise NotFound("owner", request.owner)
    if project is not None:
        raise AlreadyExists("PROJECT_ID_TAKEN", f"there is a project {request.project!r} already", project=request.project)
    yield ProjectRegistered(project=request.project, owner=request.owner, details=request.details)
