from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from faust_jetstream.plan import JOIN, STABLE, Member, Plan, member_of, next_generation, plan_of, ready, settled

MEMBER = Member(("orders",), joined=0, wish=0)


def stable(generation: int, **members: Member) -> Plan:
    return Plan(generation, STABLE, {name: member.signature for name, member in members.items()})


def test_the_first_member_begins_the_first_generation() -> None:
    plan = next_generation(None, {"a": MEMBER})
    assert plan is not None
    assert (plan.generation, plan.phase, set(plan.members)) == (1, JOIN, {"a"})


def test_nothing_happens_while_nothing_changes() -> None:
    assert next_generation(stable(3, a=MEMBER), {"a": replace(MEMBER, joined=3)}) is None


def test_a_group_without_members_makes_no_plan() -> None:
    assert next_generation(stable(3, a=MEMBER), {}) is None


def test_a_member_that_joins_or_goes_begins_a_generation() -> None:
    plan = stable(3, a=MEMBER)
    assert next_generation(plan, {"a": MEMBER, "b": MEMBER}) is not None
    assert next_generation(plan, {"b": MEMBER}) is not None


def test_a_member_can_wish_for_a_generation_and_gets_one_for_each_wish() -> None:
    wishing = replace(MEMBER, wish=1)
    plan = next_generation(stable(3, a=MEMBER), {"a": wishing})
    assert plan is not None
    assert next_generation(plan, {"a": wishing}) is None


def test_generations_rise_even_if_the_plan_was_lost() -> None:
    plan = next_generation(None, {"a": replace(MEMBER, joined=41)})
    assert plan is not None
    assert plan.generation == 42


def test_nobody_gets_a_share_before_everybody_has_given_up_theirs() -> None:
    plan = next_generation(None, {"a": MEMBER, "b": MEMBER})
    assert plan is not None
    assert ready(plan, {"a": replace(MEMBER, joined=1), "b": MEMBER}, waited=5, patience=10) == {}


def test_a_member_that_does_not_finish_is_left_behind_after_the_patience() -> None:
    plan = next_generation(None, {"a": MEMBER, "b": MEMBER})
    assert plan is not None
    joined = ready(plan, {"a": replace(MEMBER, joined=1), "b": MEMBER}, waited=11, patience=10)
    assert set(joined) == {"a"}
    assert next_generation(settled(plan, joined, {}), {"a": replace(MEMBER, joined=1)}) is None


def test_nobody_at_all_is_waited_for_without_end() -> None:
    plan = next_generation(None, {"a": MEMBER})
    assert plan is not None
    assert ready(plan, {"a": MEMBER}, waited=999, patience=10) == {}


members = st.builds(Member, st.lists(st.text(max_size=5), max_size=3).map(tuple), st.integers(0, 9), st.integers(0, 9), st.text(max_size=5))


@given(st.dictionaries(st.text(min_size=1, max_size=5), members, min_size=1, max_size=4))
def test_plans_and_members_survive_the_wire(live: dict[str, Member]) -> None:
    plan = next_generation(None, live)
    assert plan is not None
    assert plan_of(plan.encode()) == plan
    assert {name: member_of(member.encode()) for name, member in live.items()} == live
