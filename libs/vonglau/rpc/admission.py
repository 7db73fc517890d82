"""Who may come in: a proved caller, with a deadline."""
from __future__ import annotations

from collections.abc import Collection
from typing import Any, Protocol

import grpc

from vonglau.errors import Invalid, Unauthenticated
from vonglau.identity import Caller
from vonglau.rpc.context import CallContext


class Proof(Protocol):
    """What proves callers; `vonglau.identity.Verifier` is one."""

    def verify(self, token: str) -> Caller:
        """Raises: Unauthenticated."""


class Admission:
    """endless: methods that may be called without a deadline, since they run until their caller goes away."""

    def __init__(self, proof: Proof, endless: Collection[str]) -> None:
        self._proof = proof
        self._endless = endless

    def admit(self, method: str, context: grpc.aio.ServicerContext[Any, Any]) -> CallContext:
        """Raises: Unauthenticated (TOKEN_MISSING, or as the proof says), Invalid (DEADLINE_REQUIRED)."""
        caller = self._proof.verify(bearer(context))
        if method not in self._endless and context.time_remaining() is None:
            raise Invalid("DEADLINE_REQUIRED", "say how long you will wait: set a timeout on the call")
        return CallContext(method, caller, None, context)


def bearer(context: grpc.aio.ServicerContext[Any, Any]) -> str:
    value = next((str(value) for key, value in context.invocation_metadata() or () if key == "authorization"), "")
    scheme, _, token = value.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("TOKEN_MISSING", "send the metadata `authorization: Bearer <token>`")
    return token.strip()
