"""`python tests/e2e/cluster/images.py BASE.tar --tag TAG --import 'ctr … images import'`: the images that the tests on a cluster use, without a registry.

BASE.tar is a docker-archive of Debian with Python. Built by buildah without a daemon: the platform's two by the Dockerfile of a commit, the servers by
putting the programs that are installed here into BASE. Each is written as docker-archive and handed to the command that loads it into the node.
"""
from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
REPOSITORY = "docker.io/kubelocal"
SERVERS = Path(os.environ.get("VONGLAU_SERVERS", Path.home() / ".cache" / "vonglau-servers"))
TARGETS = {"platform": "vonglau", "cameras": "vonglau-cameras"}
PROXY = """
import asyncio, os, ssl, subprocess
async def pipe(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data); await writer.drain()
    finally:
        writer.close()
async def joined(reader, writer):
    there = await asyncio.open_connection("127.0.0.1", 27018)
    await asyncio.gather(pipe(reader, there[1]), pipe(there[0], writer), return_exceptions=True)
async def main():
    server = await asyncio.create_subprocess_exec("java", "-Xmx512m", "-cp", "/mongo/lib/*:/mongo", "MongoServerMain", "27018")
    tls = None
    if folder := os.environ.get("TLS"):
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(folder + "/tls.crt", folder + "/tls.key")
    async with await asyncio.start_server(joined, "0.0.0.0", 27017, ssl=tls):
        await server.wait()
asyncio.run(main())
"""


@dataclass(frozen=True)
class Builder:
    storage: Path
    base: str
    tag: str
    load: list[str]

    def buildah(self, *arguments: str) -> str:
        stores = ["--root", str(self.storage / "root"), "--runroot", str(self.storage / "run"), "--storage-driver", "vfs"]
        done = subprocess.run(["buildah", *stores, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S607
        return done.stdout.strip()

    def platform(self, revision: str, targets: Mapping[str, str]) -> None:
        """By the Dockerfile of a commit, from what that commit has. targets: of the Dockerfile -> image. The host's certificates go into the build alone."""
        with tempfile.TemporaryDirectory() as folder:
            commit = checked_out(revision, Path(folder))
            for target, name in targets.items():
                self.buildah(
                    "build", "--layers", "--isolation", "chroot", "--volume", "/etc/ssl/certs:/etc/ssl/certs:ro", "--build-arg", f"BASE={self.base}",
                    "--build-arg", f"VERSION={self.tag}", "--build-arg", f"REVISION={commit}", "--target", target, "--tag", self.named(name), folder,
                )
                self.loaded(name)

    def server(self, name: str, lines: Sequence[str], **files: Path) -> None:
        """files: name in the build's folder -> what is there."""
        with tempfile.TemporaryDirectory() as folder:
            for each, path in files.items():
                target = Path(folder) / each
                shutil.copytree(path, target, ignore_dangling_symlinks=True) if path.is_dir() else shutil.copy2(path, target)
            (Path(folder) / "proxy.py").write_text(PROXY, "utf-8")
            (Path(folder) / "Dockerfile").write_text("\n".join([f"FROM {self.base}", *lines]), "utf-8")
            self.buildah("build", "--isolation", "chroot", "--tag", self.named(name), folder)
        self.loaded(name)

    def loaded(self, name: str) -> None:
        with tempfile.TemporaryDirectory(dir=self.storage) as folder:
            archive = Path(folder) / "image.tar"
            self.buildah("push", self.named(name), f"docker-archive:{archive}:{self.named(name)}")
            subprocess.run([*self.load, str(archive)], check=True)
        sys.stdout.write(f"{self.named(name)}\n")

    def named(self, name: str) -> str:
        return f"{REPOSITORY}/{name}:{self.tag}"


def checked_out(revision: str, folder: Path) -> str:
    """What a commit has, written into a folder, with nothing of the repository's own state; the commit's hash."""
    archived = subprocess.run(["git", "archive", "--format=tar", revision], cwd=ROOT, stdout=subprocess.PIPE, check=True)  # noqa: S607
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archived.stdout, check=True)  # noqa: S607
    found = subprocess.run(["git", "rev-parse", revision], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S607
    return found.stdout.strip()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python tests/e2e/cluster/images.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", type=Path)
    parser.add_argument("--tag", default="test")
    parser.add_argument("--import", dest="load", required=True, help="command that takes a docker-archive")
    parser.add_argument("--storage", type=Path, default=Path(tempfile.gettempdir()) / "vonglau-images", help="buildah's; kept, so that the next build is quick")
    parser.add_argument("--revision", default="HEAD", help="commit of the platform's images; what is not committed is in none of them")
    parser.add_argument("--only", default="platform,cameras,nats,minio,mongodb")
    told = parser.parse_args()
    told.storage.mkdir(parents=True, exist_ok=True)
    builder = Builder(told.storage, "", told.tag, shlex.split(told.load))
    builder = Builder(told.storage, builder.buildah("pull", f"docker-archive:{told.base}").split()[-1], told.tag, shlex.split(told.load))
    wanted = told.only.split(",")
    if "nats" in wanted:
        builder.server("nats", ["COPY server /usr/local/bin/nats-server"], server=Path(sys.executable).with_name("nats-server").resolve())
    if "minio" in wanted:
        builder.server("minio", ["COPY minio mc /usr/local/bin/"], minio=SERVERS / "bin" / "minio", mc=SERVERS / "bin" / "mc")
    if "mongodb" in wanted:
        java = Path(shutil.which("java") or "java").resolve().parents[1]
        lines = ["COPY java /java", "COPY mongo /mongo", "COPY proxy.py /proxy.py", "ENV PATH=/java/bin:/usr/local/bin:/usr/bin:/bin"]
        builder.server("mongodb", lines, java=java, mongo=SERVERS / "mongo")
    builder.platform(told.revision, {target: name for target, name in TARGETS.items() if target in wanted})
    return 0


if __name__ == "__main__":
    sys.exit(main())
