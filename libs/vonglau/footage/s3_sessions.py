"""Credentials for one owner's buckets alone: sessions of the store's own STS (`AssumeRole`), narrowed by `policies.policy`.

The store admits a session to what both its policy and the credential that asked for it allow.
"""
from __future__ import annotations

import hashlib
import json
import logging
import threading
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlencode, urlunsplit
from xml.etree import ElementTree

from minio.credentials.credentials import Credentials
from minio.credentials.providers import Provider
from minio.error import S3Error
from minio.helpers import BaseURL
from minio.signer import sign_v4_sts
from minio.time import to_amz_date
from urllib3.exceptions import HTTPError

from vonglau.clock import Clock, SystemClock, utc
from vonglau.footage.policies import policy
from vonglau.footage.s3_patience import connections

logger = logging.getLogger(__name__)

SESSION_S = 3600  # the longest that S3 itself gives unless the role says more; MinIO gives it too
AHEAD_S = 600.0  # before its end another one is asked for
AGAIN_S = 30.0  # after such a request came to nothing


class Sts:
    """Asks the store's address, as MinIO is asked. Thread-safe."""

    def __init__(self, url: str, *, region: str, ca_file: Path | None) -> None:
        self._http = connections(1, ca_file)
        self._url = BaseURL(url, region).build(method="POST", region=region)
        self._region = region

    def session(self, credentials: Credentials, narrowed: str) -> Credentials:
        """narrowed: the session's policy as JSON. Raises: S3Error, HTTPError, SyntaxError and ValueError for what is no answer of an STS."""
        told = {"Action": "AssumeRole", "Version": "2011-06-15", "DurationSeconds": str(SESSION_S), "Policy": narrowed}
        body, now = urlencode(told).encode(), datetime.now(UTC)
        headers: dict[str, str | list[str] | tuple[str]] = {
            "Content-Type": "application/x-www-form-urlencoded", "Host": self._url.netloc, "X-Amz-Date": to_amz_date(now),
        }  # fmt: skip
        signed = sign_v4_sts(
            method="POST", url=self._url, region=self._region, headers=headers, credentials=credentials, content_sha256=hashlib.sha256(body).hexdigest(),
            date=now,
        )
        answer = self._http.request("POST", urlunsplit(self._url), body=body, headers={name: str(value) for name, value in signed.items()})
        said = ElementTree.fromstring(answer.data)  # noqa: S314 - the store that footage is entrusted to
        if answer.status != HTTPStatus.OK:
            code = said.findtext(".//{*}Code") or str(answer.status)
            raise S3Error(answer, code, f"no session that is narrowed to an owner: {said.findtext('.//{*}Message')}", None, None, None)
        key, secret, token, end = (said.findtext(f".//{{*}}{name}") for name in ("AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"))
        if not (key and secret and token and end):
            raise ValueError("a session without key, secret, token or end")
        return Credentials(key, secret, token, datetime.fromisoformat(end))

    def close(self) -> None:
        self._http.clear()


class OwnerSession(Provider):
    """Asked for with the first use, and again before it ends or when the credential behind it was exchanged. Thread-safe."""

    def __init__(self, sts: Sts, credentials: Provider, narrowed: str, clock: Clock) -> None:
        self._sts = sts
        self._credentials = credentials
        self._narrowed = narrowed
        self._clock = clock
        self._lock = threading.Lock()
        self._held: tuple[Credentials, Credentials] | None = None  # who asked, and the session
        self._not_before_ns = 0  # for a request ahead

    def retrieve(self) -> Credentials:
        """Raises: as `Sts.session`; OSError of the credential's files."""
        with self._lock:
            asking = self._credentials.retrieve()
            if self._held is None or self._held[0] != asking or self._left_s(self._held[1]) <= 0:
                self._held = asking, self._ask(asking)
            elif self._left_s(self._held[1]) < AHEAD_S and self._clock.now_ns() >= self._not_before_ns:
                self._ahead(asking)
            return self._held[1]

    def _ahead(self, asking: Credentials) -> None:
        """The present one serves on where no other is given."""
        try:
            self._held = asking, self._ask(asking)
        except (S3Error, HTTPError, SyntaxError, ValueError) as error:
            self._not_before_ns = self._clock.now_ns() + int(AGAIN_S * 1e9)
            logger.warning("a session of the footage store ends soon and is not renewed yet: %s", error)

    def _ask(self, asking: Credentials) -> Credentials:
        return self._sts.session(asking, self._narrowed)

    def _left_s(self, session: Credentials) -> float:
        if session.expiration is None:
            return 0.0
        return (session.expiration - utc(self._clock.now_ns()).replace(tzinfo=None)).total_seconds()


class OwnerSessions:
    """One per owner. credentials: whoever may ask for them, with the rights of the role over all owners."""

    def __init__(
        self, url: str, credentials: Provider, role: str, *, region: str = "us-east-1", prefix: str = "", ca_file: Path | None = None,
        clock: Clock | None = None,
    ) -> None:
        """url, region, prefix, ca_file: as S3Footage is told."""
        self._sts = Sts(url, region=region, ca_file=ca_file)
        self._credentials = credentials
        self._role = role
        self._prefix = prefix
        self._clock = clock or SystemClock()

    def of(self, owner: str) -> Provider:
        narrowed = json.dumps(policy(self._role, owner=owner, prefix=self._prefix), separators=(",", ":"))
        return OwnerSession(self._sts, self._credentials, narrowed, self._clock)

    def close(self) -> None:
        self._sts.close()
