"""Footage between camera and store: bounded files on the local disk that outlive the process."""

from services.ingest.spool.bounds import SpoolFull
from services.ingest.spool.growing import GrowingSegment, SpoolFragment
from services.ingest.spool.reading import SpooledFragment, SpooledSegment
from services.ingest.spool.recovery import Recovered, recover
from services.ingest.spool.spool import Spool, SpoolListener

__all__ = ["GrowingSegment", "Recovered", "Spool", "SpoolFragment", "SpoolFull", "SpoolListener", "SpooledFragment", "SpooledSegment", "recover"]
