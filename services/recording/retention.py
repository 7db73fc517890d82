"""How long footage is kept: rules as data, by owner, class and purpose. Pure.

Footage of day d under a rule of n days is kept through day d + n and deleted on day d + n + 1 (UTC). Where several rules fit, because a
camera has several purposes or its use changed during the day, the longest keeps.
"""
from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.recording.cameras import uses_during
from services.recording.days import DAY_NS
from vonglau.errors import Invalid
from vonglau.registry.v1.events_pb2 import CameraClass, Purpose

SHIPPED = Path(__file__).with_name("retention_rules.json")
ANY = "*"
FIELDS = {"id": str, "article": str, "owner": str, "class": str, "purpose": str, "days": int}


@dataclass(frozen=True, slots=True)
class Rule:
    id: str
    article: str  # of the regulation that it rests on
    owner: str  # id or *
    camera_class: str  # name without its prefix, or *
    purpose: str  # name without its prefix, or *
    days: int

    def fits(self, owner: str, camera_class: str, purpose: str) -> bool:
        return self.owner in (ANY, owner) and self.camera_class in (ANY, camera_class) and self.purpose in (ANY, purpose)


def read_rules(path: Path) -> list[Rule]:
    """Raises: Invalid (RETENTION_RULES_MALFORMED), naming the rule; also where a camera might have no rule at all."""
    try:
        rules = [rule_of(each) for each in json.loads(path.read_text())["rules"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Invalid("RETENTION_RULES_MALFORMED", f"{path}: {error}") from error
    if not any(rule.fits("", "", "") for rule in rules):
        raise Invalid("RETENTION_RULES_MALFORMED", f"{path}: no rule is for any owner, class and purpose")
    return rules


def rule_of(stated: Mapping[str, Any]) -> Rule:
    for name, kind in FIELDS.items():
        if not isinstance(stated.get(name), kind):
            raise TypeError(f"rule {stated.get('id')!r} has no {name}")
    if stated["class"] != ANY:
        CameraClass.Value(f"CAMERA_CLASS_{stated['class']}")
    if stated["purpose"] != ANY:
        Purpose.Value(f"PURPOSE_{stated['purpose']}")
    if stated["days"] < 1:
        raise ValueError(f"rule {stated['id']!r} keeps less than a day")
    return Rule(*(stated[name] for name in FIELDS))


def longest(rules: Sequence[Rule], owner: str, uses: Iterable[tuple[int, Sequence[int]]]) -> Rule:
    """The rule that counts for a camera with these (class, purposes)."""
    named = [
        (CameraClass.Name(camera_class).removeprefix("CAMERA_CLASS_"), Purpose.Name(purpose).removeprefix("PURPOSE_"))
        for camera_class, purposes in uses
        for purpose in purposes or (0,)
    ]
    return max((rule for rule in rules if any(rule.fits(owner, *use) for use in named)), key=lambda rule: (rule.days, rule.id))


def rule_for(rules: Sequence[Rule], owner: str, camera: Mapping[str, Any] | None, day: int) -> Rule:
    """camera: its document; None: nobody knows what it was for, so the longest of all rules for its owner keeps."""
    if camera is None or not camera["uses"]:
        return max((rule for rule in rules if rule.owner in (ANY, owner)), key=lambda rule: (rule.days, rule.id))
    return longest(rules, owner, uses_during(dict(camera), day * DAY_NS, (day + 1) * DAY_NS))


def is_due(rule: Rule, day: int, now_ns: int) -> bool:
    return now_ns >= (day + rule.days + 1) * DAY_NS


def shortest_days(rules: Sequence[Rule]) -> int:
    """No footage younger than this can fall due."""
    return min(rule.days for rule in rules)
