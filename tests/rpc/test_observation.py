"""Every call is measured and traced, by the names of the conventions."""
from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest
from opentelemetry.trace import SpanKind

from vonglau.errors import Refused
from vonglau.registry.v1.service_pb2 import GetOwnerRequest, Owner
from vonglau.telemetry import names
from vonglau.testing.waiting import eventually

pytestmark = pytest.mark.loopback

SERVED, CALLED = "rpc.server.call.duration", "rpc.client.call.duration"
REQUEST = GetOwnerRequest(owner="police")


async def test_a_served_call_belongs_to_its_callers_trace(exported: Any, client: Any) -> None:
    await client.ask(REQUEST)
    served, called = exported.spans()
    assert served.name == called.name == "test.v1.Echo/Ask"
    assert served.parent is not None
    assert served.parent.span_id == called.get_span_context().span_id


async def test_a_call_is_measured_under_its_method_and_status(exported: Any, client: Any) -> None:
    await client.ask(REQUEST)
    assert exported.labels(SERVED) == [{names.RPC_SYSTEM: "grpc", names.RPC_METHOD: "test.v1.Echo/Ask", names.RPC_CODE: "OK"}]


async def refused(echo: Any, client: Any) -> None:
    async def refuse(request: GetOwnerRequest, context: Any) -> Owner:
        raise Refused("OWNER_CLOSED", "closed")

    echo.plan = refuse
    with pytest.raises(grpc.aio.AioRpcError):
        await client.ask(REQUEST)


async def test_a_refused_call_is_measured_under_its_reason(exported: Any, echo: Any, client: Any) -> None:
    await refused(echo, client)
    (labels,) = exported.labels(SERVED)
    assert (labels[names.RPC_CODE], labels[names.ERROR_TYPE]) == ("FAILED_PRECONDITION", "OWNER_CLOSED")


async def test_a_refused_call_is_an_error_in_its_callers_span_and_duration(exported: Any, echo: Any, client: Any) -> None:
    await refused(echo, client)
    called = exported.spans()[-1]
    assert (called.kind, called.status.is_ok, called.status.description) == (SpanKind.CLIENT, False, "FAILED_PRECONDITION")
    (labels,) = exported.labels(CALLED)
    assert labels[names.ERROR_TYPE] == labels[names.RPC_CODE] == "FAILED_PRECONDITION"


async def test_a_call_that_its_caller_gave_up_ends_at_the_server(exported: Any, echo: Any, client: Any) -> None:
    begun = asyncio.Event()

    async def wait(request: GetOwnerRequest, context: Any) -> Owner:
        begun.set()
        return await asyncio.Event().wait()  # type: ignore[return-value]  # never

    echo.plan = wait
    asking = asyncio.ensure_future(client.ask(REQUEST, timeout=60))
    await begun.wait()
    asking.cancel()
    await eventually(lambda: [labels[names.RPC_CODE] for labels in exported.labels(SERVED)] == ["CANCELLED"], 5)


async def test_a_stream_that_its_caller_left_is_measured_as_cancelled(exported: Any, echo: Any, client: Any) -> None:
    echo.responses = 10**9
    call = client.listen(REQUEST)
    await call.read()
    call.cancel()
    await echo.ended.wait()
    (labels,) = exported.labels(SERVED)
    assert labels[names.RPC_CODE] == "CANCELLED"
