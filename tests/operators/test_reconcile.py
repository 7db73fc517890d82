"""A pool over its turns, in a cluster that does what Kubernetes would: nothing that the operator forgets, loses or is refused does harm."""
from __future__ import annotations

from typing import Any

import pytest

from operators.ingest_fleet.pool import FINALIZER
from tests.operators.conftest import World, body
from vonglau.errors import Unavailable


async def turns(world: World, number: int, seconds: float = 2.0) -> list[int | None]:
    return [await world.turn(seconds) for _ in range(number)]


async def test_pods_come_before_ingest_can_answer_and_follow_it_once_it_does(world: World) -> None:
    world.needs(None)
    assert await world.turn() == 1
    assert world.cluster.condition("IngestReachable")[:2] == ("False", "NoAnswer")
    world.needs(200)
    assert await world.turn() == 10
    assert world.cluster.condition("Ready")[0] == "False"
    await world.turn()
    assert world.cluster.condition("Ready") == ("True", "PodsReady", "200 cameras on 10 pods")


async def test_an_answer_that_fails_to_come_once_is_no_news(world: World) -> None:
    world.needs(40)
    await turns(world, 2)
    events = list(world.cluster.events)
    world.needs(None)
    assert await turns(world, 3) == [2] * 3
    assert world.cluster.condition("Ready")[0] == "True"
    await turns(world, 8)
    assert world.cluster.condition("IngestReachable")[:2] == ("False", "NoAnswer")
    world.needs(40)
    await world.turn()
    assert [reason for reason, _ in world.cluster.events[len(events) :]] == ["IngestUnreachable", "NoAnswer", "PodsReady", "Answered"]


async def test_a_pool_that_shrinks_leaves_no_volume_behind(world: World) -> None:
    world.needs(60)
    assert await world.turn() == 3
    world.needs(2)
    await turns(world, 33)
    assert world.cluster.replicas() == 1
    assert world.cluster.jobs() == ["ingest-default-1-upload", "ingest-default-2-upload"]
    assert len(world.cluster.claims) == 3
    assert world.cluster.condition("Reconciling")[2] == "spools 1, 2 are being uploaded"
    world.cluster.finished.add("ingest-default-2-upload")
    await turns(world, 2)
    assert world.cluster.claims == {"spool-ingest-default-0", "spool-ingest-default-1"}
    assert world.cluster.jobs() == ["ingest-default-1-upload"]


async def test_a_spool_is_not_touched_while_its_pod_still_ends(world: World) -> None:
    world.needs(40)
    await world.turn()
    world.cluster.holding.add("ingest-default-1")
    world.needs(2)
    await turns(world, 40)
    assert world.cluster.jobs() == []
    world.cluster.holding.clear()
    await world.turn()
    assert world.cluster.jobs() == ["ingest-default-1-upload"]


async def test_a_pod_that_comes_back_takes_its_spool_from_the_upload(world: World) -> None:
    world.needs(40)
    await world.turn()
    world.needs(2)
    await turns(world, 40)
    world.needs(40)
    await turns(world, 2)
    assert world.cluster.replicas() == 2
    assert world.cluster.jobs() == []
    assert "spool-ingest-default-1" in world.cluster.claims


async def test_an_operator_that_died_is_no_event_for_the_pods(world: World) -> None:
    world.needs(200)
    await turns(world, 2)
    before, events = world.cluster.applied, list(world.cluster.events)
    world.restart()
    world.needs(2)
    assert await turns(world, 20) == [10] * 20  # what was needed before it began is not known
    assert world.cluster.applied == before
    assert world.cluster.events == events


async def test_nothing_is_written_where_nothing_is_new(world: World) -> None:
    world.needs(200)
    await turns(world, 3)
    statuses, events = world.cluster.statuses, len(world.cluster.events)
    await turns(world, 10)
    assert (world.cluster.statuses, len(world.cluster.events)) == (statuses, events)


async def test_figures_are_written_now_and_then(world: World) -> None:
    world.needs(200)
    await turns(world, 3)
    before = world.cluster.statuses
    for cameras in range(181, 201):
        world.needs(cameras)
        await world.turn(seconds=6)
    assert 3 <= world.cluster.statuses - before <= 4  # of 20 turns in 120 s


