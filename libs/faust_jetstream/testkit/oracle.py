"""What an app has stored, read straight from its state stream: the truth that its tables are rebuilt from."""

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from nats.js import JetStreamContext, api
from nats.js.errors import NotFoundError

from .. import codec
from ..connection import insist
from ..offsets import decode
from ..places import Names, token

PATIENCE = 20.0     # seconds that a cluster may take to elect leaders again


class TableReader:
    """The changelogs of one app."""

    def __init__(self, js: JetStreamContext, app: str, prefix: str = "faust") -> None:
        self._js = js
        self._app = app
        self._names = Names(prefix, app)

    async def table(self, name: str) -> dict[Any, Any]:
        """Keys and values of a table as a worker would recover them; JSON keys and values are decoded, window keys become tuples."""
        subject = f"{self._names.state_root}.cl.{token(f'{self._app}-{name}-changelog')}.>"
        found: dict[Any, Any] = {}
        for message in await last_messages(self._js, self._names.state_stream, subject):
            key, value, _, _ = codec.decode(message[0], message[1])
            if value is not None:
                found[_hashable(json.loads(key or b"null"))] = json.loads(value)
        return found


async def last_messages(
    js: JetStreamContext, stream: str, subject: str, *, everything: bool = False
) -> list[tuple[Mapping[str, str] | None, bytes]]:
    """Headers and body of the last message of each subject under ``subject``, or of every one, in order."""
    policy = api.DeliverPolicy.ALL if everything else api.DeliverPolicy.LAST_PER_SUBJECT
    return await insist(lambda: _read(js, stream, subject, policy), PATIENCE)


async def _read(js: JetStreamContext, stream: str, subject: str, policy: api.DeliverPolicy) -> list[tuple[Mapping[str, str] | None, bytes]]:
    config = api.ConsumerConfig(
        deliver_policy=policy, ack_policy=api.AckPolicy.NONE, filter_subject=subject, mem_storage=True, num_replicas=1, inactive_threshold=30.0
    )
    try:
        consumer = await js.add_consumer(stream, config)
    except NotFoundError:
        return []
    sub = await js.pull_subscribe_bind(consumer.name, stream)
    found: list[tuple[Mapping[str, str] | None, bytes]] = []
    left = consumer.num_pending or 0
    try:
        while left:
            for message in await sub.fetch(min(left, 1000), timeout=5):
                found.append((message.headers, message.data))
                left = message.metadata.num_pending
    finally:
        await sub.unsubscribe()
        await js.delete_consumer(stream, consumer.name)
    return found


async def committed_offsets(js: JetStreamContext, app: str, topic: str, partitions: int, prefix: str = "faust") -> dict[int, int | None]:
    """The committed offset of each partition; None where nothing was committed."""
    names = Names(prefix, app)
    offsets: dict[int, int | None] = {}
    for partition in range(partitions):
        subject = names.offset(topic, partition)
        try:
            document = decode((await insist(partial(js.get_last_msg, names.state_stream, subject), PATIENCE)).data or b"")
        except NotFoundError:
            offsets[partition] = None
        else:
            offsets[partition] = document.offset
    return offsets


async def lag(js: JetStreamContext, app: str, topic: str, partitions: int, prefix: str = "faust") -> int:
    """Messages stored in ``topic`` (layout ``partition``) that the app has not committed."""
    names = Names(prefix, app)
    behind = 0
    for partition, offset in (await committed_offsets(js, app, topic, partitions, prefix)).items():
        state = (await insist(partial(js.stream_info, f"{names.topic_stream(topic)}_{partition}"), PATIENCE)).state
        behind += state.last_seq - max(offset or 0, state.first_seq - 1 if state.messages else state.last_seq)
    return behind


def _hashable(key: Any) -> Any:
    return tuple(_hashable(part) for part in key) if isinstance(key, list) else key
