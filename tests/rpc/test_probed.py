"""Probes of a process that serves nothing else."""
from __future__ import annotations

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from vonglau.errors import Unavailable
from vonglau.rpc import Probed
from vonglau.rpc.health import INTERVAL_S
from vonglau.testing.waiting import eventually

pytestmark = pytest.mark.loopback

ANYWHERE = "127.0.0.1:0"
SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


async def answer(address: str) -> int:
    async with grpc.aio.insecure_channel(address) as opened:
        found = await health_pb2_grpc.HealthStub(opened).Check(health_pb2.HealthCheckRequest(), timeout=5)
        return int(found.status)


@pytest.mark.parametrize(("log", "documents", "told"), [(True, True, SERVING), (False, True, NOT_SERVING), (True, False, NOT_SERVING)])
async def test_it_serves_from_the_start_if_all_that_it_needs_is_there(log: bool, documents: bool, told: int) -> None:
    async with Probed(ANYWHERE, {"log": lambda: log, "documents": lambda: documents}) as probed:
        assert await answer(probed.address) == told


async def test_what_goes_away_and_comes_back_is_told_within_two_looks() -> None:
    is_there = {"log": True}
    async with Probed(ANYWHERE, {"log": lambda: is_there["log"]}) as probed:
        for log, told in ((False, NOT_SERVING), (True, SERVING)):
            is_there["log"] = log

            async def is_told(told: int = told) -> bool:
                return await answer(probed.address) == told

            await eventually(is_told, within=4 * INTERVAL_S)


async def test_after_the_body_nobody_answers() -> None:
    async with Probed(ANYWHERE, {}) as probed:
        assert await answer(probed.address) == SERVING
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await answer(probed.address)
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_without_an_address_it_listens_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    def listens(*_: object, **__: object) -> None:
        raise AssertionError("somewhere")

    monkeypatch.setattr(grpc.aio, "server", listens)
    async with Probed("", {"log": lambda: True}) as probed:
        assert probed.address == ""


async def test_an_address_that_is_taken_is_said_so() -> None:
    async with Probed(ANYWHERE, {}) as first:
        with pytest.raises(Unavailable) as refused:
            async with Probed(first.address, {}):
                pass
        assert refused.value.reason == "ADDRESS_IN_USE"
        assert await answer(first.address) == SERVING
