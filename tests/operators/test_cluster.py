"""What the API server answers, as errors named by their consequence."""
from __future__ import annotations

import httpx2
import pytest
from lightkube import ApiError
from lightkube.models.meta_v1 import Status

from operators.ingest_fleet.cluster import named, named_errors
from vonglau.errors import Conflict, NotFound, Refused, Unavailable, VonglauError


def answered(code: int, reason: str, message: str) -> ApiError:
    return ApiError(status=Status(code=code, reason=reason, message=message))


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (answered(404, "NotFound", "there is none"), NotFound),
        (answered(409, "Conflict", "it has been modified"), Conflict),
        (answered(422, "Invalid", "spec.replicas: Invalid value"), Refused),
        (answered(403, "Forbidden", "may not patch statefulsets"), Refused),
        (answered(500, "InternalError", "failed to convert new object (/x; apps/v1): quantities must match"), Refused),
        (answered(500, "InternalError", "etcdserver: request timed out"), Unavailable),
        (answered(429, "TooManyRequests", "slow down"), Unavailable),
        (answered(401, "Unauthorized", "Unauthorized"), Unavailable),
    ],
    ids=lambda value: "" if isinstance(value, type) else f"{value.status.code}-{value.status.reason}",
)
def test_an_answer_is_named_by_what_to_do_about_it(answer: ApiError, error: type[VonglauError]) -> None:
    assert type(named(answer)) is error
    assert answer.status.message is not None
    assert answer.status.message in named(answer).message


def test_no_answer_is_tried_again() -> None:
    with pytest.raises(Unavailable, match="does not answer"), named_errors():
        raise httpx2.ConnectError("refused")
