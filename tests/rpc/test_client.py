"""What a channel adds to each call."""
from __future__ import annotations

from collections import deque
from typing import Any

import grpc
import pytest

from vonglau.errors import Conflict, Refused, Unavailable
from vonglau.identity import Caller
from vonglau.registry.v1.service_pb2 import GetOwnerRequest, Owner, SuspendCameraRequest
from vonglau.rpc import Server, channel, error_of
from vonglau.rpc.client import with_request_id
from vonglau.rpc.service_config import endless_methods, method_configs, timeout_of

REQUEST = GetOwnerRequest(owner="police")


class Registry:
    """Serves the name of a service that has a service config, so that its retries are in force."""

    def __init__(self) -> None:
        self.refusals: deque[Exception] = deque()
        self.calls = 0
        self.remaining = 0.0

    async def get_owner(self, request: GetOwnerRequest, context: Any) -> Owner:
        self.calls += 1
        self.remaining = context.time_remaining()
        if self.refusals:
            raise self.refusals.popleft()
        return Owner(owner=request.owner)

    @staticmethod
    def add_to(registry: Registry, server: Any) -> None:
        handler = grpc.unary_unary_rpc_method_handler(registry.get_owner, GetOwnerRequest.FromString, Owner.SerializeToString)
        server.add_registered_method_handlers("vonglau.registry.v1.Registry", {"GetOwner": handler})


async def ask(registry: Registry, proof: Any, **options: Any) -> Owner:
    serving = Server("127.0.0.1:0", [(Registry.add_to, registry)], proof, service="registry")
    async with serving, channel(serving.address, lambda: "person:an") as opened:
        stub = opened.unary_unary("/vonglau.registry.v1.Registry/GetOwner", GetOwnerRequest.SerializeToString, Owner.FromString)
        answer: Owner = await stub(REQUEST, **options)
        return answer


@pytest.fixture
def proof() -> Any:
    class Believes:
        def verify(self, token: str) -> Caller:
            return Caller.parse(token)

    return Believes()


@pytest.mark.loopback
async def test_a_call_is_made_again_while_the_service_is_unavailable(proof: Any) -> None:
    registry = Registry()
    registry.refusals.extend([Unavailable("LOG_AWAY", "later")] * 2)
    assert (await ask(registry, proof)).owner == "police"
    assert registry.calls == 3


@pytest.mark.loopback
@pytest.mark.parametrize("refusal", [Conflict("LOST_RACE", "again"), Refused("CLOSED", "no")], ids=["aborted", "failed precondition"])
async def test_nothing_but_unavailable_is_retried(proof: Any, refusal: Exception) -> None:
    registry = Registry()
    registry.refusals.append(refusal)
    with pytest.raises(grpc.aio.AioRpcError):
        await ask(registry, proof)
    assert registry.calls == 1


@pytest.mark.loopback
async def test_a_call_without_a_timeout_gets_that_of_the_service_config(proof: Any) -> None:
    registry = Registry()
    await ask(registry, proof)
    assert 9 < registry.remaining <= 10.2


@pytest.mark.loopback
async def test_a_timeout_given_by_the_caller_stands(proof: Any) -> None:
    registry = Registry()
    await ask(registry, proof, timeout=3)
    assert 2 < registry.remaining <= 3.2


@pytest.mark.loopback
async def test_nobody_waits_for_a_server_that_is_not_there(unused_tcp_port: int) -> None:
    async with channel(f"127.0.0.1:{unused_tcp_port}", lambda: "person:an") as opened:
        stub = opened.unary_unary("/vonglau.nobody.v1.Nobody/Ask", GetOwnerRequest.SerializeToString, Owner.FromString)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub(REQUEST)
    assert error_of(caught.value).reason == "UNREACHABLE"


def test_a_command_without_a_request_id_gets_one_and_the_callers_message_stays_as_it_is() -> None:
    request = SuspendCameraRequest(camera="cam-1", reason="storm")
    sent = with_request_id(request)
    assert isinstance(sent, SuspendCameraRequest)
    assert len(sent.request_id) == 36
    assert request.request_id == ""
    sent.request_id = ""
    assert sent == request


def test_a_request_id_that_is_given_and_a_query_without_the_field_go_as_they_are() -> None:
    given = SuspendCameraRequest(camera="cam-1", request_id="mine")
    assert with_request_id(given) is given
    assert with_request_id(REQUEST) is REQUEST


def test_only_live_pictures_are_watched_without_end() -> None:
    assert endless_methods() == {"/vonglau.ingest.v1.Ingest/Watch"}
    assert timeout_of("/vonglau.ingest.v1.Ingest/Watch") is None


def test_a_method_takes_its_own_deadline_before_that_of_its_service() -> None:
    assert timeout_of("/vonglau.registry.v1.Registry/ImportCameras") == 600
    assert timeout_of("/vonglau.registry.v1.Registry/GetOwner") == 10
    assert timeout_of("/some.Other/Method") == 30


def test_every_service_config_retries_only_unavailable_and_waits_for_nobody() -> None:
    policies = [config["retryPolicy"] for config in method_configs() if "retryPolicy" in config]
    assert policies
    assert all(policy["retryableStatusCodes"] == ["UNAVAILABLE"] for policy in policies)
    assert not any(config["waitForReady"] for config in method_configs())
