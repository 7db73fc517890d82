"""What stands in the cluster of a pool, read off whole lists: nothing is remembered from one turn to the next."""
from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from operators.ingest_fleet.pool import POOL_LABEL, Object

SPOOL = "spool"


class Upload(Enum):
    """How the Job on a left spool stands."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Present:
    """Of one pool. Pods, claims and uploads by ordinal."""

    replicas: int | None = None  # that its StatefulSet asks for; None: there is none
    ready: int = 0  # pods
    pods: frozenset[int] = frozenset()  # those that are ending too
    claims: frozenset[int] = frozenset()  # but for those that are being deleted
    uploads: Mapping[int, Upload] = field(default_factory=dict)
    generation: int = 0  # of the StatefulSet
    is_current: bool = True  # every pod is of the template that the StatefulSet has


NOTHING = Present()


def stateful_set(pool: str) -> str:
    return f"ingest-{pool}"


def pod(pool: str, ordinal: int) -> str:
    return f"{stateful_set(pool)}-{ordinal}"


def claim(pool: str, ordinal: int) -> str:
    """As the StatefulSet's controller calls it."""
    return f"{SPOOL}-{pod(pool, ordinal)}"


def upload_job(pool: str, ordinal: int) -> str:
    return f"{pod(pool, ordinal)}-upload"


@dataclass(frozen=True, slots=True)
class Listed:
    """Everything with the label of a pool, as listed."""

    sets: Iterable[Object] = ()
    pods: Iterable[Object] = ()
    claims: Iterable[Object] = ()
    jobs: Iterable[Object] = ()


def presents(listed: Listed) -> dict[str, Present]:
    """Pool -> what stands; pools of which nothing stands are not in it."""
    pods, claims = by_pool(listed.pods), by_pool(each for each in listed.claims if "deletionTimestamp" not in each["metadata"])
    jobs = by_pool(each for each in listed.jobs if "deletionTimestamp" not in each["metadata"])
    sets = {label(each): each for each in listed.sets}
    return {name: present(name, sets.get(name), pods[name], claims[name], jobs[name]) for name in {*sets, *pods, *claims, *jobs}}


def present(pool: str, child: Object | None, pods: list[Object], claims: list[Object], jobs: list[Object]) -> Present:
    status = child.get("status", {}) if child else {}
    return Present(
        replicas=child["spec"]["replicas"] if child else None,
        ready=status.get("readyReplicas", 0),
        pods=frozenset(ordinals(pods, pod(pool, 0)[:-1])),
        claims=frozenset(ordinals(claims, claim(pool, 0)[:-1])),
        uploads={ordinal: upload_of(each) for each in jobs for ordinal in ordinals([each], pod(pool, 0)[:-1], "-upload")},
        generation=child["metadata"]["generation"] if child else 0,
        is_current=child is None or is_rolled_out(child),
    )


def is_rolled_out(child: Object) -> bool:
    status = child.get("status", {})
    seen = status.get("observedGeneration", 0) >= child["metadata"]["generation"]
    return bool(seen and status.get("currentRevision") == status.get("updateRevision"))


def by_pool(objects: Iterable[Object]) -> defaultdict[str, list[Object]]:
    found: defaultdict[str, list[Object]] = defaultdict(list)
    for each in objects:
        found[label(each)].append(each)
    return found


def label(each: Object) -> str:
    return str(each["metadata"]["labels"][POOL_LABEL])


def ordinals(objects: Iterable[Object], before: str, after: str = "") -> Iterable[int]:
    pattern = re.compile(f"{re.escape(before)}([0-9]+){re.escape(after)}")
    for each in objects:
        if found := pattern.fullmatch(each["metadata"]["name"]):
            yield int(found[1])


def upload_of(job: Object) -> Upload:
    told = {each["type"] for each in job.get("status", {}).get("conditions", ()) if each["status"] == "True"}
    if "Complete" in told:
        return Upload.DONE
    return Upload.FAILED if "Failed" in told else Upload.RUNNING
