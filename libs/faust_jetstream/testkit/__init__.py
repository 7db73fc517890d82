"""For tests of apps that run on this transport: real servers, workers that can be hurt, and an oracle that reads what they stored."""

from .inprocess import is_ready, running
from .load import publish_events
from .oracle import TableReader, committed_offsets, lag
from .proxy import Proxy
from .servers import Cluster, Server, ServerDied, free_port
from .workers import Worker, until

__all__ = [
    "Cluster",
    "Proxy",
    "Server",
    "ServerDied",
    "TableReader",
    "Worker",
    "committed_offsets",
    "free_port",
    "is_ready",
    "lag",
    "publish_events",
    "running",
    "until",
]
