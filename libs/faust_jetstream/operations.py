"""What an operator asks of a group: how far behind it is, who is in it, and where it shall read on."""

import json
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from faust.types import TP
from nats.js.errors import NoStreamResponseError, NotFoundError

from .admin import Topics
from .codec import EXPECTED, TTL
from .connection import Connection
from .errors import Unknown
from .offsets import Document, decode
from .places import Names, Place, text_of


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


async def positions(topics: Topics, connection: Connection) -> list[Position]:
    """Every partition that the app has ever committed, in order. Raises Unknown."""
    names = topics.names
    try:
        info = await connection.js.stream_info(names.state_stream, subjects_filter=f"{names.state_root}.off.>")
    except NotFoundError:
        raise Unknown(await _no_such_app(connection, names)) from None
    places: dict[str, Place | None] = {}
    found = []
    for subject in sorted(info.state.subjects or {}):
        encoded, number = subject.removeprefix(f"{names.state_root}.off.").split(".")
        topic, partition = text_of(encoded), int(number)
        if topic not in places:
            places[topic] = await topics.find(topic)
        place = places[topic]
        document = decode((await connection.js.get_last_msg(names.state_stream, subject)).data or b"")
        end = (await topics.bounds_of(place, partition))[1] if place else 0
        found.append(Position(topic, partition, document.offset, end, document.owner))
    return found


async def _no_such_app(connection: Connection, names: Names) -> str:
    known = {(stream.config.metadata or {}).get("faust.app") for stream in await connection.js.streams_info()} - {None}
    return f"no app {names.app!r} has run here with prefix {names.prefix!r}; apps that have: {', '.join(sorted(map(str, known))) or 'none'}"


async def members(connection: Connection, names: Names) -> dict[str, Iterable[str]]:
    """Live workers by id, and what the plan of this generation gives each: ``topic:partition``."""
    try:
        plan = json.loads((await connection.js.get_last_msg(names.group_stream, f"{names.group_root}.plan")).data or b"{}")
    except NotFoundError:
        return {}
    return {name: [f"{topic}:{partition}" for topic, partitions in share[1] for partition in partitions] for name, share in plan["shares"].items()}


async def reset(topics: Topics, connection: Connection, topic: str, offsets: Mapping[int, int]) -> None:
    """Make the group read ``topic`` on from ``offsets``; a worker that has the partition is fenced off and takes it over again from there.

    Tables are not turned back: what is read again is counted again. Raises Unknown, and APIError if a worker commits at the same moment: repeat it.
    """
    names = topics.names
    place = await topics.find(topic)
    if place is None or not all(partition < place.partitions for partition in offsets):
        known = sorted({f"{at.topic}:{at.partition}" for at in await positions(topics, connection)})
        raise Unknown(f"no such partition of {topic!r}; this app reads {', '.join(known)}")
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


def target_of(text: str) -> tuple[TP, int]:
    """``topic:partition=offset`` as the command line takes it; raises ValueError."""
    found = re.fullmatch(r"(.+):(\d+)=(\d+)", text)
    if found is None:
        raise ValueError(f"{text!r}: give TOPIC:PARTITION=OFFSET, such as orders:0=1200")
    return TP(found[1], int(found[2])), int(found[3])
