"""What a handler may know of its call: who is calling, how much time is left, and the call as the event log records it."""
from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from google.protobuf.message import Message

from vonglau.errors import Unauthenticated
from vonglau.eventlog import Call
from vonglau.identity import Caller
from vonglau.rpc.body import body_hash

if TYPE_CHECKING:
    import grpc


@dataclass(frozen=True, slots=True)
class CallContext:
    """The context that handlers get: gRPC's own, with the caller. For a test of a servicer, `CallContext("/pkg.Service/Method", caller)` is enough."""

    method: str  # /<package>.<Service>/<Method>
    caller: Caller | None
    time_remaining_s: float | None = None  # when no gRPC context is behind it
    grpc_context: grpc.aio.ServicerContext[Any, Any] | None = None

    def time_remaining(self) -> float | None:
        """Seconds to the caller's deadline; None: the method has none."""
        return self.time_remaining_s if self.grpc_context is None else self.grpc_context.time_remaining()

    def __getattr__(self, name: str) -> Any:
        return getattr(object.__getattribute__(self, "grpc_context"), name)


def caller(context: Any) -> Caller:
    """Who is calling, proved by a token.

    Raises: Unauthenticated (TOKEN_MISSING) where nobody proved anything.
    """
    found = getattr(context, "caller", None)
    if found is None:
        raise Unauthenticated("TOKEN_MISSING", "the call carries no proof of identity")
    return found  # type: ignore[no-any-return]


def remaining(context: Any, default: float = 30.0) -> float:
    """Seconds that are left to the caller's deadline, at least 0; `default` where the method has none (live streams)."""
    left = context.time_remaining()
    return default if left is None else max(0.0, left)


def call(context: Any, request: Message) -> Call:
    """The call as its events will name it. A repetition with the same request id and another body is told apart by `body`."""
    fields = request.DESCRIPTOR.fields_by_name
    return Call(
        actor=str(caller(context)),
        method=context.method,
        request_id=getattr(request, "request_id", "") if "request_id" in fields else "",
        body=body_hash(request),
        correlation=uuid.uuid4().hex,
    )
