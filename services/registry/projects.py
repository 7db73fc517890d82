"""The list of projects: one document each with owner, details (ProjectDetails, serialised, base64), created_us and version."""
from __future__ import annotations

import base64
from collections.abc import Collection, Iterable
from typing import cast

from services.registry.inventory import microseconds, timestamp
from vonglau.documents import Condition, Document, Documents, Index, cursor
from vonglau.eventlog import Recorded
from vonglau.registry.v1.events_pb2 import ProjectDetails, ProjectRegistered
from vonglau.registry.v1.service_pb2 import Project


class ProjectsView:
    """How events change it."""

    collection = "projects"
    indexes = (Index(("owner",)),)

    def touches(self, event: Recorded) -> Iterable[str]:
        if event.subject.startswith("es.registry.project."):
            yield event.subject.rpartition(".")[2]

    def evolve(self, document: Document | None, event: Recorded, id: str) -> Document | None:  # noqa: A002, ARG002 - the view's protocol
        match cast(ProjectRegistered, event.message()):
            case ProjectRegistered() as registered:
                return {
                    "owner": registered.owner,
                    "details": base64.b64encode(registered.details.SerializeToString(deterministic=True)).decode(),
                    "created_us": microseconds(event.time),
                    "version": f"{event.log}:{event.sequence}",
                }
        return document


class Projects:
    """How it is queried."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    async def get(self, project: str) -> Project | None:
        document = await self._documents.get(ProjectsView.collection, project)
        return shown(document) if document else None

    async def list(self, owners: Collection[str] | None, after: str, size: int) -> tuple[list[Project], str]:
        """Sorted by id, with the place where the next page begins; empty: there is none. owners: only of these; None: of all."""
        where = [] if owners is None else [Condition("owner", "in", sorted(owners))]
        found = await self._documents.find(ProjectsView.collection, *where, after=after, limit=size + 1)
        return [shown(document) for document in found[:size]], cursor(found[size - 1]) if len(found) > size else ""


def shown(document: Document) -> Project:
    return Project(
        project=document["_id"],
        owner=document["owner"],
        details=ProjectDetails.FromString(base64.b64decode(document["details"])),
        version=document["version"],
        create_time=timestamp(document["created_us"]),
    )
