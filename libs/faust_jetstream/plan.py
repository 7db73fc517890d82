"""What the leader of a group decides: pure functions of the plan, the members and the time that has passed.

A generation begins with everybody giving up what they have (``join``) and ends with everybody having something new (``stable``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

JOIN, STABLE = "join", "stable"


@dataclass(frozen=True, slots=True)
class Member:
    """A live worker as its lease says: ``joined`` is the generation for which it has given up its partitions; ``wish`` grows when it wants a new one."""

    topics: tuple[str, ...]
    joined: int
    wish: int
    meta: str = ""          # base64 of Faust's assignor metadata

    @property
    def signature(self) -> tuple[tuple[str, ...], int]:
        return self.topics, self.wish

    def encode(self) -> dict[str, Any]:
        return {"topics": list(self.topics), "gen": self.joined, "wish": self.wish, "meta": self.meta}


def member_of(doc: Mapping[str, Any]) -> Member:
    return Member(tuple(doc["topics"]), int(doc["gen"]), int(doc["wish"]), str(doc["meta"]))


@dataclass(frozen=True, slots=True)
class Plan:
    """``members`` are the signatures for which the generation was begun; ``shares`` is what each got, encoded."""

    generation: int
    phase: str
    members: Mapping[str, tuple[tuple[str, ...], int]]
    shares: Mapping[str, Any] = field(default_factory=dict)

    def encode(self) -> dict[str, Any]:
        members = {name: [list(topics), wish] for name, (topics, wish) in self.members.items()}
        return {"gen": self.generation, "phase": self.phase, "members": members, "shares": dict(self.shares)}


def plan_of(doc: Mapping[str, Any]) -> Plan:
    members = {name: (tuple(topics), int(wish)) for name, (topics, wish) in doc["members"].items()}
    return Plan(int(doc["gen"]), str(doc["phase"]), members, dict(doc["shares"]))


def next_generation(plan: Plan | None, live: Mapping[str, Member]) -> Plan | None:
    """A new generation, if the members are others than the plan was made for."""
    signatures = {name: member.signature for name, member in live.items()}
    if not live or (plan is not None and dict(plan.members) == signatures):
        return None
    highest = max([plan.generation if plan else 0, *(member.joined for member in live.values())])
    return Plan(highest + 1, JOIN, signatures)


def ready(plan: Plan, live: Mapping[str, Member], waited: float, patience: float) -> dict[str, Member]:
    """The members that get a share now: all of them once all have joined, or after ``patience`` seconds those who have; empty means wait."""
    joined = {name: member for name, member in live.items() if member.joined == plan.generation and name in plan.members}
    everybody = all(name in joined for name in plan.members)
    return joined if everybody or (waited > patience and joined) else {}


def settled(plan: Plan, joined: Mapping[str, Member], shares: Mapping[str, Any]) -> Plan:
    return replace(plan, phase=STABLE, members={name: member.signature for name, member in joined.items()}, shares=shares)
