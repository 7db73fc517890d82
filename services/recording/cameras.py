"""One document per registered camera: who owns it, what it is for, and when it was meant to record. Fed by the registry's events.

    {_id: <camera>, owner, uses: [[since_ns, class, [purposes]]], meant: [[from_ns, to_ns or None]], registered, retired: None or ns}

Times are those of the events; between registration and retirement, what lies outside `meant` is suspended.
"""
from __future__ import annotations

from collections.abc import Iterable

from vonglau.documents import Document, Index
from vonglau.eventlog import Recorded
from vonglau.registry.v1.events_pb2 import CameraChanged, CameraRegistered, CameraResumed, CameraRetired, CameraSuspended


class Cameras:
    collection = "cameras"
    indexes = (Index(("owner",)),)

    def touches(self, event: Recorded) -> Iterable[str]:
        message = event.message()
        return (message.camera,) if isinstance(message, CameraRegistered | CameraChanged | CameraSuspended | CameraResumed | CameraRetired) else ()

    def evolve(self, document: Document | None, event: Recorded, id: str) -> Document | None:  # noqa: A002 - the word of the domain
        message, at_ns = event.message(), round(event.time.timestamp() * 1_000_000) * 1000
        if isinstance(message, CameraRegistered):
            use = [at_ns, message.details.camera_class, list(message.details.purposes)]
            return {"_id": id, "owner": message.owner, "uses": [use], "meant": [[at_ns, None]], "registered": at_ns, "retired": None}
        if document is None:
            return None
        match message:
            case CameraChanged():
                change_use(document, message, at_ns)
            case CameraSuspended():
                end_meant(document, at_ns)
            case CameraResumed() if document["meant"][-1][1] is not None:
                document["meant"].append([at_ns, None])
            case CameraRetired():
                end_meant(document, at_ns)
                document["retired"] = at_ns
        return document


def change_use(document: Document, message: CameraChanged, at_ns: int) -> None:
    if not document["uses"]:  # restored from a bucket: what it was for before is not known
        return
    _, camera_class, purposes = document["uses"][-1]
    if "camera_class" in message.changed.paths:
        camera_class = message.details.camera_class
    if "purposes" in message.changed.paths:
        purposes = list(message.details.purposes)
    if [camera_class, purposes] != document["uses"][-1][1:]:
        document["uses"].append([at_ns, camera_class, purposes])


def end_meant(document: Document, at_ns: int) -> None:
    if document["meant"][-1][1] is None:
        document["meant"][-1][1] = at_ns


def uses_during(document: Document, start_ns: int, end_ns: int) -> list[tuple[int, list[int]]]:
    """(class, purposes) in force at some time in [start, end); the first of all for what was recorded before its registration."""
    uses = document["uses"]
    ends = [*(use[0] for use in uses[1:]), None]
    found = [(use[1], use[2]) for use, end in zip(uses, ends, strict=True) if use[0] < end_ns and (end is None or end > start_ns)]
    return found or [(uses[0][1], uses[0][2])]
