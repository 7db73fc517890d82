"""An object store for tests: real, with buckets of its own that go at the end."""
from __future__ import annotations

import json
import os
import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from minio import Minio
from minio.credentials.providers import StaticProvider
from minio.deleteobjects import DeleteObject

from tests.backends.servers import found
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


class Administration:
    """What whoever runs a store does with MinIO's own tool."""

    def __init__(self, store: Store, folder: Path) -> None:
        self._mc = found("mc")
        self._prefix = store.prefix
        self._environment = {**os.environ, "MC_HOST_store": store.url.replace("://", f"://{store.key}:{store.secret}@"), "MC_CONFIG_DIR": str(folder / "mc")}

    def bound(self, bucket: str, most: str) -> None:
        """most: bytes with their unit (`3MB`). The server counts what there is once a scan, so it refuses by what there was then."""
        self._run("quota", "set", f"store/{self._prefix}{bucket}", "--size", most)

    def _run(self, *words: str) -> None:
        subprocess.run([self._mc, "--quiet", *words], check=True, capture_output=True, env=self._environment)


class Users(Administration):
    """Users of a store, each with a policy."""

    def __init__(self, store: Store, folder: Path) -> None:
        super().__init__(store, folder)
        self._folder = folder
        self._made: list[str] = []

    def add(self, policy: Mapping[str, Any]) -> tuple[str, str]:
        """Key and secret of a new one."""
        name = f"user-{uuid.uuid4().hex[:12]}"
        secret, file = f"secret-of-{name}", self._folder / f"{name}.json"
        file.write_text(json.dumps(policy))
        self._run("admin", "policy", "create", "store", name, str(file))
        self._run("admin", "user", "add", "store", name, secret)
        self._run("admin", "policy", "attach", "store", name, "--user", name)
        self._made.append(name)
        return name, secret

    def remove(self) -> None:
        for name in self._made:
            self._run("admin", "user", "remove", "store", name)
            self._run("admin", "policy", "remove", "store", name)


def s3_url() -> str:
    url = os.environ.get("VONGLAU_TEST_S3")
    if not url:
        pytest.skip("VONGLAU_TEST_S3 is not set: http://KEY:SECRET@host:port of a store for tests")
    return url
