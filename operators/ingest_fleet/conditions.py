"""What is said of a pool: conditions as Kubernetes knows them. Pure; Ready, Reconciling and Stalled as kstatus reads them."""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from operators.ingest_fleet.plan import Demand, Plan
from operators.ingest_fleet.pool import Bounds
from operators.ingest_fleet.present import Present


@dataclass(frozen=True, slots=True)
class Condition:
    type: str
    holds: bool | None  # None: not known
    reason: str
    message: str = ""

    @property
    def status(self) -> str:
        return "Unknown" if self.holds is None else str(self.holds)


# Types that are bad news when they hold; Ready and IngestReachable are when they do not.
ABNORMAL = frozenset({"Stalled", "MaxPodsReached", "SelectorOverlaps", "CamerasUnassigned", "CamerasUnselected"})


def conditions(bounds: Bounds, demand: Demand | None, present: Present, plan: Plan, trouble: str) -> tuple[Condition, ...]:
    """trouble: what Kubernetes refused, in its words; empty: nothing."""
    reachable = Condition("IngestReachable", holds=demand is not None, reason="Answered" if demand else "NoAnswer",
                          message="" if demand else "ingest has not said what it needs: the number of pods does not fall until it does")
    progress = tuple(unfinished(present, plan))
    stalled = Condition("Stalled", holds=bool(trouble), reason="Refused" if trouble else "Accepted", message=trouble)
    reconciling = Condition("Reconciling", holds=bool(progress), reason="InProgress" if progress else "Done", message="; ".join(progress))
    return (ready(demand, present, plan, trouble), reconciling, stalled, reachable, *of_demand(bounds, demand, plan))


def ready(demand: Demand | None, present: Present, plan: Plan, trouble: str) -> Condition:
    if trouble:
        return Condition("Ready", holds=False, reason="Stalled", message=trouble)
    if present.replicas is None or present.ready < plan.replicas:
        return Condition("Ready", holds=False, reason="PodsNotReady", message=f"{present.ready} of {plan.replicas} pods are ready")
    if demand is None:
        return Condition("Ready", holds=False, reason="IngestUnreachable", message="ingest does not answer")
    if demand.unassigned:
        return Condition("Ready", holds=False, reason="CamerasUnassigned", message=f"{demand.unassigned} cameras have no pod")
    return Condition("Ready", holds=True, reason="PodsReady", message=f"{demand.cameras} cameras on {plan.replicas} pods")


def unfinished(present: Present, plan: Plan) -> Iterator[str]:
    if present.replicas != plan.replicas:
        yield f"{present.replicas or 0} → {plan.replicas} pods"
    if present.ready != plan.replicas:
        yield f"{present.ready} pods ready"
    if going := sorted(each for each in present.pods if each >= plan.replicas):
        yield f"pods {listed(going)} hand over and go"
    if not present.is_current:
        yield "pods are being replaced by the new template"
    if plan.left:
        yield f"spools {listed(plan.left)} are being uploaded"


def of_demand(bounds: Bounds, demand: Demand | None, plan: Plan) -> Iterator[Condition]:
    if demand is None:
        yield from (Condition(each, None, "IngestUnreachable") for each in ("MaxPodsReached", "SelectorOverlaps", "CamerasUnassigned", "CamerasUnselected"))
        return
    capped = plan.wanted > bounds.max_pods
    yield Condition("MaxPodsReached", capped, "TooManyCameras" if capped else "WithinBounds",
                    f"{plan.wanted} pods are needed, maxPods is {bounds.max_pods}" if capped else "")
    overlaps = "; ".join(overlapping(demand))
    yield Condition("SelectorOverlaps", bool(overlaps), "SelectedTwice" if overlaps else "Alone", overlaps)
    yield Condition("CamerasUnassigned", bool(demand.unassigned), why_unassigned(demand, plan, is_capped=capped) if demand.unassigned else "AllAssigned",
                    f"{demand.unassigned} of {demand.cameras} cameras have no pod" if demand.unassigned else "")
    yield Condition("CamerasUnselected", bool(demand.unselected), "NoPoolSelectsThem" if demand.unselected else "AllSelected",
                    f"{demand.unselected} cameras of the city are in no pool and are not recorded" if demand.unselected else "")


def overlapping(demand: Demand) -> Iterator[str]:
    """Of several pools that select a camera, the one whose name sorts first has it."""
    if demand.overlapping:
        yield f"cameras of this pool, whose name sorts first, are selected by {', '.join(demand.overlapping)} too"
    if demand.overlapping_cameras:
        yield f"{demand.overlapping_cameras} cameras that this pool selects are in pools whose names sort before its own"


def why_unassigned(demand: Demand, plan: Plan, *, is_capped: bool) -> str:
    if is_capped:
        return "MaxPodsReached"
    return "PodsStarting" if demand.members < plan.replicas else "NoRoom"


def written(found: Iterable[Condition], before: Iterable[Mapping[str, Any]], generation: int, now: str) -> list[dict[str, Any]]:
    """As they stand in a status. A condition keeps the time of its last turn; now: RFC 3339."""
    known = {each["type"]: each for each in before}
    return [
        {
            "type": each.type, "status": each.status, "reason": each.reason, "message": each.message, "observedGeneration": generation,
            "lastTransitionTime": known[each.type]["lastTransitionTime"] if each.type in known and known[each.type]["status"] == each.status else now,
        }
        for each in found
    ]  # fmt: skip


def turned(found: Iterable[Condition], before: Iterable[Mapping[str, Any]]) -> list[Condition]:
    """Those that tell news: bad ones that now hold or no longer do."""
    known = {each["type"]: each["status"] for each in before}
    news = [each for each in found if each.holds is not None and known.get(each.type) != each.status]
    return [each for each in news if known.get(each.type) in ("True", "False") or (is_bad(each) and each.type != "Ready")]


def is_bad(condition: Condition) -> bool:
    return condition.holds is (condition.type in ABNORMAL)


def listed(ordinals: Iterable[int]) -> str:
    return ", ".join(str(each) for each in ordinals)
