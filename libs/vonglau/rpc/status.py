"""The one table between errors and gRPC statuses, in both directions. Every status carries exactly one ErrorInfo (AIP-193)."""
from __future__ import annotations

import grpc
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

from vonglau.errors import AlreadyExists, Conflict, Damaged, Denied, Exhausted, Invalid, NotFound, Refused, Unauthenticated, Unavailable, VonglauError

CODES: dict[type[VonglauError], grpc.StatusCode] = {
    Invalid: grpc.StatusCode.INVALID_ARGUMENT,
    NotFound: grpc.StatusCode.NOT_FOUND,
    AlreadyExists: grpc.StatusCode.ALREADY_EXISTS,
    Refused: grpc.StatusCode.FAILED_PRECONDITION,
    Conflict: grpc.StatusCode.ABORTED,
    Denied: grpc.StatusCode.PERMISSION_DENIED,
    Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
    Exhausted: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Unavailable: grpc.StatusCode.UNAVAILABLE,
    Damaged: grpc.StatusCode.DATA_LOSS,
}
ERRORS = {code: error for error, code in CODES.items()}

# A status travels in HTTP/2 trailers, which peers cut off or refuse above 8 KiB.
LONGEST_MESSAGE, LONGEST_VALUE, MOST_VALUES = 1000, 200, 16


def code_of(error: VonglauError) -> grpc.StatusCode:
    """By the nearest class in the table; INTERNAL for an error that names no consequence."""
    return next((CODES[cls] for cls in type(error).__mro__ if cls in CODES), grpc.StatusCode.INTERNAL)


def status_of(error: VonglauError, domain: str) -> Status:
    """domain: `<service>.vonglau`."""
    number, _ = code_of(error).value
    status = Status(code=number, message=cut(error.message, LONGEST_MESSAGE))
    values = {key: cut(str(value), LONGEST_VALUE) for key, value in list(error.metadata.items())[:MOST_VALUES]}
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason=error.reason, domain=domain, metadata=values))
    if isinstance(error, Unavailable):
        status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=duration(error.retry_after)))
    if isinstance(error, Invalid) and error.field:
        status.details.add().Pack(field_violation(error.field, status.message))
    return status


def error_of(error: grpc.aio.AioRpcError) -> VonglauError:
    """What a called service meant, as an error of the same class. A call that never reached it is Unavailable.

    DEADLINE_EXCEEDED is Unavailable too: the outcome is unknown, and the same request may be sent again with its request id.
    """
    status = rpc_status.from_call(error)  # type: ignore[arg-type]
    details = error.details() or error.code().name
    if status is None:
        return without_details(error.code(), details)
    info, retry, violations = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo(), error_details_pb2.BadRequest()
    for detail in status.details:
        for known in (info, retry, violations):
            detail.Unpack(known)
    field = violations.field_violations[0].field if violations.field_violations else ""
    code = error.code()
    return made(code, info.reason or code.name, status.message, dict(info.metadata), retry.retry_delay.ToMilliseconds() / 1000, field)


def without_details(code: grpc.StatusCode, details: str) -> VonglauError:
    """An error of the transport, or of a server that is not ours."""
    if code is grpc.StatusCode.UNAVAILABLE:
        return Unavailable("UNREACHABLE", details)
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return Unavailable("DEADLINE_EXCEEDED", details)
    return made(code, code.name, details, {}, 1.0, "")


def made(code: grpc.StatusCode, reason: str, message: str, metadata: dict[str, str], retry_after: float, field: str) -> VonglauError:
    cls = ERRORS.get(code, VonglauError)
    error = cls.__new__(cls)  # their constructors speak to who raises them; here all parts are known
    VonglauError.__init__(error, reason, message, **metadata)
    if isinstance(error, Unavailable):
        error.retry_after = retry_after
    if isinstance(error, Invalid):
        error.field = field
    return error


def field_violation(field: str, description: str) -> error_details_pb2.BadRequest:
    violation = error_details_pb2.BadRequest.FieldViolation(field=field, description=description)
    return error_details_pb2.BadRequest(field_violations=[violation])


def duration(seconds: float) -> Duration:
    whole = Duration()
    whole.FromMilliseconds(int(seconds * 1000))
    return whole


def cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
