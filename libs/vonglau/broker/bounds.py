"""How large a message may be."""
from __future__ import annotations

from collections.abc import Mapping

from vonglau.errors import Invalid

MESSAGE_MOST = 1_000_000  # bytes of headers and body: a server takes 1 MiB by default, and ends the connection of whoever sends more


def check_size(headers: Mapping[str, str], body: bytes) -> None:
    """Raises: Invalid (MESSAGE_TOO_LARGE)."""
    size = len(body) + sum(len(name) + len(value.encode()) + 4 for name, value in headers.items())  # each is a line `name: value`
    if size > MESSAGE_MOST:
        raise Invalid("MESSAGE_TOO_LARGE", f"what has to be stored of this is {size} bytes; one message of the log holds at most {MESSAGE_MOST}")
