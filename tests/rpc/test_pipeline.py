"""What every handler of every kind may rely on."""
from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest

from vonglau.errors import Invalid, Refused, VonglauError
from vonglau.identity import Caller
from vonglau.registry.v1.service_pb2 import GetOwnerRequest, Owner
from vonglau.rpc import caller, error_of, remaining

pytestmark = pytest.mark.loopback

REQUEST = GetOwnerRequest(owner="police")


async def refusal(call: Any) -> VonglauError:
    """The error that a call of any kind ends with."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await outcome(call)
    return error_of(caught.value)


async def outcome(call: Any) -> list[Owner]:
    return [response async for response in call] if hasattr(call, "__aiter__") else [await call]


def each_kind(client: Any, request: GetOwnerRequest = REQUEST, **options: Any) -> list[Any]:
    return [
        client.ask(request, **options),
        client.listen(request, **options),
        client.tell(iter([request]), **options),
        client.talk(iter([request]), **options),
    ]


async def test_all_four_kinds_of_rpc_answer_through_the_pipeline(client: Any) -> None:
    answers = [[owner.owner for owner in await outcome(call)] for call in each_kind(client)]
    assert answers == [["police"], ["police"] * 3, ["police"], ["police"]]


async def test_the_handler_knows_who_is_calling_and_how_much_time_is_left(echo: Any, client: Any) -> None:
    seen: list[tuple[Caller, float]] = []

    async def look(request: GetOwnerRequest, context: Any) -> Owner:
        seen.append((caller(context), remaining(context)))
        return Owner()

    echo.plan = look
    for call in each_kind(client, timeout=7):
        await outcome(call)
    assert {who for who, _ in seen} == {Caller("person", "an")}
    assert all(6 < left <= 7.2 for _, left in seen)


async def test_an_error_has_the_same_class_and_reason_for_its_caller_whatever_the_kind(echo: Any, client: Any) -> None:
    async def refuse(request: GetOwnerRequest, context: Any) -> Owner:
        raise Refused("OWNER_CLOSED", "this owner is closed", owner=request.owner)

    echo.plan = refuse
    for call in each_kind(client):
        error = await refusal(call)
        assert (type(error), error.reason, error.message, error.metadata) == (Refused, "OWNER_CLOSED", "this owner is closed", {"owner": "police"})


async def test_an_invalid_request_never_reaches_the_handler(echo: Any, client: Any) -> None:
    for call in each_kind(client, GetOwnerRequest()):
        error = await refusal(call)
        assert isinstance(error, Invalid)
        assert (error.reason, error.field) == ("FIELD_REQUIRED", "owner")
    assert echo.calls == 0


async def test_a_call_without_a_token_is_turned_away_whatever_the_kind(stranger: Any) -> None:
    for call in each_kind(stranger, timeout=5):
        assert (await refusal(call)).reason == "TOKEN_MISSING"


async def test_a_call_whose_token_is_not_believed_is_turned_away(stranger: Any) -> None:
    error = await refusal(stranger.ask(REQUEST, timeout=5, metadata=(("authorization", "Bearer forged"),)))
    assert error.reason == "TOKEN_FORGED"


async def test_a_token_of_another_scheme_is_no_token(stranger: Any) -> None:
    error = await refusal(stranger.ask(REQUEST, timeout=5, metadata=(("authorization", "Basic person:an"),)))
    assert error.reason == "TOKEN_MISSING"


async def test_a_call_without_a_deadline_is_turned_away_whatever_the_kind(stranger: Any) -> None:
    for call in each_kind(stranger, metadata=(("authorization", "Bearer person:an"),)):
        assert (await refusal(call)).reason == "DEADLINE_REQUIRED"


async def test_an_endless_method_needs_no_deadline(stranger: Any) -> None:
    call = stranger.follow(REQUEST, metadata=(("authorization", "Bearer person:an"),))
    assert len(await outcome(call)) == 3


async def test_an_error_nobody_foresaw_is_told_by_an_incident_number_and_logged_with_it(echo: Any, client: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def break_down(request: GetOwnerRequest, context: Any) -> Owner:
        raise KeyError("secret thought")

    echo.plan = break_down
    error = await refusal(client.ask(REQUEST))
    assert error.reason == "INTERNAL"
    assert "secret thought" not in error.message
    assert error.metadata["incident"] in caplog.text
    assert "secret thought" in caplog.text


async def test_a_method_that_nobody_serves_is_unimplemented(server: Any, client: Any) -> None:
    async with grpc.aio.insecure_channel(server.address) as opened:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await opened.unary_unary("/test.v1.Echo/Sing", GetOwnerRequest.SerializeToString, Owner.FromString)(REQUEST, timeout=5)
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_a_caller_who_goes_away_between_responses_ends_the_stream(echo: Any, client: Any) -> None:
    asked = asyncio.Event()

    async def second_never_comes(request: GetOwnerRequest, context: Any) -> Owner:
        if asked.is_set():
            await asyncio.Event().wait()
        asked.set()
        return Owner()

    echo.plan = second_never_comes
    call = client.listen(REQUEST)
    await call.read()
    call.cancel()
    await asyncio.wait_for(echo.ended.wait(), 5)


async def test_a_caller_who_goes_away_while_a_response_is_being_sent_ends_the_stream(echo: Any, client: Any) -> None:
    async def large(request: GetOwnerRequest, context: Any) -> Owner:
        return Owner(owner="x" * 1_000_000)

    echo.plan, echo.responses = large, 1_000_000
    call = client.listen(REQUEST)
    await call.read()
    await asyncio.sleep(0.1)  # nobody reads, so the window fills up and the server waits in a write
    assert not echo.ended.is_set()
    call.cancel()
    await asyncio.wait_for(echo.ended.wait(), 5)


async def test_a_deadline_that_passes_ends_the_handler(echo: Any, client: Any) -> None:
    async def too_late(request: GetOwnerRequest, context: Any) -> Owner:
        await asyncio.Event().wait()
        return Owner()

    echo.plan = too_late
    error = await refusal(client.listen(REQUEST, timeout=0.2))
    assert error.reason == "DEADLINE_EXCEEDED"
    await asyncio.wait_for(echo.ended.wait(), 5)


async def test_a_conversation_answers_each_request_before_the_next_one_comes(client: Any) -> None:
    call = client.talk()
    for name in ("police", "ward-12"):
        await call.write(GetOwnerRequest(owner=name))
        assert (await asyncio.wait_for(call.read(), 5)).owner == name
    await call.done_writing()
    assert await call.read() is grpc.aio.EOF
