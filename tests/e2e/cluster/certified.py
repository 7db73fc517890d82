"""Certificates, users and credentials of an installation in which every connection is encrypted."""
from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import load_pem_x509_certificate

from tests.e2e.cluster.installation import Installation
from vonglau.broker.users import write
from vonglau.testing.certificates import Authority

SERVICES = ("registry", "ingest", "recording", "operator", "test")
SERVERS = ("nats", "minio", "mongodb")


def certify(made: Installation, authority: Authority) -> None:
    """All Secrets that values-secured.yaml and k8s/secured/ name. The stand-in for MongoDB knows no users."""
    issue(made, authority)
    for each in SERVERS:
        domain = f"{made.backends}.svc"
        names = (f"{each}.{domain}", f"*.{each}-peers.{domain}")
        apply(made, made.backends, f"{each}-tls", files(authority.issue(made.folder / each, each, aliases=names)))
    accounts = write(made.folder / "users")
    apply(made, made.backends, "nats-accounts", {accounts.name: accounts.read_bytes()})
    trusted = {"ca.crt": authority.pem}
    apply(made, made.namespace, "vonglau-nats", {**files(made.folder / "users", "*.nk"), **trusted})
    unknown = {f"{service}.{name}": b"" for service in ("registry", "recording", "retention") for name in ("username", "password")}
    apply(made, made.namespace, "vonglau-documents", {**unknown, **trusted})
    apply(made, made.namespace, "vonglau-footage", {**held(made, "vonglau-footage"), **trusted})


def issue(made: Installation, authority: Authority) -> dict[str, str]:
    """A certificate of each service, for the first time or anew; service -> SHA-256 (hex) of the certificate."""
    issued = {each: authority.issue(made.folder / each, f"{each}.e2e.vonglau") for each in SERVICES}
    for each, folder in issued.items():
        apply(made, made.namespace, f"vonglau-{each}-tls", files(folder))
    return {each: load_pem_x509_certificate((folder / "tls.crt").read_bytes()).fingerprint(SHA256()).hex() for each, folder in issued.items()}


def files(folder: Path, which: str = "*") -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in folder.glob(which)}


def held(made: Installation, name: str) -> dict[str, bytes]:
    """What a Secret holds."""
    return {key: base64.b64decode(value) for key, value in made.cluster.object("secret", name, made.namespace)["data"].items()}


def apply(made: Installation, namespace: str, name: str, data: Mapping[str, bytes]) -> None:
    encoded = {key: base64.b64encode(content).decode() for key, content in data.items()}
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace}, "data": encoded}
    made.cluster.kubectl("apply", "--filename", "-", given=json.dumps(body))
