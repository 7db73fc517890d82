"""The list of owners: one document each with display_name, administrators, created_us and version."""
from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import cast

from services.registry import owner as aggregate
from services.registry.inventory import microseconds, timestamp
from vonglau.documents import Condition, Document, Documents, cursor
from vonglau.eventlog import Recorded
from vonglau.registry.v1.service_pb2 import Owner


class OwnersView:
    """How events change it."""

    collection = "owners"
    indexes = ()

    def touches(self, event: Recorded) -> Iterable[str]:
        if event.subject.startswith("es.registry.owner."):
            yield event.subject.rpartition(".")[2]

    def evolve(self, document: Document | None, event: Recorded, id: str) -> Document:  # noqa: A002, ARG002 - the view's protocol
        before = document and aggregate.Owner(document["display_name"], frozenset(document["administrators"]))
        after = aggregate.evolve(before or None, cast(aggregate.Event, event.message()))
        created_us = document["created_us"] if document else microseconds(event.time)
        administrators = sorted(after.administrators)
        return {
            "display_name": after.display_name,
            "administrators": administrators,
            "created_us": created_us,
            "version": f"{event.log}:{event.sequence}",
        }


class Owners:
    """How it is queried."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    async def get(self, owner: str) -> Owner | None:
        document = await self._documents.get(OwnersView.collection, owner)
        return shown(document) if document else None

    async def list(self, owners: Collection[str] | None, after: str, size: int) -> tuple[list[Owner], str]:
        """Sorted by id, with the place where the next page begins; empty: there is none. owners: only these; None: all."""
        where = [] if owners is None else [Condition("_id", "in", sorted(owners))]
        found = await self._documents.find(OwnersView.collection, *where, after=after, limit=size + 1)
        return [shown(document) for document in found[:size]], cursor(found[size - 1]) if len(found) > size else ""


def shown(document: Document) -> Owner:
    return Owner(
        owner=document["_id"],
        display_name=document["display_name"],
        administrators=document["administrators"],
        version=document["version"],
        create_time=timestamp(document["created_us"]),
    )
