"""What an operator asks of a group: how far behind it is, who is in it, and where it shall read on."""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from faust.types import TP
from nats.js.errors import NoStreamResponseError, NotFoundError

from .admin import Topics
from .codec import EXPECTED, TTL
from .connection import Connection
from .offsets import Document, decode
from .places import Names


@dataclass(frozen=True, slots=True)
class Position:
    """One partition of a topic as a group sees it; ``committed`` is None before the first commit."""

    topic: str
    partition: int
    committed: int | None
    end: int
    owner: str

    @property
    def lag(self) -> int:
        """Offsets between the committed one and the end; exact where a stream holds one partition."""
        return max(0, self.end - (self.committed or 0))


async def positions(connection: Connection, names: Names) -> list[Position]:
    """Every partition that the app has ever committed, in order."""
    found = []
    info = await connection.js.stream_info(names.state_stream, subjects_filter=f"{names.state_root}.off.>")
    for subject in sorted(info.state.subjects or {}):
        topic, partition = subject.removeprefix(f"{names.state_root}.off.").split(".")
        document = decode((await connection.js.get_last_msg(names.state_stream, subject)).data or b"")
        found.append(Position(topic, int(partition), document.offset, await _end(connection, names, topic, int(partition)), document.owner))
    return found


async def _end(connection: Connection, names: Names, topic: str, partition: int) -> int:
    for stream in (f"{names.prefix.upper()}_{topic}_{partition}", f"{names.prefix.upper()}_{topic}"):
        try:
            return int((await connection.js.stream_info(stream)).state.last_seq)
        except NotFoundError:
            continue
    return 0


async def members(connection: Connection, names: Names) -> dict[str, Iterable[str]]:
    """Live workers by id, and what the plan of this generation gives each: ``topic:partition``."""
    try:
        plan = json.loads((await connection.js.get_last_msg(names.group_stream, f"{names.group_root}.plan")).data or b"{}")
    except NotFoundError:
        return {}
    return {name: [f"{topic}:{partition}" for topic, partitions in share[1] for partition in partitions] for name, share in plan["shares"].items()}


async def reset(topics: Topics, connection: Connection, topic: str, offsets: Mapping[int, int]) -> None:
    """Make the group read ``topic`` on from ``offsets``; a worker that has the partition is fenced off and takes it over again from there.

    Tables are not turned back: what is read again is counted again. Raises Conflict of the server if a worker commits at the same moment; repeat.
    """
    names = topics.names
    for partition, offset in offsets.items():
        subject = names.offset(topic, partition)
        try:
            found = await connection.js.get_last_msg(names.state_stream, subject)
            before, sequence = decode(found.data or b""), int(found.seq or 0)
        except NotFoundError:
            before, sequence = Document(None, 0, "", 0), 0
        document = Document(offset, before.generation, "operator", before.serial + 1)
        await connection.js.publish(subject, document.encode(), headers={EXPECTED: str(sequence)})
    with suppress(NoStreamResponseError):       # no worker has ever run
        await connection.js.publish(f"{names.group_root}.again", b"reset", headers={TTL: "10s"})


def tp_of(text: str) -> TP:
    """``topic:partition`` as the command line takes it; raises ValueError."""
    topic, _, partition = text.rpartition(":")
    return TP(topic, int(partition))
