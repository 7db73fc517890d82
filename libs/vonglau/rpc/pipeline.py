"""What happens around every handler, for all four kinds of RPC, in this order: errors told, time and trace taken, caller proved,
deadline required, request validated; then the handler. Handlers are async functions, and async generators where they stream.
"""
from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from typing import Any, TypeAlias, cast

import grpc
from google.protobuf.message import Message

from vonglau.deadline import within
from vonglau.rpc.admission import Admission
from vonglau.rpc.context import CallContext
from vonglau.rpc.endings import Endings
from vonglau.rpc.observation import observed
from vonglau.rpc.telling import Telling
from vonglau.rpc.validation import validate

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"  # quoted: only the type stubs know these as generic
Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Around = Callable[[Context], AbstractAsyncContextManager[CallContext]]

OPEN_PREFIX = "/grpc.health.v1.Health/"  # probes have no identity, and its Watch runs for ever


class Pipeline(grpc.aio.ServerInterceptor):
    """One interceptor, so that the order stands in one place. Wrapped handlers are kept per method."""

    def __init__(self, admission: Admission, telling: Telling, endings: Endings) -> None:
        self._admission = admission
        self._telling = telling
        self._endings = endings
        self._wrapped: dict[str, Handler] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """None: gRPC itself answers UNIMPLEMENTED."""
        method = handler_call_details.method
        if method in self._wrapped:
            return self._wrapped[method]
        handler = await continuation(handler_call_details)
        if handler is None or method.startswith(OPEN_PREFIX):
            return handler
        self._wrapped[method] = wrapped = wrap(handler, self._around(method))
        return wrapped

    def _around(self, method: str) -> Around:
        @asynccontextmanager
        async def around(context: Context) -> AsyncIterator[CallContext]:
            async with self._telling.told(method, context):
                with observed(method, context):
                    admitted = self._admission.admit(method, context)
                    async with self._endings.owned(method):
                        with within(admitted.time_remaining()):
                            yield admitted

        return around


def wrap(handler: Handler, around: Around) -> Handler:
    """The same kind of handler, with `around` around it and each request validated."""
    behaviour = next(each for each in (handler.unary_unary, handler.unary_stream, handler.stream_unary, handler.stream_stream) if each is not None)
    constructor, wrapped = {
        (False, False): (grpc.unary_unary_rpc_method_handler, answering),
        (False, True): (grpc.unary_stream_rpc_method_handler, streaming),
        (True, False): (grpc.stream_unary_rpc_method_handler, answering),
        (True, True): (grpc.stream_stream_rpc_method_handler, streaming),
    }[handler.request_streaming, handler.response_streaming]
    received = each_validated if handler.request_streaming else validated
    return cast("Handler", cast("Any", constructor)(wrapped(behaviour, received, around), handler.request_deserializer, handler.response_serializer))


def answering(behaviour: Any, received: Callable[[Any], Any], around: Around) -> Callable[[Any, Context], Awaitable[Any]]:
    async def answer(request: Any, context: Context) -> Any:
        async with around(context) as admitted:
            return await behaviour(received(request), admitted)

    return answer


def streaming(behaviour: Any, received: Callable[[Any], Any], around: Around) -> Callable[[Any, Context], Awaitable[None]]:
    """Written out by `context.write`, not by a generator: so a caller who goes away ends the handler at once, in its own task."""

    async def stream(request: Any, context: Context) -> None:
        async with around(context) as admitted, aclosing(behaviour(received(request), admitted)) as responses:
            async for response in responses:
                await context.write(response)

    return stream


def validated(request: Message) -> Message:
    validate(request)
    return request


async def each_validated(requests: AsyncIterator[Message]) -> AsyncIterator[Message]:
    async for request in requests:
        yield validated(request)
