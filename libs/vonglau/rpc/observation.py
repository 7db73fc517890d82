"""Rate, errors, duration and a span of each call, served or made."""
from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc

from vonglau.errors import VonglauError
from vonglau.rpc.status import code_of
from vonglau.telemetry import extract, measure, names, span


@contextmanager
def observed(method: str, context: grpc.aio.ServicerContext[Any, Any]) -> Iterator[None]:
    """Around a served call, in its caller's trace."""
    parent = extract({key: str(value) for key, value in context.invocation_metadata() or () if key in ("traceparent", "tracestate")})
    with timed(names.RPC_SERVER_DURATION, method), span(names.RPC_SERVER_SPAN, labels(method), parent=parent):
        yield


@contextmanager
def timed(metric: names.Metric, method: str) -> Iterator[None]:
    """Measure the body in seconds under the status that its outcome has."""
    begun, outcome = time.perf_counter(), {names.RPC_CODE: grpc.StatusCode.OK.name}
    try:
        yield
    except BaseException as error:
        outcome = outcome_of(error)
        raise
    finally:
        measure(metric, time.perf_counter() - begun, labels(method) | outcome)


def outcome_of(error: BaseException) -> dict[str, str]:
    if isinstance(error, VonglauError):
        return {names.RPC_CODE: code_of(error).name, names.ERROR_TYPE: error.reason}
    if isinstance(error, grpc.aio.AioRpcError):
        return {names.RPC_CODE: error.code().name, names.ERROR_TYPE: error.code().name}
    code = grpc.StatusCode.CANCELLED if isinstance(error, asyncio.CancelledError | GeneratorExit) else grpc.StatusCode.INTERNAL
    return {names.RPC_CODE: code.name, names.ERROR_TYPE: type(error).__name__}


def labels(method: str) -> dict[str, str]:
    return {names.RPC_SYSTEM: "grpc", names.RPC_METHOD: method.removeprefix("/")}
