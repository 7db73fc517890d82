"""One document per camera, day and owner whose footage was to be deleted: what a resumed job has to finish, and what verify may not miss.

    {_id: <camera>/<yyyy-mm-dd>/<owner>, camera, owner, day, confirmed, intent: base64 of the newest DeletionIntended, archives: [key]}
"""
from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable

from services.recording.days import day_name, day_of
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
        camera, _, owner = id.split("/")
        known = document or {"_id": id, "camera": camera, "owner": owner, "archives": [], "intent": ""}
        if isinstance(message, DeletionIntended):
            return {**known, "day": day_of(message.day), "confirmed": False, "intent": b64encode(message.SerializeToString()).decode()}
        if isinstance(message, DeletionConfirmed):
            known["archives"] = sorted({*known["archives"], message.archive})
            return {**known, "day": day_of(message.day), "confirmed": True}
        return known


def intent_of(document: Document) -> DeletionIntended:
    return DeletionIntended.FromString(b64decode(document["intent"]))
