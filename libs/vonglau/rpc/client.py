"""Channels to services: retries and deadlines by the service configs, a token on every call, request ids filled in."""
from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from google.protobuf.message import Message

from vonglau.rpc.limits import LARGEST_REQUEST, LARGEST_RESPONSE
from vonglau.rpc.observation import labels
from vonglau.rpc.service_config import service_config, timeout_of
from vonglau.rpc.tls import Tls
from vonglau.telemetry import failed, inject, lasting, measure, names, span

TokenSource = Callable[[], str]
Details = grpc.aio.ClientCallDetails
Continuation = Callable[[Details, Any], Awaitable[Any]]

OPTIONS = (
    ("grpc.max_receive_message_length", LARGEST_RESPONSE),
    ("grpc.max_send_message_length", LARGEST_REQUEST),
    ("grpc.lb_policy_name", "round_robin"),
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 5_000),
)


def channel(address: str, token: TokenSource | None, *, tls: Tls | None = None, service: str = "") -> grpc.aio.Channel:
    """A channel to any of the project's services; `error_of` names the errors of its calls.

    address: host:port or a gRPC target (`dns:///…` is balanced over all its addresses). token: called for each RPC, so it must be quick;
    `LocalIssuer.source` makes one; None: the certificate alone says who calls. tls, service: with both, only that service is taken for it, wherever it is.
    A call without a timeout gets the one of its service config; an empty `request_id` gets a new UUID, so that the retries
    of one call are one command.
    """
    attached = Attached(token)
    kinds = (UnaryUnary(attached), UnaryStream(attached), StreamUnary(attached), StreamStream(attached))
    options = [*OPTIONS, ("grpc.service_config", service_config())]
    if tls is None:
        return grpc.aio.insecure_channel(address, options=options, interceptors=kinds)
    options.append(("grpc.ssl_target_name_override", tls.name_of(service)))
    return grpc.aio.secure_channel(address, tls.for_channel(), options=options, interceptors=kinds)


class Attached:
    """What every kind of call gets."""

    def __init__(self, token: TokenSource | None) -> None:
        self._token = token

    def details(self, details: Details) -> Details:
        """With token, trace context and a deadline."""
        method = method_of(details)
        metadata = grpc.aio.Metadata(*(details.metadata or ()))
        if self._token is not None and metadata.get("authorization") is None:
            metadata.add("authorization", f"Bearer {self._token()}")
        headers: dict[str, str] = {}
        inject(headers)
        for key, value in headers.items():
            metadata.add(key, value)
        timeout = timeout_of(method) if details.timeout is None else details.timeout
        return Details(details.method, timeout, metadata, details.credentials, details.wait_for_ready)


class UnaryUnary(grpc.aio.UnaryUnaryClientInterceptor):
    def __init__(self, attached: Attached) -> None:
        self._attached = attached

    async def intercept_unary_unary(self, continuation: Continuation, client_call_details: Details, request: Any) -> Any:
        method = method_of(client_call_details)
        begun = time.perf_counter()
        with span(names.RPC_CLIENT_SPAN, labels(method)) as present:
            call = await continuation(self._attached.details(client_call_details), with_request_id(request))
            code = await code_of(call)
            outcome = {names.RPC_CODE: code.name}
            if code is not grpc.StatusCode.OK:
                failed(present, code.name)
                outcome[names.ERROR_TYPE] = code.name
        measure(names.RPC_CLIENT_DURATION, time.perf_counter() - begun, labels(method) | outcome)
        return call


class UnaryStream(grpc.aio.UnaryStreamClientInterceptor):
    def __init__(self, attached: Attached) -> None:
        self._attached = attached
        self._open: set[asyncio.Task[None]] = set()

    async def intercept_unary_stream(self, continuation: Continuation, client_call_details: Details, request: Any) -> Any:
        with lasting(names.RPC_CLIENT_SPAN, labels(method_of(client_call_details))) as end:
            call = await continuation(self._attached.details(client_call_details), request)
        waiting = asyncio.create_task(ended(call, end))
        self._open.add(waiting)
        waiting.add_done_callback(self._open.discard)
        return call


async def ended(call: Any, end: Callable[[str], None]) -> None:
    code: grpc.StatusCode = await call.code()
    end("" if code is grpc.StatusCode.OK else code.name)


class StreamUnary(grpc.aio.StreamUnaryClientInterceptor):
    def __init__(self, attached: Attached) -> None:
        self._attached = attached

    async def intercept_stream_unary(self, continuation: Continuation, client_call_details: Details, request_iterator: Any) -> Any:
        return await continuation(self._attached.details(client_call_details), request_iterator)


class StreamStream(grpc.aio.StreamStreamClientInterceptor):
    def __init__(self, attached: Attached) -> None:
        self._attached = attached

    async def intercept_stream_stream(self, continuation: Continuation, client_call_details: Details, request_iterator: Any) -> Any:
        return await continuation(self._attached.details(client_call_details), request_iterator)


async def code_of(call: Any) -> grpc.StatusCode:
    """Once it has ended. Who waits for it is cancelled here, and gRPC does not pass that on: without it the server would go on to the deadline."""
    try:
        code: grpc.StatusCode = await call.code()
    except asyncio.CancelledError:
        call.cancel()
        raise
    return code


def method_of(details: Details) -> str:
    """gRPC hands it over as bytes, whatever its types say."""
    method: str | bytes = details.method
    return method.decode() if isinstance(method, bytes) else method


def with_request_id(request: Message) -> Message:
    """The request, or a copy with a new id where it has the field and left it empty (AIP-155)."""
    if "request_id" not in request.DESCRIPTOR.fields_by_name or request.request_id:  # type: ignore[attr-defined]
        return request
    copy = type(request)()
    copy.CopyFrom(request)
    copy.request_id = str(uuid.uuid4())  # type: ignore[attr-defined]
    return copy
