"""The images as the Dockerfile makes them, really built: by buildah, without a daemon, on a base that is given as a docker-archive."""
from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
BASE = "VONGLAU_TEST_BASE"  # docker-archive of an image with python3, Debian's or one like it


@dataclass(frozen=True)
class Buildah:
    storage: Path

    def __call__(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        stores = ["--root", str(self.storage / "root"), "--runroot", str(self.storage / "run"), "--storage-driver", "vfs"]
        return subprocess.run(["buildah", *stores, *arguments], cwd=ROOT, capture_output=True, text=True, check=check)  # noqa: S607

    def build(self, base: str, target: str) -> Image:
        """From the repository as it is. The host's certificates go into the build, and only there."""
        certificates = "/etc/ssl/certs:/etc/ssl/certs:ro"
        name = f"vonglau-{target}:test"
        built = self(
            "build", "--isolation", "chroot", "--volume", certificates, "--build-arg", f"BASE={base}", "--build-arg", "VERSION=9.8.7",
            "--target", target, "--tag", name, ".", check=False,
        )
        assert built.returncode == 0, built.stderr[-4000:]
        return Image(self, name, self("from", name).stdout.strip())


@dataclass(frozen=True)
class Image:
    buildah: Buildah
    name: str
    container: str

    def run(self, *command: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """As the image's own user."""
        told = [f"--env={name}={value}" for name, value in (environment or {}).items()]
        return self.buildah("run", "--isolation", "chroot", *told, self.container, "--", *command, check=False)

    def configuration(self) -> dict[str, Any]:
        inspected: dict[str, Any] = json.loads(self.buildah("inspect", "--type", "image", self.name).stdout)["OCIv1"]["config"]
        return inspected


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Buildah, str]]:
    archive = os.environ.get(BASE)
    if not archive:
        pytest.skip(f"{BASE} names no docker-archive of a base image with Python")
    if shutil.which("buildah") is None or os.geteuid() != 0:
        pytest.skip("building without a daemon needs buildah, and root")
    buildah = Buildah(tmp_path_factory.mktemp("images"))
    yield buildah, buildah("pull", f"docker-archive:{archive}").stdout.split()[-1]
    shutil.rmtree(buildah.storage)  # gigabytes, which pytest would keep for three sessions


@pytest.fixture(scope="session")
def platform(base: tuple[Buildah, str]) -> Image:
    buildah, name = base
    return buildah.build(name, "platform")


@pytest.fixture(scope="session")
def cameras(base: tuple[Buildah, str], platform: Image) -> Image:
    buildah, name = base
    return buildah.build(name, "cameras")
