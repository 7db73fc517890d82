"""Which servers will do: an older one takes the parts of an atomic batch one by one, and keeps half a command."""
from __future__ import annotations

from nats.aio.client import Client

from vonglau.errors import Refused

OLDEST = (2, 12, 1)  # atomic batches with message ids; 2.11 brought expiring keys and batches of direct gets


def too_old(nc: Client) -> str:
    """Why the server of this connection will not do; empty: it does."""
    found = nc.connected_server_version
    version = (found.major, found.minor, found.patch)
    return "" if version >= OLDEST else f"the event log's server is nats-server {dotted(version)}; it has to be {dotted(OLDEST)} or newer"


def must_be_new_enough(nc: Client) -> None:
    """Raises: Refused (LOG_SERVER_TOO_OLD)."""
    if why := too_old(nc):
        raise Refused("LOG_SERVER_TOO_OLD", why, server=str(nc.connected_server_version))


def dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
