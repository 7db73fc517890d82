"""Blocking calls to an S3 store: minio's client for what is asked, and a signed streaming PUT for what is stored.

The PUT names the SHA-256 that the server has to find (`x-amz-checksum-sha256`) and stores under a free key only (`If-None-Match: *`). Both
headers are signed, so the body itself need not be.
"""
from __future__ import annotations

import base64
import contextlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import urllib3
from minio import Minio
from minio.credentials.credentials import Credentials
from minio.credentials.providers import Provider
from minio.error import S3Error
from minio.helpers import BaseURL
from minio.signer import sign_v4_s3
from minio.time import to_amz_date
from urllib3.exceptions import HTTPError

from vonglau.errors import Invalid
from vonglau.footage.port import ObjectInfo
from vonglau.footage.s3_failures import EXISTS, MISMATCH

META = "x-amz-meta-"
DIGEST = "content-sha256"  # beside the checksum, since lists show metadata and no checksums
NAME = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*")
PLAIN = "-_.:/+=@,;()[]{}!*'#$&<>?^|~"


class FileCredentials(Provider):
    """`<role>.access-key` and `<role>.secret-key` in a folder, read again when they change."""

    def __init__(self, folder: Path, role: str) -> None:
        self._files = (folder / f"{role}.access-key", folder / f"{role}.secret-key")
        self._read: tuple[tuple[int, ...], Credentials] | None = None

    def retrieve(self) -> Credentials:
        """Raises: OSError."""
        changed = tuple(file.stat().st_mtime_ns for file in self._files)
        if self._read is None or self._read[0] != changed:
            access_key, secret_key = (file.read_text("utf-8").strip() for file in self._files)
            if not access_key or not secret_key:
                raise OSError(f"{self._files[0].name} or {self._files[1].name} is empty")
            self._read = changed, Credentials(access_key, secret_key)
        return self._read[1]


class Client:
    """Thread-safe."""

    def __init__(self, url: str, credentials: Provider, *, region: str, http: urllib3.PoolManager) -> None:
        """http: may be shared with other clients of the store."""
        parts = urlsplit(url)
        self._url = url
        self._http = http
        self._credentials = credentials
        self._region = region
        self._address = BaseURL(url, region)
        self.asked = Minio(parts.netloc, secure=parts.scheme == "https", credentials=credentials, region=region, http_client=http)

    def under(self, credentials: Provider) -> Client:
        """Over the same connections."""
        return Client(self._url, credentials, region=self._region, http=self._http)

    def put(self, bucket: str, key: str, body: BinaryIO | bytes, *, sha256: bytes, size: int, metadata: Mapping[str, str], free: bool = True) -> bool:
        """free: only where nothing stands under the key. False: something stands there.

        Raises: S3Error, HTTPError, OSError (of the file).
        """
        headers = {"x-amz-checksum-sha256": base64.b64encode(sha256).decode(), META + DIGEST: sha256.hex(), **written(metadata)}
        if free:
            headers["if-none-match"] = "*"
        try:
            self._put(bucket, key, body, size, headers)
        except S3Error as error:
            if error.code in EXISTS:
                return False
            raise
        except HTTPError:
            # A server that refuses at once closes before it has read a long body, and its answer is lost.
            if free and size and self._stands(bucket, key, headers):
                return False
            raise
        return True

    def _stands(self, bucket: str, key: str, headers: Mapping[str, str]) -> bool:
        """Whether something stands under the key, asked with nothing but the right to put: an empty body under another checksum is never stored."""
        try:
            self._put(bucket, key, b"", 0, headers)
        except S3Error as error:
            if error.code in EXISTS:
                return True
            if error.code in MISMATCH:
                return False
            raise
        return False

    def _put(self, bucket: str, key: str, body: BinaryIO | bytes, size: int, headers: Mapping[str, str]) -> None:
        url, now = self._address.build(method="PUT", region=self._region, bucket_name=bucket, object_name=key), datetime.now(UTC)
        sent: dict[str, str | list[str] | tuple[str]] = {
            **headers,
            "host": url.netloc,
            "content-length": str(size),
            "content-type": "video/mp4" if key.endswith(".mp4") else "application/octet-stream",
            "x-amz-content-sha256": "UNSIGNED-PAYLOAD",
            "x-amz-date": to_amz_date(now),
        }
        credentials = self._credentials.retrieve()
        if credentials.session_token:
            sent["x-amz-security-token"] = credentials.session_token
        signed = sign_v4_s3(
            method="PUT", url=url, region=self._region, headers=sent, credentials=credentials, content_sha256="UNSIGNED-PAYLOAD", date=now
        )
        answer = self._http.request("PUT", urlunsplit(url), body=body, headers={name: str(value) for name, value in signed.items()}, retries=False)
        if answer.status != HTTPStatus.OK:
            raise said(answer, bucket, key)

    def head(self, bucket: str, key: str) -> ObjectInfo:
        """Raises: S3Error, HTTPError."""
        found = self.asked.stat_object(bucket, key, extra_headers={"x-amz-checksum-mode": "ENABLED"})
        headers = {name.lower(): value for name, value in (found.metadata or {}).items()}
        digest = base64.b64decode(headers.get("x-amz-checksum-sha256", ""))
        return ObjectInfo(key, found.size or 0, digest, read(headers))


def said(answer: urllib3.BaseHTTPResponse, bucket: str, key: str) -> S3Error:
    """What the store said against it."""
    with contextlib.suppress(SyntaxError, UnicodeError):  # no XML
        error = S3Error.fromxml(answer)
        return S3Error(answer, error.code, error.message, error.resource, error.request_id, error.host_id, error.bucket_name or bucket, key)
    return S3Error(answer, "PreconditionFailed" if answer.status == HTTPStatus.PRECONDITION_FAILED else str(answer.status), None, key, None, None, bucket, key)


def written(metadata: Mapping[str, str]) -> dict[str, str]:
    """As headers; with hyphens, since proxies drop names with underscores.

    Raises: Invalid (METADATA_UNSAFE).
    """
    for name in metadata:
        if not NAME.fullmatch(name) or META + name.replace("_", "-") == META + DIGEST:
            raise Invalid("METADATA_UNSAFE", f"{name!r} is no name of metadata: a-z, 0-9 and _ between them", field="metadata")
    return {META + name.replace("_", "-"): quote(value, safe=PLAIN) for name, value in metadata.items()}


def read(headers: Mapping[str, str]) -> dict[str, str]:
    """headers: names in lower case."""
    found = {name.removeprefix(META): unquote(value) for name, value in headers.items() if name.startswith(META)}
    return {name.replace("-", "_"): value for name, value in found.items() if name != DIGEST}


def listed(key: str, size: int, metadata: Mapping[str, str]) -> ObjectInfo | None:
    """As a list that shows metadata tells it; None: it does not."""
    headers = {name.lower(): value for name, value in metadata.items()}
    digest = headers.get(META + DIGEST, "")
    return ObjectInfo(key, size, bytes.fromhex(digest), read(headers)) if digest else None
