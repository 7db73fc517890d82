"""One process of a pool as it tells of itself, and how it stands.

    member.<pool>.<node>    {"address", "leaving", "most", "cameras", "recording", "withheld", "bitrate_bps", "spool_bytes"}
"""
from __future__ import annotations

import logging
from dataclasses import asdict, dataclass, field

import orjson

from vonglau.broker import Entry

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Report:
    """How a member stands."""

    cameras: int = 0  # on air
    recording: int = 0  # with media in the last 60 s
    withheld: int = 0  # that it can't take, for want of room
    bitrate_bps: int = 0  # received
    spool_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Member:
    pool: str
    node: str
    address: str  # host:port of its gRPC server
    most: int  # cameras that it takes
    is_leaving: bool = False
    report: Report = field(default_factory=Report)

    @property
    def key(self) -> str:
        return f"member.{self.pool}.{self.node}"

    def encode(self) -> bytes:
        return orjson.dumps({"address": self.address, "most": self.most, "leaving": self.is_leaving, **asdict(self.report)})

    def stands_like(self, other: Member | None) -> bool:
        """But for how it is doing."""
        return other is not None and (self.address, self.most, self.is_leaving) == (other.address, other.most, other.is_leaving)


def decode(entry: Entry) -> Member | None:
    """None: it is gone, or can't be read."""
    if entry.value is None:
        return None
    _, pool, node = entry.key.split(".")
    try:
        fields = orjson.loads(entry.value)
        report = Report(**{name: int(fields[name]) for name in Report.__dataclass_fields__})
        return Member(pool, node, str(fields["address"]), int(fields["most"]), bool(fields["leaving"]), report)
    except (ValueError, TypeError, KeyError):
        logger.warning("what %s says of itself can't be read", entry.key)
        return None
