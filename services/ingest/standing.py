"""How this process stands, for its pool."""
from __future__ import annotations

from services.ingest.pools import Report
from services.ingest.session import State
from services.ingest.spool import Spool
from services.ingest.station import Station
from vonglau.ingest.v1.events_pb2 import GAP_CAUSE_QUOTA_EXCEEDED

FRESH_NS = 60_000_000_000  # media within it: the camera is recorded


def standing(station: Station, spool: Spool) -> Report:
    now_ns = station.plane.clock.now_ns()
    statuses = [entry.session.status() for entry in tuple(station.on_air.values())]
    return Report(
        cameras=len(statuses),
        recording=sum(each.recorded_until_ns is not None and now_ns - each.recorded_until_ns < FRESH_NS for each in statuses),
        withheld=sum(off.told is not None and off.told.cause == GAP_CAUSE_QUOTA_EXCEEDED for off in tuple(station.off_air.values())),
        bitrate_bps=sum(each.bitrate for each in statuses if each.state is State.RECORDING),
        spool_bytes=spool.bounds.used,
    )