async def test_a_hand_that_changed_a_child_is_undone(world: World) -> None:
    world.needs(40)
    await turns(world, 2)
    world.cluster.applied["StatefulSet", "ingest-default"]["spec"]["replicas"] = 7
    world.cluster.applied["StatefulSet", "ingest-default"]["metadata"]["generation"] += 1
    world.needs(30)
    await turns(world, 60)
    assert world.cluster.replicas() == 2


async def test_a_template_that_kubernetes_refuses_is_told_in_its_words_until_it_is_put_right(world: World) -> None:
    world.needs(40)
    await world.turn()
    world.cluster.bodies["default"]["spec"]["template"]["spec"]["containers"][0]["image"] = "vonglau:2"
    world.cluster.refuse = 'StatefulSet "ingest-default" is invalid: spec.template.spec.containers[0].resources: Required value'
    await turns(world, 2)
    assert world.cluster.condition("Stalled") == ("True", "Refused", world.cluster.refuse)
    assert [reason for reason, _ in world.cluster.events].count("Stalled") == 1
    world.cluster.refuse = ""
    await turns(world, 2)
    assert world.cluster.condition("Stalled")[0] == "False"
    assert world.cluster.applied["StatefulSet", "ingest-default"]["spec"]["template"]["spec"]["containers"][0]["image"] == "vonglau:2"


async def test_an_api_server_that_is_away_is_the_loops_affair(world: World) -> None:
    world.needs(40)
    await world.turn()
    pool = world.cluster.bodies["default"]
    world.cluster.failure = Unavailable("KUBERNETES_UNREACHABLE", "away")
    with pytest.raises(Unavailable):
        await world.turn()
    world.cluster.failure = None
    assert await world.turn() == 2
    assert pool["metadata"]["finalizers"] == [FINALIZER]


async def test_more_cameras_than_the_bounds_allow_are_told_with_the_reason(world: World) -> None:
    world.needs(300, unassigned=100)
    await turns(world, 2)
    assert world.cluster.condition("MaxPodsReached") == ("True", "TooManyCameras", "15 pods are needed, maxPods is 10")
    assert world.cluster.condition("CamerasUnassigned")[:2] == ("True", "MaxPodsReached")
    assert ("MaxPodsReached", "15 pods are needed, maxPods is 10") in world.cluster.events


@pytest.mark.parametrize(
    ("overlap", "message"),
    [
        ({"overlapping": ("east", "north")}, "cameras of this pool, whose name sorts first, are selected by east, north too"),
        ({"overlapping_cameras": 4}, "4 cameras that this pool selects are in pools whose names sort before its own"),
    ],
)
async def test_selectors_that_overlap_are_told_on_either_side(world: World, overlap: dict[str, Any], message: str) -> None:
    world.needs(20, **overlap)
    await world.turn()
    assert world.cluster.condition("SelectorOverlaps") == ("True", "SelectedTwice", message)
    world.needs(20)
    await world.turn()
    assert [reason for reason, _ in world.cluster.events if reason.startswith("Selector")] == ["SelectorOverlaps", "SelectorOverlapsOver"]


async def test_cameras_that_no_pool_selects_are_told(world: World) -> None:
    world.needs(20, unselected=3)
    await world.turn()
    assert world.cluster.condition("CamerasUnselected")[1] == "NoPoolSelectsThem"


def end(world: World) -> None:
    world.cluster.bodies["default"]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"


async def test_a_pool_goes_when_its_cameras_have_moved_and_its_spools_are_empty(world: World) -> None:
    world.needs(40)
    await world.turn()
    end(world)
    assert await world.turn() == 0
    assert world.ingest.forgotten == ["default"]
    await world.turn()
    assert world.cluster.jobs() == ["ingest-default-0-upload", "ingest-default-1-upload"]
    assert "default" in world.cluster.bodies
    world.cluster.finished.update(world.cluster.jobs())
    assert (await turns(world, 4))[-1] is None
    assert world.cluster.claims == set()


async def test_a_pool_whose_ingest_is_gone_goes_after_a_minute(world: World) -> None:
    world.needs(40)
    await world.turn()
    end(world)
    world.needs(None)
    assert await turns(world, 20, seconds=2.9) == [2] * 20
    assert (await turns(world, 4))[-1] == 0


async def test_a_pool_that_never_had_pods_goes_at_once() -> None:
    world = World(body())
    world.cluster.bodies["default"]["metadata"]["finalizers"] = [FINALIZER]
    end(world)
    await world.turn()
    assert world.cluster.bodies == {}
