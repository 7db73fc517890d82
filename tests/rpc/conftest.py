"""A service with one method of each kind, served through the whole pipeline, and its client. `await echo.ask(…)` does what `echo.plan` says."""
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
import pytest

from vonglau.errors import Unauthenticated
from vonglau.identity import Caller
from vonglau.registry.v1.service_pb2 import GetOwnerRequest, Owner
from vonglau.rpc import Server, channel

SERVICE = "test.v1.Echo"
ENDLESS = f"/{SERVICE}/Follow"


class NameTags:
    """Believes every token that is a caller's name."""

    def verify(self, token: str) -> Caller:
        if token.startswith("forged"):
            raise Unauthenticated("TOKEN_FORGED", "the signature does not fit")
        return Caller.parse(token)


class Echo:
    """What the handlers do is set by the test: a function of (request, context); for streams, asked for each response."""

    def __init__(self) -> None:
        self.plan: Callable[[GetOwnerRequest, Any], Awaitable[Owner]] = self.answer
        self.responses = 3
        self.ended = asyncio.Event()
        self.calls = 0

    async def answer(self, request: GetOwnerRequest, context: Any) -> Owner:
        return Owner(owner=request.owner)

    async def ask(self, request: GetOwnerRequest, context: Any) -> Owner:
        self.calls += 1
        return await self.plan(request, context)

    async def listen(self, request: GetOwnerRequest, context: Any) -> AsyncIterator[Owner]:
        try:
            for _ in range(self.responses):
                yield await self.plan(request, context)
        finally:
            self.ended.set()

    async def tell(self, requests: AsyncIterator[GetOwnerRequest], context: Any) -> Owner:
        told = [request.owner async for request in requests]
        return await self.plan(GetOwnerRequest(owner="+".join(told)), context)

    async def talk(self, requests: AsyncIterator[GetOwnerRequest], context: Any) -> AsyncIterator[Owner]:
        try:
            async for request in requests:
                yield await self.plan(request, context)
        finally:
            self.ended.set()

    @staticmethod
    def add_to(echo: Echo, server: Any) -> None:
        kinds: dict[str, tuple[Any, Any]] = {
            "Ask": (grpc.unary_unary_rpc_method_handler, echo.ask),
            "Listen": (grpc.unary_stream_rpc_method_handler, echo.listen),
            "Follow": (grpc.unary_stream_rpc_method_handler, echo.listen),
            "Tell": (grpc.stream_unary_rpc_method_handler, echo.tell),
            "Talk": (grpc.stream_stream_rpc_method_handler, echo.talk),
        }
        handlers = {name: kind(handler, GetOwnerRequest.FromString, Owner.SerializeToString) for name, (kind, handler) in kinds.items()}
        server.add_registered_method_handlers(SERVICE, handlers)


class Client:
    """Stubs of the echo service on a channel."""

    def __init__(self, on: grpc.aio.Channel) -> None:
        kinds: dict[str, Any] = {"Ask": on.unary_unary, "Listen": on.unary_stream, "Follow": on.unary_stream, "Tell": on.stream_unary, "Talk": on.stream_stream}
        for name, kind in kinds.items():
            stub = kind(f"/{SERVICE}/{name}", GetOwnerRequest.SerializeToString, Owner.FromString)
            setattr(self, name.lower(), stub)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
async def server(echo: Echo) -> AsyncIterator[Server]:
    async with Server("127.0.0.1:0", [(Echo.add_to, echo)], NameTags(), service="echo", grace_s=2, endless=[ENDLESS]) as serving:
        yield serving


@pytest.fixture
async def client(server: Server) -> AsyncIterator[Client]:
    """Calls as person:an."""
    async with channel(server.address, lambda: "person:an") as opened:
        yield Client(opened)


@pytest.fixture
async def stranger(server: Server) -> AsyncIterator[Client]:
    """A channel without anything that ours add: no token, no deadline, no retries."""
    async with grpc.aio.insecure_channel(server.address) as opened:
        yield Client(opened)
