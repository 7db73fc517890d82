"""An object store for tests: real, with buckets of its own that go at the end."""
from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from minio import Minio
from minio.credentials.providers import StaticProvider
from minio.deleteobjects import DeleteObject

from vonglau.footage.s3 import S3Footage


class Store:
    """Somebody's account on the store, and a prefix that no other test uses."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.username
        assert parts.password
        self.key, self.secret = parts.username, parts.password
        self.url = f"{parts.scheme}://{parts.hostname}:{parts.port}"
        self.prefix = f"t{uuid.uuid4().hex[:8]}-"
        self.administrator = Minio(f"{parts.hostname}:{parts.port}", self.key, self.secret, secure=parts.scheme == "https", region="us-east-1")

    def footage(self, **more: Any) -> S3Footage:
        more.setdefault("credentials", StaticProvider(self.key, self.secret))
        return S3Footage(self.url, prefix=self.prefix, **more)

    def credentials(self, folder: Path, *roles: str) -> Path:
        """A folder with the administrator's credential for each role."""
        folder.mkdir(parents=True, exist_ok=True)
        for role in roles:
            (folder / f"{role}.access-key").write_text(self.key)
            (folder / f"{role}.secret-key").write_text(self.secret + "\n")
        return folder

    def remove(self) -> None:
        for bucket in self.administrator.list_buckets():
            if bucket.name.startswith(self.prefix):
                versions = self.administrator.list_objects(bucket.name, recursive=True, include_version=True)
                every = [DeleteObject(each.object_name or "", each.version_id) for each in versions]
                assert list(self.administrator.remove_objects(bucket.name, every, bypass_governance_mode=True)) == []
                self.administrator.remove_bucket(bucket.name)


def s3_url() -> str:
    url = os.environ.get("VONGLAU_TEST_S3")
    if not url:
        pytest.skip("VONGLAU_TEST_S3 is not set: http://KEY:SECRET@host:port of a store for tests")
    return url
