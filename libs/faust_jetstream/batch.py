"""Atomic batches (ADR-50): up to 1,000 messages of one stream are stored together or not at all."""

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from .connection import API_TIMEOUT, Connection
from .errors import NotStored, Refused

MAX_BATCH = 1000


class Outgoing(NamedTuple):
    subject: str
    body: bytes
    headers: Mapping[str, str]


async def send_batch(connection: Connection, messages: Sequence[Outgoing], answer_within: float = API_TIMEOUT) -> int:
    """Store ``messages`` as one batch; returns the stream sequence of the last one (they are adjacent).

    Raises Refused when the server says no, NotStored when it cannot now, nats errors when the outcome is unknown.
    """
    batch = uuid.uuid4().hex
    last = len(messages)
    for position, message in enumerate(messages, 1):
        headers = {**message.headers, "Nats-Batch-Id": batch, "Nats-Batch-Sequence": str(position)}
        if position < last:
            await connection.nc.publish(message.subject, message.body, headers=headers)
    headers["Nats-Batch-Commit"] = "1"
    answer = json.loads((await connection.nc.request(message.subject, message.body, headers=headers, timeout=answer_within)).data)
    error = answer.get("error")
    if error is None:
        return int(answer["seq"])
    refused = Refused(int(error.get("err_code", 0)), error.get("description", "batch refused"))
    # A batch that lost its leader half-way is refused for missing messages: only a lost race is a final answer.
    if refused.lost_race:
        raise refused
    raise NotStored(f"atomic batch: {refused}")
