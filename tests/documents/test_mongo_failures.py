"""What MongoDB refuses is told by its consequence, in the time that the caller has."""
from __future__ import annotations

from typing import Any

import pymongo
import pytest
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    ConfigurationError,
    DocumentTooLarge,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)

from vonglau.deadline import within
from vonglau.documents.mongo import MongoDocuments
from vonglau.documents.mongo_failures import named_failures
from vonglau.errors import Unavailable


@pytest.mark.parametrize(
    ("error", "reason", "words"),
    [
        (OperationFailure("not allowed on city_registry", 13), "DOCUMENTS_DENIED", "may not do that"),
        (OperationFailure("Authentication failed", 18), "DOCUMENTS_DENIED", "not known there"),
        (OperationFailure("no space", 14031), "DOCUMENTS_FULL", "disk is full"),
        (OperationFailure("not primary", 10107), "DOCUMENTS_UNAVAILABLE", "refuses just now"),
        (OperationFailure("no code"), "DOCUMENTS_UNAVAILABLE", "no code"),
        (ExecutionTimeout("slow", 50), "DOCUMENTS_UNAVAILABLE", "slow"),
        (BulkWriteError({"writeErrors": [], "writeConcernErrors": []}), "DOCUMENTS_UNAVAILABLE", "batch op errors"),
        (ConfigurationError("no replica set"), "DOCUMENTS_UNSUITABLE", "no replica set"),
        (AutoReconnect("connection closed"), "DOCUMENTS_UNAVAILABLE", "is away: connection closed"),
        (ServerSelectionTimeoutError("refused, Timeout: 30s, Topology Description: …"), "DOCUMENTS_UNAVAILABLE", "is away: refused"),
        (PyMongoError(""), "DOCUMENTS_UNAVAILABLE", "failed: PyMongoError"),
    ],
)
def test_what_can_pass_is_unavailable_and_says_why(error: PyMongoError, reason: str, words: str) -> None:
    with pytest.raises(Unavailable) as refused, named_failures():
        raise error
    assert (refused.value.reason, refused.value.retry_after > 0) == (reason, True)
    assert words in refused.value.message
    assert "Topology" not in refused.value.message, "every server and its last failure is nothing for a caller"


def test_a_document_that_mongodb_cannot_hold_will_never_pass() -> None:
    with pytest.raises(DocumentTooLarge), named_failures():
        raise DocumentTooLarge("16 MiB")


async def test_a_server_that_is_away_is_unavailable_within_the_callers_time(monkeypatch: pytest.MonkeyPatch) -> None:
    bounds: list[float] = []

    def timeout(seconds: float) -> Any:
        bounds.append(seconds)
        return bounded(seconds)

    bounded = pymongo.timeout
    monkeypatch.setattr(pymongo, "timeout", timeout)
    store = MongoDocuments("mongodb://127.0.0.1:1", "none")
    with within(0.1), pytest.raises(Unavailable) as refused:
        await store.get("things", "a")
    await store.close()
    assert refused.value.reason == "DOCUMENTS_UNAVAILABLE"
    assert bounds
    assert max(bounds) <= 0.1
