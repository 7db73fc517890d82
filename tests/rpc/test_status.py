"""The error table, there and back."""
from __future__ import annotations

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from vonglau import errors
from vonglau.errors import Invalid, NotFound, Unavailable, VonglauError
from vonglau.rpc.status import CODES, code_of, error_of, status_of

EXAMPLES: list[VonglauError] = [
    Invalid("FIELD_REQUIRED", "name is required", field="name"),
    NotFound("camera", "cam-1"),
    Unavailable("LOG_AWAY", "the log is away", retry_after=2.5, stream="es_registry"),
    *(cls("SOME_REASON", "a sentence", camera="cam-1") for cls in CODES if cls not in (Invalid, NotFound, Unavailable)),
]


def as_received(error: VonglauError) -> VonglauError:
    """What a client makes of it."""
    status = rpc_status.to_status(status_of(error, "registry.vonglau"))
    trailers = grpc.aio.Metadata(*status.trailing_metadata)
    return error_of(grpc.aio.AioRpcError(status.code, grpc.aio.Metadata(), trailers, status.details))


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_an_error_arrives_with_its_class_reason_message_and_metadata(error: VonglauError) -> None:
    received = as_received(error)
    assert type(received) is type(error)
    assert vars(received) == vars(error)


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_a_status_carries_exactly_one_error_info_of_the_service(error: VonglauError) -> None:
    infos = [detail for detail in status_of(error, "registry.vonglau").details if detail.TypeName() == "google.rpc.ErrorInfo"]
    assert len(infos) == 1
    info = error_details_pb2.ErrorInfo()
    infos[0].Unpack(info)
    assert (info.reason, info.domain) == (error.reason, "registry.vonglau")


def test_every_error_that_may_reach_a_caller_has_a_line_in_the_table() -> None:
    named = {cls for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, VonglauError) and cls is not VonglauError}
    assert named == set(CODES)
    assert len(set(CODES.values())) == len(CODES)


def test_a_more_special_error_takes_the_code_of_what_it_is_a_kind_of() -> None:
    class Busy(Unavailable):
        pass

    assert code_of(Busy("BUSY", "later")) is grpc.StatusCode.UNAVAILABLE


def test_an_unavailable_part_says_when_to_come_back() -> None:
    status = status_of(Unavailable("LOG_AWAY", "later", retry_after=2.5), "registry.vonglau")
    retry = error_details_pb2.RetryInfo()
    assert any(detail.Unpack(retry) for detail in status.details)
    assert retry.retry_delay.ToMilliseconds() == 2500


def test_an_invalid_field_is_named_as_a_violation() -> None:
    status = status_of(Invalid("FIELD_REQUIRED", "name is required", field="details.name"), "registry.vonglau")
    bad = error_details_pb2.BadRequest()
    assert any(detail.Unpack(bad) for detail in status.details)
    assert [(violation.field, violation.description) for violation in bad.field_violations] == [("details.name", "name is required")]


def test_a_status_stays_below_what_trailers_carry_however_long_the_message() -> None:
    error = Invalid("LINE_TOO_LONG", "x" * 1_000_000, **{f"k{n}": "y" * 10_000 for n in range(100)})
    assert status_of(error, "registry.vonglau").ByteSize() < 8000


def test_a_server_that_cannot_be_reached_is_unavailable() -> None:
    error = error_of(grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata(), "connection refused"))
    assert isinstance(error, Unavailable)
    assert error.reason == "UNREACHABLE"


def test_a_status_of_a_strange_server_keeps_its_code_as_reason() -> None:
    error = error_of(grpc.aio.AioRpcError(grpc.StatusCode.UNIMPLEMENTED, grpc.aio.Metadata(), grpc.aio.Metadata(), "no such method"))
    assert (type(error), error.reason, error.message) == (VonglauError, "UNIMPLEMENTED", "no such method")
