"""Every stream and key-value bucket of the platform, declared once and reconciled idempotently."""
from __future__ import annotations

import time
from dataclasses import replace

from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig, SubjectTransform
from nats.js.errors import BadRequestError, NotFoundError

from vonglau.broker.connection import Broker

ES_REGISTRY, ES_RECORDING, FACT_INGEST = "es_registry", "es_recording", "fact_ingest"
ACCESS_STATE, SECRETS, CLAIMS, LEASES = "access_state", "secrets", "claims", "leases"

FACT_PARTITIONS = 16
FACT_AGE_S = 7 * 24 * 3600.0  # facts are archived long before; this bounds the stream
DUPLICATES_S = 120.0
MARKER_S = 1.0  # how long an expired lease leaves its marker


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


def declared() -> list[StreamConfig]:
    return [
        record("registry"),
        record("recording"),
        facts("ingest"),
        bucket(ACCESS_STATE),
        bucket(SECRETS),
        # Epochs are sequences of this stream; starting at the clock they never fall, even after a lost bucket.
        replace(bucket(CLAIMS), first_seq=time.time_ns() // 1_000_000),
        replace(bucket(LEASES), allow_msg_ttl=True, subject_delete_marker_ttl=MARKER_S),
    ]


async def ensure(broker: Broker, replicas: int = 1) -> None:
    """Create what is missing, change what differs. Any number of processes may do this at the same time.

    Raises: nats errors naming the setting that an existing stream can't take.
    """
    for config in declared():
        await ensure_stream(broker, replace(config, num_replicas=replicas))


async def ensure_stream(broker: Broker, config: StreamConfig) -> None:
    try:
        present = (await broker.js.stream_info(str(config.name))).config
    except NotFoundError:
        try:
            await broker.js.add_stream(config)
        except BadRequestError as error:
            if error.err_code != NAME_IN_USE:  # somebody else was quicker, with a first sequence of its own
                raise
        return
    wanted = replace(config, first_seq=present.first_seq)
    if any(value != getattr(present, name) for name, value in stated(wanted).items()):
        await broker.js.update_stream(wanted)


NAME_IN_USE = 10058


def stated(config: StreamConfig) -> dict[str, object]:
    """What the declaration says; what it leaves out is the server's default."""
    return {name: value for name, value in vars(config).items() if value is not None and name not in ("first_seq", "metadata")}
