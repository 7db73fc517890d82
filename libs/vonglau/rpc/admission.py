"""Who may come in: a proved caller, with a deadline."""
from __future__ import annotations

from collections.abc import Collection
from typing import Any, Protocol

import grpc

from vonglau.errors import Invalid, Unauthenticated
from vonglau.identity import Caller
from vonglau.rpc.context import CallContext
from vonglau.rpc.tls import Tls


class Proof(Protocol):
    """What proves callers; `vonglau.identity.Verifier` is one."""

    def verify(self, token: str) -> Caller:
        """Raises: Unauthenticated."""


class Admission:
    """endless: methods that may be called without a deadline, since they run until their caller goes away."""

    def __init__(self, proof: Proof, endless: Collection[str], tls: Tls | None = None) -> None:
        """tls: with it the certificate says which service calls, unless a token speaks for a person behind it."""
        self._proof = proof
        self._endless = endless
        self._tls = tls

    def admit(self, method: str, context: grpc.aio.ServicerContext[Any, Any]) -> CallContext:
        """Raises: Unauthenticated (TOKEN_MISSING, CERTIFICATE_NAMES_NO_SERVICE, or as the proof says), Invalid (DEADLINE_REQUIRED)."""
        caller = self._caller(context)
        if method not in self._endless and context.time_remaining() is None:
            raise Invalid("DEADLINE_REQUIRED", "say how long you will wait: set a timeout on the call")
        return CallContext(method, caller, None, context)


    def _caller(self, context: grpc.aio.ServicerContext[Any, Any]) -> Caller:
        if self._tls is None:
            return self._proof.verify(bearer(context))
        service = self._tls.caller(context)
        if service is None:
            raise Unauthenticated("CERTIFICATE_NAMES_NO_SERVICE", "the certificate of the connection is not that of a service of this tenant")
        return self._proof.verify(bearer(context)) if authorization(context) else service


def authorization(context: grpc.aio.ServicerContext[Any, Any]) -> str:
    return next((str(value) for key, value in context.invocation_metadata() or () if key == "authorization"), "")


def bearer(context: grpc.aio.ServicerContext[Any, Any]) -> str:
    scheme, _, token = authorization(context).partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("TOKEN_MISSING", "send the metadata `authorization: Bearer <token>`")
    return token.strip()
