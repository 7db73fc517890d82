"""What MongoDB's refusals mean."""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pymongo.errors import ConfigurationError, ConnectionFailure, DocumentTooLarge, OperationFailure, PyMongoError

from vonglau.errors import Unavailable

DENIED = {13: "it may not do that", 18: "it is not known there"}  # Unauthorized, AuthenticationFailed
FULL = {14031}  # OutOfDiskSpace
READ_ANEW = {43, 175}  # CursorNotFound, QueryPlanKilled: the collection was exchanged while it was being read


@contextmanager
def named_failures() -> Iterator[None]:
    """Whatever can pass becomes `Unavailable`; a document that MongoDB cannot hold is no such thing."""
    try:
        yield
    except DocumentTooLarge:
        raise
    except OperationFailure as error:
        raise _refused(error) from error
    except ConfigurationError as error:
        raise Unavailable("DOCUMENTS_UNSUITABLE", f"MongoDB cannot be used as it is set up: {error}", retry_after=5.0) from error
    except PyMongoError as error:
        away = isinstance(error, ConnectionFailure)
        raise Unavailable("DOCUMENTS_UNAVAILABLE", f"MongoDB {'is away' if away else 'failed'}: {_short(error)}") from error


def _refused(error: OperationFailure) -> Unavailable:
    if error.code in DENIED:
        return Unavailable("DOCUMENTS_DENIED", f"MongoDB refuses the credential of this service: {DENIED[error.code]} ({_short(error)})", retry_after=5.0)
    if error.code in FULL:
        return Unavailable("DOCUMENTS_FULL", f"MongoDB's disk is full: {_short(error)}", retry_after=5.0)
    return Unavailable("DOCUMENTS_UNAVAILABLE", f"MongoDB refuses just now: {_short(error)}")


def _short(error: PyMongoError) -> str:
    """The first sentence: what follows describes every server and its last failure."""
    return str(error).split(", full error:")[0].split(", Timeout:")[0][:300] or type(error).__name__
