"""Errors named by their consequence for the caller. `vonglau.rpc` maps each to one gRPC status; nothing else does.

A reason is UPPER_SNAKE, at most 63 characters (AIP-193); whatever varies in the message is repeated in metadata.
"""
from __future__ import annotations


class VonglauError(Exception):
    """Base of all errors that may reach a caller."""

    def __init__(self, reason: str, message: str, **metadata: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.metadata = metadata


class Invalid(VonglauError):
    """The request can never succeed as it is: INVALID_ARGUMENT."""

    def __init__(self, reason: str, message: str, *, field: str = "", **metadata: str) -> None:
        super().__init__(reason, message, **({"field": field} if field else {}), **metadata)
        self.field = field


class NotFound(VonglauError):
    """There is no such thing, or the caller may not know of it: NOT_FOUND."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"{kind.upper()}_NOT_FOUND", f"there is no {kind} {name!r}", **{kind: name})


class AlreadyExists(VonglauError):
    """Something else has this id or this unique value: ALREADY_EXISTS."""


class Refused(VonglauError):
    """A rule stands against it in the present state: FAILED_PRECONDITION."""


class Conflict(VonglauError):
    """Somebody else wrote meanwhile; the caller may decide again: ABORTED."""


class Denied(VonglauError):
    """The caller has no right to it: PERMISSION_DENIED."""


class Unauthenticated(VonglauError):
    """Nobody has proved who is calling: UNAUTHENTICATED."""


class Exhausted(VonglauError):
    """A bound is reached: RESOURCE_EXHAUSTED."""


class Unavailable(VonglauError):
    """A part that is needed is away: UNAVAILABLE, with retry info."""

    def __init__(self, reason: str, message: str, *, retry_after: float = 1.0, **metadata: str) -> None:
        super().__init__(reason, message, **metadata)
        self.retry_after = retry_after  # s


class Damaged(VonglauError):
    """Stored data is not what was stored: DATA_LOSS."""


class RetryLater(Exception):
    """Towards a stream: the event cannot be applied now, but can be after the delay."""

    def __init__(self, message: str, *, delay: float = 1.0) -> None:
        super().__init__(message)
        self.delay = delay  # s


class Poison(Exception):
    """Towards a stream: this event can never be applied as it is; it is parked with its key."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class LostRace(Exception):
    """Towards a writer: somebody else wrote to the same subject or key (JetStream 10071, 10164); nothing of it is stored."""


class OutcomeUnknown(Exception):
    """Towards a writer: no acknowledgement came. It is stored whole or not at all; only a reload tells."""
