"""What works for a call knows how long the caller waits."""
from __future__ import annotations

import asyncio
from typing import Any

import pytest

from vonglau.deadline import bounded, has_passed, within
from vonglau.registry.v1.service_pb2 import GetOwnerRequest, Owner


@pytest.mark.loopback
async def test_a_step_of_a_handler_takes_no_longer_than_the_caller_waits(echo: Any, client: Any) -> None:
    allowed: list[float] = []

    async def plan(request: GetOwnerRequest, context: Any) -> Owner:
        allowed.extend([bounded(10), await asyncio.create_task(step()), bounded(1)])
        return Owner()

    async def step() -> float:
        return bounded(10)

    echo.plan = plan
    await client.ask(GetOwnerRequest(owner="ward"), timeout=3)
    assert all(2 < step_s < 3.1 for step_s in allowed[:2]), "gRPC rounds what is left upwards"
    assert allowed[2] == 1


@pytest.mark.parametrize("seconds", [None, 0.0, -1.0])
def test_where_no_deadline_binds_a_step_has_its_own_bound(seconds: float | None) -> None:
    with within(2), within(seconds):
        assert bounded(10) == 10
    assert bounded(10) == 10


@pytest.mark.parametrize(("left", "step_s"), [(0.1, 0.09), (1.0, 0.9), (8.0, 7.75)])
def test_a_step_leaves_the_time_in_which_its_answer_travels(left: float, step_s: float) -> None:
    """Otherwise the caller sees that its deadline has passed, and never the reason."""
    with within(left):
        assert bounded(10) == pytest.approx(step_s, abs=0.02)


def test_nobody_waits_any_more_once_a_deadline_has_passed() -> None:
    assert not has_passed()
    with within(60):
        assert not has_passed()
    with within(0):
        assert has_passed()
