"""`python k8s/keys.py FOLDER | kubectl apply -f -`: the Secrets of a laptop's installation and of what k8s/ brings for it.

FOLDER keeps the keys (mode 0600), made where they are missing, so that a second run gives the same Secrets. Nothing of it belongs into a repository.
"""
from __future__ import annotations

import argparse
import base64
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from vonglau.footage.roles import ROLES
from vonglau.identity import LocalIssuer
from vonglau.keyfile import key_file

ISSUED = ("issuer.key", "jwks.json")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python k8s/keys.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--namespace", default="vonglau", help="of the platform")
    parser.add_argument("--backends", default="vonglau-backends", help="namespace of what k8s/ brings")
    told = parser.parse_args(arguments)
    for each in manifests(told.folder, told.namespace, told.backends):
        sys.stdout.write(f"{json.dumps(each)}\n---\n")
    return 0


def manifests(folder: Path, namespace: str, backends: str) -> list[dict[str, Any]]:
    LocalIssuer(folder)
    footage = {name: content for role in ROLES for name, content in credential(folder, role).items()}
    return [
        secret(namespace, "vonglau-identity", {name: (folder / name).read_bytes() for name in ISSUED}),
        secret(namespace, "vonglau-wrapping-key", kept(folder, "secrets.key", lambda: os.urandom(32))),
        secret(namespace, "vonglau-archive-key", archive_key(folder)),
        secret(namespace, "vonglau-footage", footage),
        secret(backends, "minio", {**footage, **credential(folder, "root")}),
    ]


def archive_key(folder: Path) -> dict[str, bytes]:
    whole = kept(folder, "archive.key", lambda: Ed25519PrivateKey.generate().private_bytes_raw())
    return whole | {"archive.pub": Ed25519PrivateKey.from_private_bytes(whole["archive.key"]).public_key().public_bytes_raw()}


def credential(folder: Path, role: str) -> dict[str, bytes]:
    access = kept(folder, f"{role}.access-key", lambda: f"vonglau-{role}".encode())
    return access | kept(folder, f"{role}.secret-key", lambda: os.urandom(20).hex().encode())


def kept(folder: Path, name: str, make: Callable[[], bytes]) -> dict[str, bytes]:
    return {name: key_file(folder / name, make)}


def secret(namespace: str, name: str, data: Mapping[str, bytes]) -> dict[str, Any]:
    encoded = {key: base64.b64encode(content).decode() for key, content in data.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace}, "data": encoded}


if __name__ == "__main__":
    sys.exit(main())
