"""Every stream and key-value bucket of the platform, declared once and reconciled idempotently."""
from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from enum import Enum
from typing import TYPE_CHECKING

from nats.errors import Error
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js.api import DiscardPolicy, Placement, RetentionPolicy, StorageType, StreamConfig, SubjectTransform
from nats.js.errors import APIError, BadRequestError, NotFoundError

from vonglau.broker.codes import FULL, NAME_IN_USE
from vonglau.errors import Refused
from vonglau.settings import STREAMS_GB

if TYPE_CHECKING:
    from vonglau.broker.connection import Broker

logger = logging.getLogger(__name__)

ES_REGISTRY, ES_RECORDING, FACT_INGEST = "es_registry", "es_recording", "fact_ingest"
ACCESS_STATE, SECRETS, CLAIMS, LEASES, POOLS, SLOTS = "access_state", "secrets", "claims", "leases", "pools", "slots"

WAIT_S = 1.0
TRIES, AGAIN_S = 8, 0.25
FACT_PARTITIONS = 16
FACT_AGE_S = 7 * 24 * 3600.0  # facts are archived long before; this bounds the stream
DUPLICATES_S = 120.0
MARKER_S = 1.0  # how long an expired lease leaves its marker
GB = 1_000_000_000
# Every one has a bound, and a server has room for their sum: nats-server 2.15 tears an atomic batch that its own limit cuts, never one that a bound refuses.
SHARES = {
    "fact_ingest": 0.7, "es_registry": 0.1, "es_recording": 0.1,
    "KV_access_state": 0.02, "KV_secrets": 0.02, "KV_claims": 0.02, "KV_leases": 0.02, "KV_pools": 0.01, "KV_slots": 0.01,
}  # fmt: skip


def record(context: str) -> StreamConfig:
    """A stream of record: kept for good; nothing in it can be deleted or purged."""
    return StreamConfig(
        name=f"es_{context}",
        subjects=[f"es.{context}.>"],
        storage=StorageType.FILE,
        retention=RetentionPolicy.LIMITS,
        discard=DiscardPolicy.NEW,
        duplicate_window=DUPLICATES_S,
        deny_delete=True,
        deny_purge=True,
        allow_direct=True,
        allow_atomic=True,
    )


def facts(context: str) -> StreamConfig:
    """High-rate facts, kept for days. The server puts the partition into the subject (FNV-1a of the camera)."""
    return StreamConfig(
        name=f"fact_{context}",
        subjects=["fact.*.*"],
        storage=StorageType.FILE,
        discard=DiscardPolicy.OLD,
        max_age=FACT_AGE_S,
        duplicate_window=DUPLICATES_S,
        deny_delete=True,
        allow_direct=True,
        subject_transform=SubjectTransform("fact.*.*", f"fact.{{{{wildcard(1)}}}}.{{{{partition({FACT_PARTITIONS},2)}}}}.{{{{wildcard(2)}}}}"),
    )


def bucket(name: str) -> StreamConfig:
    """A key-value bucket as ADR-8 lays it out, history 1."""
    return StreamConfig(
        name=f"KV_{name}",
        subjects=[f"$KV.{name}.>"],
        storage=StorageType.FILE,
        discard=DiscardPolicy.NEW,
        max_msgs_per_subject=1,
        duplicate_window=DUPLICATES_S,
        allow_rollup_hdrs=True,
        deny_delete=True,
        allow_direct=True,
    )


def declared(total_gb: float = STREAMS_GB) -> list[StreamConfig]:
    """total_gb: what all of them may hold together, in 10⁹ bytes."""
    streams = [
        record("registry"),
        record("recording"),
        facts("ingest"),
        bucket(ACCESS_STATE),
        bucket(SECRETS),
        bucket(POOLS),
        bucket(SLOTS),
        # Epochs are sequences of this stream; starting at the clock they never fall, even after a lost bucket.
        replace(bucket(CLAIMS), first_seq=time.time_ns() // 1_000_000),
        replace(bucket(LEASES), allow_msg_ttl=True, subject_delete_marker_ttl=MARKER_S),
    ]
    return [replace(config, max_bytes=int(total_gb * GB * SHARES[str(config.name)])) for config in streams]


class Outcome(Enum):
    MADE = "made"
    CHANGED = "changed"
    AS_DECLARED = "as declared"


async def ensure(broker: Broker, replicas: int = 1, tags: Sequence[str] = (), total_gb: float = STREAMS_GB) -> dict[str, Outcome]:
    """Create what is missing, change what differs; by stream, what was done. Any number of processes may do this at the same time.

    tags: of the servers that hold the streams. total_gb: as `declared`. Raises: Refused (LOG_STORAGE_TOO_SMALL), nats errors naming the setting that
    an existing stream can't take.
    """
    placement = Placement(tags=list(tags)) if tags else None
    return {str(config.name): await ensure_stream(broker, replace(config, num_replicas=replicas, placement=placement)) for config in declared(total_gb)}


async def ensure_stream(broker: Broker, config: StreamConfig) -> Outcome:
    try:
        found = await broker.js.stream_info(str(config.name))
    except NotFoundError:
        await make(broker, config)
        return Outcome.MADE
    wanted = replace(config, first_seq=found.config.first_seq)
    if all(value == getattr(found.config, name) for name, value in stated(wanted).items()):
        return Outcome.AS_DECLARED
    if found.state.bytes > (config.max_bytes or 0):
        raise Refused("LOG_STORAGE_TOO_SMALL", f"{config.name} holds {found.state.bytes} bytes already; VONGLAU_STREAMS_GB gives it {config.max_bytes}")
    with room_for(config):
        await broker.js.update_stream(wanted)
    return Outcome.CHANGED


async def make(broker: Broker, config: StreamConfig) -> None:
    """Two that make it at once have its room reserved twice for a moment: who is refused looks again. Raises: as `ensure`."""
    for left in reversed(range(TRIES)):
        try:
            with room_for(config):
                await broker.js.add_stream(config)
        except BadRequestError as error:
            if error.err_code != NAME_IN_USE:  # somebody else was quicker, with a first sequence of its own
                raise
        except Refused:
            await asyncio.sleep(AGAIN_S)
            if not left and not await is_there(broker, str(config.name)):
                raise
            continue
        return


@contextmanager
def room_for(config: StreamConfig) -> Iterator[None]:
    """Raises: Refused (LOG_STORAGE_TOO_SMALL) where the server has not the room that the stream is bounded by."""
    try:
        yield
    except APIError as error:
        if error.err_code not in FULL:
            raise
        text = f"the event log's server has no room for the {config.max_bytes} bytes of {config.name}; VONGLAU_STREAMS_GB has to fit into its max_file_store"
        raise Refused("LOG_STORAGE_TOO_SMALL", f"{text}: {error.description}") from error


async def declared_elsewhere(broker: Broker, streams: Iterable[str]) -> None:
    """Wait until a job has made these: what a service may not do itself. What is missing is said once."""
    said = False
    for stream in streams:
        while not await is_there(broker, stream):
            if not said:
                logger.info("waiting for the stream %s: is the job that declares streams through?", stream)
                said = True
            await asyncio.sleep(WAIT_S)


async def is_there(broker: Broker, name: str) -> bool:
    try:
        await broker.js.stream_info(name)
    except (APIError, NatsTimeoutError, Error):
        return False
    return True


def stated(config: StreamConfig) -> dict[str, object]:
    """What the declaration says; what it leaves out is the server's default."""
    return {name: value for name, value in vars(config).items() if value is not None and name not in ("first_seq", "metadata")}
