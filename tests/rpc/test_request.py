"""Requests as values: validation by the protos, body hashes without secrets, page tokens, the call as the log records it."""
from __future__ import annotations

import uuid
from typing import Any

import pytest
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from vonglau.errors import Invalid, Unauthenticated
from vonglau.identity import Caller
from vonglau.registry.v1 import service_pb2 as registry
from vonglau.registry.v1.events_pb2 import CameraDetails
from vonglau.rpc import CallContext, PageToken, body_hash, call, caller, page_size, remaining
from vonglau.rpc.body import clear_secrets
from vonglau.rpc.validation import validate

REQUEST_ID = str(uuid.uuid4())
SECRET = registry.Credential(username="admin", password="hunter2")  # noqa: S106 - of a camera that does not exist


def register(**changes: Any) -> registry.RegisterCameraRequest:
    fields: dict[str, Any] = {"owner": "police", "details": CameraDetails(display_name="Ngã tư"), "request_id": REQUEST_ID}
    return registry.RegisterCameraRequest(**fields | changes)


@pytest.mark.parametrize(
    ("request_", "reason", "field"),
    [
        (register(owner=""), "FIELD_REQUIRED", "owner"),
        (register(details=None), "FIELD_REQUIRED", "details"),
        (register(request_id="1"), "REQUEST_ID_MALFORMED", "request_id"),
        (register(request_id="00000000-0000-1000-8000-000000000000"), "REQUEST_ID_MALFORMED", "request_id"),
        (registry.ListCamerasRequest(page_size=-1), "PAGE_SIZE_NEGATIVE", "page_size"),
        (registry.GetCameraRequest(camera="gate", as_of=Timestamp(seconds=253_402_300_800)), "TIME_IMPOSSIBLE", "as_of"),
        (registry.GetCameraRequest(camera="gate", as_of=Timestamp(seconds=-(2**63))), "TIME_IMPOSSIBLE", "as_of"),
        (registry.ListCamerasRequest(as_of=Timestamp(nanos=-1)), "TIME_IMPOSSIBLE", "as_of"),
        (registry.ListCamerasRequest(as_of=Timestamp(nanos=1_000_000_000)), "TIME_IMPOSSIBLE", "as_of"),
    ],
    ids=[
        "empty text", "absent message", "no UUID", "a UUID of version 1", "negative page size",
        "year 10000", "before year 1", "negative nanos", "a second of nanos",
    ],
)
def test_a_request_that_its_own_proto_forbids_is_invalid(request_: Message, reason: str, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        validate(request_)
    assert (caught.value.reason, caught.value.field) == (reason, field)


@pytest.mark.parametrize("request_id", ["", REQUEST_ID, REQUEST_ID.upper()], ids=["none", "lower case", "upper case"])
def test_a_request_with_everything_it_needs_is_valid(request_id: str) -> None:
    validate(register(request_id=request_id))


def test_a_message_within_the_request_that_is_there_but_empty_counts_as_given() -> None:
    validate(register(details=CameraDetails()))


def test_a_body_hash_is_the_same_for_a_repetition_and_another_for_another_body() -> None:
    again = register(request_id=str(uuid.uuid4()))
    assert body_hash(register()) == body_hash(again)
    assert body_hash(register()) != body_hash(register(owner="ward-12"))


def test_a_secret_has_no_part_in_a_body_hash() -> None:
    assert body_hash(register(credential=SECRET)) == body_hash(register())


def test_secrets_are_cleared_at_any_depth_and_nothing_else_is() -> None:
    rows = [registry.ImportRow(row=1, owner="police", credential=SECRET), registry.ImportRow(row=2)]
    request = registry.ImportCamerasRequest(rows=rows)
    clear_secrets(request)
    assert request == registry.ImportCamerasRequest(rows=[registry.ImportRow(row=1, owner="police"), registry.ImportRow(row=2)])


def test_hashing_leaves_the_request_as_it_was() -> None:
    request = register(credential=SECRET)
    body_hash(request)
    assert request == register(credential=SECRET)


def test_a_call_names_its_actor_method_request_and_body() -> None:
    context = CallContext("/vonglau.registry.v1.Registry/RegisterCamera", Caller("person", "an"))
    made = call(context, register())
    assert (made.actor, made.method, made.request_id) == ("person:an", "/vonglau.registry.v1.Registry/RegisterCamera", REQUEST_ID)
    assert made.body == body_hash(register())


def test_calls_without_request_ids_are_told_apart() -> None:
    context = CallContext("/x.Y/Z", Caller("person", "an"))
    ids = {call(context, register(request_id="")).derived_id("cam") for _ in range(3)}
    assert len(ids) == 3


def test_a_context_without_a_caller_has_none() -> None:
    with pytest.raises(Unauthenticated):
        caller(CallContext("/x.Y/Z", None))


def test_a_call_without_a_deadline_has_the_default_time_left_and_a_late_one_has_none() -> None:
    assert remaining(CallContext("/x.Y/Z", None), default=12) == 12
    assert remaining(CallContext("/x.Y/Z", None, time_remaining_s=-3)) == 0


def test_a_page_token_gives_back_its_place_for_the_same_query() -> None:
    first = registry.ListCamerasRequest(owner="police", page_size=10)
    token = PageToken.encode(first, ["Ngã tư", "cam-1"])
    following = registry.ListCamerasRequest(owner="police", page_size=50, page_token=token, min_version="es_registry:7")
    assert PageToken.decode(following) == ["Ngã tư", "cam-1"]
    assert token.isascii()
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_the_first_page_has_no_place() -> None:
    assert PageToken.decode(registry.ListCamerasRequest()) is None


def test_a_page_token_of_another_query_is_invalid() -> None:
    token = PageToken.encode(registry.ListCamerasRequest(owner="police"), ["cam-1"])
    with pytest.raises(Invalid) as caught:
        PageToken.decode(registry.ListCamerasRequest(owner="ward-12", page_token=token))
    assert caught.value.reason == "PAGE_TOKEN_OF_ANOTHER_QUERY"


def test_a_page_token_of_another_list_is_invalid() -> None:
    token = PageToken.encode(registry.ListCamerasRequest(), ["cam-1"])
    with pytest.raises(Invalid, match="begin again"):
        PageToken.decode(registry.ListOwnersRequest(page_token=token))


@pytest.mark.parametrize("token", ["x", "%%%", "AAAA", "Ngã", "a" * 400], ids=["short", "signs", "no place", "letters", "long"])
def test_a_page_token_that_nobody_gave_out_is_invalid(token: str) -> None:
    with pytest.raises(Invalid) as caught:
        PageToken.decode(registry.ListCamerasRequest(page_token=token))
    assert caught.value.field == "page_token"


@pytest.mark.parametrize(("asked", "given"), [(0, 100), (7, 7), (5000, 1000)], ids=["default", "as asked", "at most"])
def test_a_page_size_has_a_default_and_a_bound(asked: int, given: int) -> None:
    assert page_size(registry.ListOwnersRequest(page_size=asked), default=100, most=1000) == given
