"""What is written of a pool: its status, where it says something new, and events for conditions that turned."""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from operators.ingest_fleet.conditions import ABNORMAL, Condition, is_bad, turned, written
from operators.ingest_fleet.plan import Demand, Plan
from operators.ingest_fleet.pool import GROUP, KIND, MEGA, POOL_LABEL, VERSION, IngestPool
from operators.ingest_fleet.present import Present

Manifest = dict[str, Any]


def status_of(pool: IngestPool, demand: Demand | None, present: Present, plan: Plan, found: Iterable[Condition], now: str) -> Manifest:
    """Figures of a demand that is not known stay as they were; now: RFC 3339."""
    figures = figures_of(demand) if demand else {name: pool.status[name] for name in ("cameras", "bitrateMbps") if name in pool.status}
    return {
        "observedGeneration": pool.generation,
        "pods": plan.replicas,
        "readyPods": present.ready,
        "selector": f"{POOL_LABEL}={pool.name}",
        "spoolsLeft": len(plan.left),
        **figures,
        "conditions": written(found, pool.status.get("conditions", ()), pool.generation, now),
    }


def figures_of(demand: Demand) -> Manifest:
    cameras = {
        "selected": demand.cameras, "recording": demand.recording, "unassigned": demand.unassigned,
        "elsewhere": demand.overlapping_cameras, "unselected": demand.unselected,
    }  # fmt: skip
    return {"cameras": cameras, "bitrateMbps": demand.bitrate // MEGA}


def is_news(status: Manifest, before: Mapping[str, Any]) -> bool:
    """Whether it has to be written at once: anything but figures, which move all the time."""
    return without_figures(status) != without_figures(before)


def without_figures(status: Mapping[str, Any]) -> Manifest:
    plain = {name: value for name, value in status.items() if name not in ("cameras", "bitrateMbps")}
    plain["conditions"] = [{**each, "message": ""} if each["type"] in ("Ready", "CamerasUnassigned") else each for each in status.get("conditions", ())]
    return plain


def events_of(pool: IngestPool, present: Present, plan: Plan, found: Iterable[Condition]) -> list[tuple[str, str, str]]:
    """Type, reason, message of each."""
    news = [each for each in turned(found, pool.status.get("conditions", ())) if each.type != "Reconciling"]
    said = [("Warning" if is_bad(each) else "Normal", called(each), each.message or each.reason) for each in news]
    if present.replicas != plan.replicas:
        said.append(("Normal", "Scaled", f"{present.replicas or 0} → {plan.replicas} pods"))
    return said


def called(condition: Condition) -> str:
    """The reason of its event."""
    if condition.type not in ABNORMAL:
        return condition.reason
    return condition.type if condition.holds else f"{condition.type}Over"


def event(pool: IngestPool, namespace: str, kind: str, reason: str, message: str, now: str) -> Manifest:
    return {
        "apiVersion": "v1", "kind": "Event", "metadata": {"generateName": f"{pool.name}-"}, "type": kind, "reason": reason, "message": message[:1000],
        "involvedObject": {"apiVersion": f"{GROUP}/{VERSION}", "kind": KIND, "name": pool.name, "namespace": namespace, "uid": pool.uid},
        "source": {"component": "vonglau-operator"}, "firstTimestamp": now, "lastTimestamp": now, "count": 1,
    }  # fmt: skip
