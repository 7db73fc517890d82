"""How many pods a pool has, and what becomes of the spools of pods that went. Pure: what is needed, what stands and what was needed decide alone."""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from operators.ingest_fleet.pool import Bounds
from operators.ingest_fleet.present import Present, Upload

MORE_ROOM = 10  # % more than the headroom that must be left before a pod goes: else a camera more would bring it back
CROWDED_S = 15.0  # cameras that nobody takes so long although all pods are there: slots are spread unevenly, a pod more takes them
STEP = 10  # at most one in so many pods, and at least one, goes at a time


@dataclass(frozen=True, slots=True)
class Demand:
    """What ingest says of a pool."""

    cameras: int  # selected and meant to be recorded
    bitrate: int  # bit/s
    recording: int = 0
    unassigned: int = 0  # no member has taken them
    members: int = 0  # with a live lease, and not leaving
    overlapping: tuple[str, ...] = ()  # pools that select cameras of this one too
    overlapping_cameras: int = 0  # another pool has them
    unselected: int = 0  # of the city: no pool selects them


@dataclass(frozen=True, slots=True)
class Past:
    """What a fall waits for. Times are of a monotonic clock, s."""

    highs: tuple[tuple[float, int], ...] = ()  # when, pods: falling; the first is the most that was needed of late
    crowded_since: float | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    replicas: int
    wanted: int  # pods, were there no bounds
    upload: tuple[int, ...]  # ordinals: a Job is to begin
    release: tuple[int, ...]  # claims that are empty
    forget: tuple[int, ...]  # Jobs that are over, or whose volume a pod needs
    left: tuple[int, ...]  # spools of pods that went
    past: Past


def plan(bounds: Bounds, demand: Demand | None, present: Present, past: Past, now: float, *, is_ending: bool = False) -> Plan:
    """demand: None: not known, or not of the pool as it is now; then nothing falls."""
    past = remembered(bounds, demand, present, past, now)
    crowded = past.crowded_since is not None and now - past.crowded_since >= CROWDED_S
    wanted = pods_wanted(bounds, demand, present, is_crowded=crowded)
    replicas = 0 if is_ending else replicas_of(bounds, demand, present, wanted, past)
    if crowded:
        past = Past(past.highs)
    left = sorted(each for each in present.claims if each >= replicas and each not in present.pods)
    return Plan(
        replicas=replicas,
        wanted=wanted,
        upload=tuple(each for each in left if each not in present.uploads),
        release=tuple(each for each in left if present.uploads.get(each) is Upload.DONE),
        forget=tuple(sorted(forgettable(replicas, present))),
        left=tuple(left),
        past=past,
    )


def pods_for(bounds: Bounds, demand: Demand, more: int = 0) -> int:
    """By cameras or bitrate, whichever needs more; with the headroom, and `more` % beyond it."""
    factor = 100 + bounds.headroom + more
    cameras = -(-demand.cameras * factor // (100 * bounds.cameras_per_pod))
    return max(cameras, -(-demand.bitrate * factor // (100 * bounds.bitrate_per_pod)))


def pods_wanted(bounds: Bounds, demand: Demand | None, present: Present, *, is_crowded: bool) -> int:
    if demand is None:
        return bounds.min_pods if present.replicas is None else present.replicas
    wanted = pods_for(bounds, demand)
    if is_crowded and present.replicas is not None:
        wanted = max(wanted, min(present.replicas + 1, 2 * wanted))  # cameras that no number of pods would take do not fill the cluster
    return wanted


def replicas_of(bounds: Bounds, demand: Demand | None, present: Present, wanted: int, past: Past) -> int:
    here = present.replicas
    bounded = min(max(wanted, bounds.min_pods), bounds.max_pods)
    if here is None or bounded > here:
        return bounded
    if demand is None:
        return max(here, bounds.min_pods)
    keep = min(max(bounds.min_pods, past.highs[0][1] if past.highs else here), bounds.max_pods)
    return fewer(here, keep, demand, present, bounds)


def fewer(here: int, keep: int, demand: Demand, present: Present, bounds: Bounds) -> int:
    """The next step down, once the last one is done."""
    is_going = any(each >= here for each in present.pods)
    if keep >= here or is_going or (demand.unassigned and here <= bounds.max_pods):
        return here
    return max(keep, here - max(1, here // STEP))


def remembered(bounds: Bounds, demand: Demand | None, present: Present, past: Past, now: float) -> Past:
    """The past with this turn. What is not known counts as needing what there is."""
    here = present.replicas or 0
    need = here if demand is None else min(pods_for(bounds, demand, MORE_ROOM), bounds.max_pods)
    first = past.highs or ((now, here),)
    recent = [(then, pods) for then, pods in first if now - then < bounds.settle_s and pods > need]
    return Past((*recent, (now, need)), crowding(demand, present, past, now))


def crowding(demand: Demand | None, present: Present, past: Past, now: float) -> float | None:
    """Since when there are cameras without a member although every pod is one."""
    if demand is None or not demand.unassigned or present.replicas is None or demand.members < present.replicas:
        return None
    return now if past.crowded_since is None else past.crowded_since


def forgettable(replicas: int, present: Present) -> Iterable[int]:
    for ordinal, upload in present.uploads.items():
        if ordinal < replicas or ordinal not in present.claims or upload is Upload.FAILED:
            yield ordinal
