"""How long footage is kept: by owner, class and purpose, the longest where they differ."""
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.recording.days import DAY_NS
from services.recording.retention import SHIPPED, Rule, is_due, read_rules, rule_for
from vonglau.errors import Invalid
from vonglau.registry.v1.events_pb2 import CAMERA_CLASS_NON_TRAFFIC, CAMERA_CLASS_TRAFFIC, PURPOSE_TRAFFIC_SAFETY, PURPOSE_URBAN_ORDER

DAY = 20_454
RULES = read_rules(SHIPPED)


def camera(*uses: list[Any]) -> dict[str, Any]:
    return {"uses": list(uses)}


NON_TRAFFIC = camera([0, CAMERA_CLASS_NON_TRAFFIC, []])
TRAFFIC = camera([0, CAMERA_CLASS_TRAFFIC, [PURPOSE_TRAFFIC_SAFETY]])


def test_footage_is_kept_on_day_n_and_falls_due_on_day_n_plus_1() -> None:
    rule = rule_for(RULES, "police", NON_TRAFFIC, DAY)
    assert rule.days == 30
    assert not is_due(rule, DAY, (DAY + 31) * DAY_NS - 1)
    assert is_due(rule, DAY, (DAY + 31) * DAY_NS)


def test_the_traffic_class_is_kept_for_75_days() -> None:
    assert rule_for(RULES, "police", TRAFFIC, DAY).days == 75


def test_of_several_purposes_the_longest_keeps() -> None:
    rules = [*RULES, Rule("short", "a/1", "*", "*", "URBAN_ORDER", 10), Rule("long", "a/2", "police", "*", "TRAFFIC_SAFETY", 90)]
    both = camera([0, CAMERA_CLASS_NON_TRAFFIC, [PURPOSE_URBAN_ORDER, PURPOSE_TRAFFIC_SAFETY]])
    assert rule_for(rules, "police", both, DAY).id == "long"
    assert rule_for(rules, "ward", both, DAY).id == "keep-30-days"


def test_a_camera_whose_class_changed_that_day_is_kept_by_the_longer_rule() -> None:
    changed = camera([0, CAMERA_CLASS_TRAFFIC, []], [DAY * DAY_NS + 5, CAMERA_CLASS_NON_TRAFFIC, []])
    assert rule_for(RULES, "police", changed, DAY).days == 75
    assert rule_for(RULES, "police", changed, DAY + 1).days == 30


@pytest.mark.parametrize("unknown", [None, camera()])
def test_a_camera_of_which_nobody_knows_the_use_is_kept_by_the_longest_rule(unknown: dict[str, Any] | None) -> None:
    assert rule_for(RULES, "police", unknown, DAY).days == 75


@pytest.mark.parametrize("change", [{"days": 0}, {"days": "30"}, {"class": "BOATS"}, {"purpose": "FUN"}, {"article": None}, {"owner": "police"}])
def test_rules_that_cannot_hold_are_refused_at_the_start(tmp_path: Path, change: dict[str, Any]) -> None:
    rule = {"id": "r", "article": "a/1", "owner": "*", "class": "*", "purpose": "*", "days": 30} | change
    path = tmp_path / "rules.json"
    path.write_text(json.dumps({"rules": [rule]}))
    with pytest.raises(Invalid, match=r"rules\.json"):
        read_rules(path)


owners, classes = st.sampled_from(["*", "police"]), st.sampled_from(["*", "TRAFFIC"])
rules = st.builds(Rule, st.text("abc", min_size=1), st.just("a/1"), owners, classes, st.just("*"), st.integers(1, 99))


@given(extra=st.lists(rules, max_size=6), age=st.integers(0, 200))
def test_no_rule_that_fits_is_cut_short_by_another(extra: list[Rule], age: int) -> None:
    every = [*RULES, *extra]
    chosen = rule_for(every, "police", NON_TRAFFIC, DAY)
    if is_due(chosen, DAY, (DAY + age) * DAY_NS):
        assert all(is_due(rule, DAY, (DAY + age) * DAY_NS) for rule in every if rule.fits("police", "NON_TRAFFIC", ""))
