"""Health, reflection, start and stop."""
from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from vonglau.errors import Unavailable
from vonglau.identity import LocalIssuer, Verifier
from vonglau.identity.caller import Caller
from vonglau.registry.v1.service_pb2 import GetOwnerRequest, Owner
from vonglau.rpc import Server, caller, channel, error_of
from vonglau.rpc.health import Health, Ready

pytestmark = pytest.mark.loopback

REQUEST = GetOwnerRequest(owner="police")
SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


async def health_of(address: str, service: str = "") -> Any:
    async with grpc.aio.insecure_channel(address) as opened:
        stub: Any = health_pb2_grpc.HealthStub(opened)
        return (await stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=5)).status


async def watched(address: str, until: Any) -> list[Any]:
    """The states that a watching probe is told, up to the one waited for."""
    states = []
    async with grpc.aio.insecure_channel(address) as opened:
        stub: Any = health_pb2_grpc.HealthStub(opened)
        async for answer in stub.Watch(health_pb2.HealthCheckRequest(), timeout=10):
            states.append(answer.status)
            if answer.status == until:
                break
    return states


async def test_health_needs_neither_token_nor_deadline(server: Server) -> None:
    async with grpc.aio.insecure_channel(server.address) as opened:
        stub: Any = health_pb2_grpc.HealthStub(opened)
        assert (await stub.Check(health_pb2.HealthCheckRequest())).status == SERVING


async def test_health_is_told_of_each_service_by_its_name(server: Server) -> None:
    assert await health_of(server.address, "test.v1.Echo") == SERVING
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await health_of(server.address, "test.v1.Nobody")
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_a_server_whose_documents_are_away_is_not_serving_until_they_are_back(echo: Any) -> None:
    there = {"documents": False}

    async def documents() -> bool:
        return there["documents"]

    parts: dict[str, Ready] = {"log": lambda: True, "documents": documents}
    async with Server("127.0.0.1:0", [(type(echo).add_to, echo)], Nobody(), service="echo", ready=parts) as server:
        assert await health_of(server.address) == NOT_SERVING
        there["documents"] = True
        assert SERVING in await watched(server.address, until=SERVING)


async def test_a_readiness_callback_that_fails_or_hangs_is_a_part_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hangs() -> bool:
        return await asyncio.Event().wait()

    def fails() -> bool:
        raise OSError("no route")

    monkeypatch.setattr("vonglau.rpc.health.PATIENCE_S", 0.01)
    for part in (hangs, fails):
        health = Health(["test.v1.Echo"], {"part": part})
        await health.look()
        assert health.servicer._server_status["test.v1.Echo"] == NOT_SERVING


async def test_reflection_lists_the_services_to_those_who_prove_who_they_are(server: Server) -> None:
    async with channel(server.address, lambda: "person:an") as opened:
        stub: Any = reflection_pb2_grpc.ServerReflectionStub(opened)
        call = stub.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest(list_services="")]))
        (answer,) = [answer async for answer in call]
    assert "test.v1.Echo" in {service.name for service in answer.list_services_response.service}


async def test_the_bound_address_stands_in_the_run_folder_while_the_server_runs(echo: Any, tmp_path: Path) -> None:
    published = tmp_path / "run" / "echo.address"
    async with Server("127.0.0.1:0", [(type(echo).add_to, echo)], Nobody(), service="echo", address_file=published) as server:
        assert published.read_text("utf-8").strip() == server.address
        assert not server.address.endswith(":0")
    assert not published.exists()


async def test_a_successor_keeps_its_published_address_when_the_old_server_stops(echo: Any, tmp_path: Path) -> None:
    published = tmp_path / "echo.address"
    async with Server("127.0.0.1:0", [(type(echo).add_to, echo)], Nobody(), service="echo", address_file=published):
        published.write_text("127.0.0.1:9\n", "utf-8")
    assert published.read_text("utf-8") == "127.0.0.1:9\n"


async def test_a_port_that_is_taken_is_said_so(echo: Any, server: Server) -> None:
    with pytest.raises(Unavailable) as caught:
        await Server(server.address, [(type(echo).add_to, echo)], Nobody(), service="echo").start()
    assert caught.value.reason == "ADDRESS_IN_USE"


async def test_a_stop_lets_a_running_call_end(echo: Any, server: Server, client: Any) -> None:
    running, go_on = asyncio.Event(), asyncio.Event()

    async def slow(request: GetOwnerRequest, context: Any) -> Owner:
        running.set()
        await go_on.wait()
        return Owner(owner="done")

    echo.plan = slow
    call = asyncio.ensure_future(client.ask(REQUEST))
    await running.wait()
    stopping = asyncio.create_task(server.stop())
    await asyncio.sleep(0.05)
    go_on.set()
    assert (await call).owner == "done"
    await stopping


async def test_a_stop_cancels_what_outlives_the_grace(echo: Any) -> None:
    running = asyncio.Event()

    async def never(request: GetOwnerRequest, context: Any) -> Owner:
        running.set()
        await asyncio.Event().wait()
        return Owner()

    echo.plan = never
    async with Server("127.0.0.1:0", [(type(echo).add_to, echo)], Anyone(), service="echo", grace_s=0.1) as server:
        opened = channel(server.address, lambda: "any")
        call = opened.unary_stream("/test.v1.Echo/Listen", GetOwnerRequest.SerializeToString, Owner.FromString)(REQUEST, timeout=30)
        reading = asyncio.ensure_future(call.read())
        await running.wait()
    assert echo.ended.is_set()
    with pytest.raises((grpc.aio.AioRpcError, asyncio.CancelledError)):
        await reading
    await opened.close()


async def test_a_stop_ends_an_endless_call_at_once_and_tells_it_to_come_again(echo: Any, server: Server, client: Any) -> None:
    first = True

    async def one_then_wait(request: GetOwnerRequest, context: Any) -> Owner:
        nonlocal first
        if not first:
            await asyncio.Event().wait()
        first = False
        return Owner()

    echo.plan = one_then_wait
    call = client.follow(REQUEST)
    await call.read()
    stopping = asyncio.create_task(server.stop())
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call.read()
    await asyncio.wait_for(stopping, 1.9)  # the grace is 2 s
    error = error_of(caught.value)
    assert isinstance(error, Unavailable)
    assert error.reason == "SERVER_STOPPING"


async def test_a_token_of_the_local_issuer_names_its_caller(echo: Any, tmp_path: Path) -> None:
    issuer = LocalIssuer(tmp_path)
    token = issuer.token(Caller("service", "recording"), 60, "local")
    seen = []

    async def look(request: GetOwnerRequest, context: Any) -> Owner:
        seen.append(caller(context))
        return Owner()

    echo.plan = look
    server = Server("127.0.0.1:0", [(type(echo).add_to, echo)], Verifier(tmp_path / "jwks.json", "local"), service="echo")
    async with server, channel(server.address, lambda: token) as opened:
        await opened.unary_unary("/test.v1.Echo/Ask", GetOwnerRequest.SerializeToString, Owner.FromString)(REQUEST)
    assert seen == [Caller("service", "recording")]


class Anyone:
    def verify(self, token: str) -> Caller:
        return Caller("person", "an")


class Nobody:
    def verify(self, token: str) -> Caller:
        raise AssertionError("health asks for no token")
