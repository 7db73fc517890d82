"""Which cameras there are and how each is meant to be recorded, folded from registry's events as they come. Pure."""
from __future__ import annotations

from dataclasses import dataclass, replace

from vonglau.eventlog import Event, Recorded
from vonglau.registry.v1.events_pb2 import (
    CAMERA_CLASS_DEFENCE,
    CAMERA_CLASS_TRAFFIC,
    CAMERA_CLASS_UNSPECIFIED,
    STREAM_KIND_MAIN,
    CameraChanged,
    CameraClass,
    CameraDetails,
    CameraRegistered,
    CameraResumed,
    CameraRetired,
    CameraSuspended,
)

# When the spool is full, what has the higher number goes first.
SHED_ORDER: dict[CameraClass, int] = {CAMERA_CLASS_DEFENCE: 0, CAMERA_CLASS_TRAFFIC: 1}
SHED_FIRST = 2


@dataclass(frozen=True, slots=True)
class Listed:
    """One camera as ingest needs it."""

    camera: str
    owner: str
    url: str  # of the main stream, without credentials; empty: it has none
    credential: str  # reference into the secret store; empty: none
    camera_class: CameraClass
    meant_since_ns: int  # since when it is meant to record without a break
    is_meant: bool = True
    site: str = ""
    zone: str = ""
    bitrate_bps: int = 0  # as declared; 0: unknown

    @property
    def shed_priority(self) -> int:
        return SHED_ORDER.get(self.camera_class, SHED_FIRST)


def evolve(listed: Listed | None, event: Event, at_ns: int) -> Listed | None:
    """The camera after the event; None: it is not to be recorded any more. at_ns: when the event was accepted."""
    match event:
        case CameraRegistered():
            details = event.details
            place = details.place
            return Listed(
                event.camera, event.owner, main_url(details), event.credential, details.camera_class, at_ns,
                site=place.site, zone=place.zone, bitrate_bps=declared(details),
            )
        case CameraChanged() if listed is not None:
            return changed(listed, event)
        case CameraSuspended() if listed is not None:
            return replace(listed, is_meant=False)
        case CameraResumed() if listed is not None and not listed.is_meant:
            return replace(listed, is_meant=True, meant_since_ns=at_ns)
        case CameraRetired():
            return None
        case _:
            return listed


def changed(listed: Listed, event: CameraChanged) -> Listed:
    paths = {path.partition(".")[0] for path in event.changed.paths}
    place = event.details.place
    return replace(
        listed,
        url=main_url(event.details) if "streams" in paths else listed.url,
        bitrate_bps=declared(event.details) if "streams" in paths else listed.bitrate_bps,
        camera_class=event.details.camera_class if "camera_class" in paths else listed.camera_class,
        credential=event.credential if "credential" in paths else listed.credential,
        site=place.site if names(event, "place.site") else listed.site,
        zone=place.zone if names(event, "place.zone") else listed.zone,
    )


def names(event: CameraChanged, path: str) -> bool:
    """Whether the change takes over the field, by itself or with what it is part of."""
    return any(path == each or path.startswith(f"{each}.") for each in event.changed.paths)


def main_url(details: CameraDetails) -> str:
    return next((stream.url for stream in details.streams if stream.kind == STREAM_KIND_MAIN), "")


def declared(details: CameraDetails) -> int:
    """Bit/s of the main stream; 0: nobody said."""
    return next((stream.bitrate_kbps * 1000 for stream in details.streams if stream.kind == STREAM_KIND_MAIN), 0)


class Roster:
    """All cameras that are not retired, by id."""

    def __init__(self) -> None:
        self.cameras: dict[str, Listed] = {}

    def apply(self, event: Recorded) -> str:
        """The id of the camera that the event is about; a repeated event changes nothing that matters."""
        camera = event.subject.rpartition(".")[2]
        listed = evolve(self.cameras.get(camera), event.message(), round(event.time.timestamp() * 1_000_000) * 1000)
        if listed is None:
            self.cameras.pop(camera, None)
        else:
            self.cameras[camera] = listed
        return camera

    def class_of(self, camera: str) -> CameraClass:
        listed = self.cameras.get(camera)
        return listed.camera_class if listed is not None else CAMERA_CLASS_UNSPECIFIED
