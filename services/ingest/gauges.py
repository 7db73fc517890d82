"""What is read of an ingest process whenever metrics are exported."""
from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from services.ingest.clocks import beyond
from services.ingest.spool import Spool
from services.ingest.standing import standing
from services.ingest.station import Station
from vonglau.registry.v1.events_pb2 import CameraClass
from vonglau.telemetry import gauge, names
from vonglau.telemetry.instruments import Reading


def observe(station: Station, spool: Spool, clock_limit_ns: int, knows_cameras: Callable[[], bool]) -> None:
    """knows_cameras: whether the roster has all that there are; what is meant for the city is told by every process, so that none has to live for it."""
    def cameras() -> Iterable[Reading]:
        found = Counter((entry.session.status().state.value, CameraClass.Name(entry.listed.camera_class)) for entry in tuple(station.on_air.values()))
        return [(number, {names.STATE: state, names.CAMERA_CLASS: camera_class}) for (state, camera_class), number in found.items()]

    gauge(names.CAMERAS, cameras)
    gauge(names.CAMERAS_RECORDED, lambda: [(standing(station, spool).recording, {})])
    gauge(names.CAMERAS_MEANT, lambda: [(station.assignment.census.meant, {})] if knows_cameras() else [])
    gauge(names.CAMERAS_UNSELECTED, lambda: [(station.assignment.census.unselected, {})] if knows_cameras() and station.assignment.knows_pools else [])
    gauge(names.CLOCKS_OFF, lambda: [(beyond(station.clock_offsets().values(), clock_limit_ns), {})])
    gauge(names.SPOOL_BYTES, lambda: [(spool.bounds.used, {})])
    gauge(names.VIEWERS, lambda: [(sum(len(entry.audience) for entry in tuple(station.on_air.values())), {})])
