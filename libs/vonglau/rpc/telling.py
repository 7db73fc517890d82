"""How a caller is told of an error: by the table where it has a name, by an incident number where nobody named it."""
from __future__ import annotations

import logging
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
from grpc_status import rpc_status

from vonglau.errors import Unavailable, VonglauError
from vonglau.rpc.status import error_of, status_of
from vonglau.telemetry import count, names

log = logging.getLogger(__name__)


class Telling:
    """domain: of the ErrorInfo, `<service>.vonglau`."""

    def __init__(self, domain: str) -> None:
        self._domain = domain

    @asynccontextmanager
    async def told(self, method: str, context: grpc.aio.ServicerContext[Any, Any]) -> AsyncIterator[None]:
        """Errors of the body end the call with their status; cancellation passes through."""
        try:
            yield
        except grpc.aio.AbortError:
            raise
        except VonglauError as error:
            await self._abort(context, error)
        except Exception as error:  # noqa: BLE001 - the outer edge of every call: counted, logged with an id, told without its text
            await self._abort(context, named(method, error))

    async def _abort(self, context: grpc.aio.ServicerContext[Any, Any], error: VonglauError) -> None:
        await context.abort_with_status(rpc_status.to_status(status_of(error, self._domain)))


def named(method: str, error: Exception) -> VonglauError:
    """A service called in turn that is away is Unavailable here too; what else it refused was our mistake, not our caller's."""
    if isinstance(error, grpc.aio.AioRpcError):
        meant = error_of(error)
        if isinstance(meant, Unavailable):
            return meant
    incident = uuid.uuid4().hex[:12]
    count(names.RPC_INCIDENTS, 1, {names.RPC_METHOD: method.removeprefix("/"), names.ERROR_TYPE: type(error).__name__})
    log.error("incident %s in %s", incident, method, exc_info=error)
    return VonglauError("INTERNAL", f"an error that nobody foresaw; its log entry is incident {incident}", incident=incident)
