"""One document per camera, day and owner whose footage was to be deleted: what a resumed job has to finish, and what verify may not miss.

    {_id: <camera>/<yyyy-mm-dd>/<owner>, camera, owner, day, confirmed, intents: [base64 of DeletionIntended], archives: [key]}
"""
from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable

from services.recording.days import day_name, day_of, day_of_name
from vonglau.documents import Document, Index
from vonglau.eventlog import Recorded
from vonglau.recording.v1.events_pb2 import DeletionConfirmed, DeletionIntended


class Deletions:
    collection = "deletions"
    indexes = (Index(("confirmed",)), Index(("camera", "day")))

    def touches(self, event: Recorded) -> Iterable[str]:
        message = event.message()
        if not isinstance(message, DeletionIntended | DeletionConfirmed):
            return ()
        return (f"{message.camera}/{day_name(day_of(message.day))}/{message.owner}",)

    def evolve(self, document: Document | None, event: Recorded, id: str) -> Document:  # noqa: A002 - the word of the domain
        message = event.message()
        if isinstance(message, DeletionIntended):
            return intended(document, id, message)
        if isinstance(message, DeletionConfirmed):
            return confirmed(document or empty(id), message.archive)
        return document or empty(id)


def empty(name: str) -> Document:
    camera, day, owner = name.split("/")
    return {"_id": name, "camera": camera, "owner": owner, "day": day_of_name(day), "confirmed": True, "archives": [], "intents": []}


def intended(document: Document | None, name: str, intent: DeletionIntended) -> Document:
    known = document or empty(name)
    return {**known, "confirmed": False, "intents": [*known["intents"], b64encode(intent.SerializeToString()).decode()]}


def confirmed(document: Document, archive: str) -> Document:
    return {**document, "confirmed": True, "archives": sorted({*document["archives"], archive})}


def intents_of(document: Document) -> list[DeletionIntended]:
    """Oldest first; only the last may be unconfirmed."""
    return [DeletionIntended.FromString(b64decode(each)) for each in document["intents"]]
