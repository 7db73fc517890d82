"""What an IngestPool says, as the schema of its definition has let it through."""
from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from vonglau.ingest.v1.service_pb2 import MemberCapacity, Pool, PoolSelector

Object = Mapping[str, Any]

GROUP, VERSION, KIND, PLURAL = "vonglau.vn", "v1alpha1", "IngestPool", "ingestpools"
FINALIZER = f"{GROUP}/spools"
POOL_LABEL = f"{GROUP}/pool"
MEGA, GIBI = 1_000_000, 1 << 30


@dataclass(frozen=True, slots=True)
class IngestPool:
    """One pool. What decides how many pods there are stands apart from what its pods look like."""

    name: str
    uid: str
    generation: int
    bounds: Bounds
    declared: bytes  # the ingest.v1.Pool, serialized: what ingest is told
    storage: Object
    template: Object
    is_ending: bool
    finalizers: tuple[str, ...]
    status: Object

    @property
    def said(self) -> Pool:
        return Pool.FromString(self.declared)


@dataclass(frozen=True, slots=True)
class Bounds:
    """Of how many pods there may be, and why there would be more or fewer."""

    cameras_per_pod: int
    bitrate_per_pod: int  # bit/s
    min_pods: int
    max_pods: int
    headroom: int  # % on top of what is needed
    settle_s: float  # so long must fewer pods have been enough


def pool_of(body: Object) -> IngestPool:
    """Of the resource as Kubernetes returns it: its schema has put the defaults in."""
    metadata, spec = body["metadata"], body["spec"]
    return IngestPool(
        name=metadata["name"],
        uid=metadata["uid"],
        generation=metadata["generation"],
        bounds=bounds_of(spec),
        declared=said_of(metadata["name"], spec).SerializeToString(deterministic=True),
        storage=spec["storage"],
        template=spec["template"],
        is_ending="deletionTimestamp" in metadata,
        finalizers=tuple(metadata.get("finalizers", ())),
        status=body.get("status", {}),
    )


def bounds_of(spec: Object) -> Bounds:
    return Bounds(
        cameras_per_pod=spec["camerasPerPod"],
        bitrate_per_pod=spec["bitrateMbpsPerPod"] * MEGA,
        min_pods=spec["minPods"],
        max_pods=spec["maxPods"],
        headroom=spec["headroomPercent"],
        settle_s=spec["scaleDownAfterSeconds"],
    )


def said_of(name: str, spec: Object) -> Pool:
    selector = spec.get("selector", {})
    return Pool(
        name=name,
        selector=PoolSelector(**{each: sorted(selector.get(each, ())) for each in ("owners", "sites", "zones")}),
        capacity=MemberCapacity(cameras=spec["camerasPerPod"], bitrate_bps=spec["bitrateMbpsPerPod"] * MEGA),
        pins={int(slot): member for slot, member in spec.get("pins", {}).items()},
    )


def bytes_of(size: str) -> int:
    """Of a size that the schema admits: a number of Gi or Ti."""
    return int(size[:-2]) * (GIBI if size.endswith("Gi") else 1024 * GIBI)


def digest(value: object) -> str:
    """Of anything that JSON can say, whatever the order of its keys."""
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
