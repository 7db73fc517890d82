"""What is read of an ingest process whenever metrics are exported."""
from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from services.ingest.clocks import beyond
from services.ingest.spool import Spool
from services.ingest.standing import standing
from services.ingest.station import Station
from vonglau.registry.v1.events_pb2 import CameraClass
from vonglau.telemetry import gauge, names
from vonglau.telemetry.instruments import Reading


def observe(station: Station, spool: Spool, clock_limit_ns: int) -> None:
    def cameras() -> Iterable[Reading]:
        found = Counter((entry.session.status().state.value, CameraClass.Name(entry.listed.camera_class)) for entry in tuple(station.on_air.values()))
        return [(number, {names.STATE: state, names.CAMERA_CLASS: camera_class}) for (state, camera_class), number in found.items()]

    gauge(names.CAMERAS, cameras)
    gauge(names.CAMERAS_RECORDED, lambda: [(standing(station, spool).recording, {})])
    gauge(names.CLOCKS_OFF, lambda: [(beyond(station.clock_offsets().values(), clock_limit_ns), {})])
    gauge(names.SPOOL_BYTES, lambda: [(spool.bounds.used, {})])
    gauge(names.VIEWERS, lambda: [(sum(len(entry.audience) for entry in tuple(station.on_air.values())), {})])
