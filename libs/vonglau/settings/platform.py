"""What every service is told. A service's own settings class inherits from this one."""
from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vonglau.settings.declaration import setting
from vonglau.settings.residency import problems

PREFIX = re.compile(r"([a-z0-9][a-z0-9-]{0,13})?")  # with an owner's id and "-evidence" at most the 63 letters of a bucket
STREAMS_GB = 3.0  # 200 cameras for as long as facts are kept
LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True, kw_only=True)
class PlatformSettings:
    """Shared by all services; relative paths are relative to the working directory."""

    nats_url: str = setting("nats://127.0.0.1:4222", unit="URLs, by comma", why="NATS with JetStream: the log and the key-value buckets")
    nats_seed_file: Path | None = setting(None, unit="file, mode 0600", why="this service's seed of nkeys; unset: NATS admits anybody")
    nats_ca_file: Path | None = setting(None, unit="PEM file", why="authorities of a NATS server with TLS; unset: those of the system")
    streams: str = setting("make", unit="make or expect", why="expect: a job declares them; make: each service does", choices=("make", "expect"))
    streams_gb: float = setting(STREAMS_GB, unit="10⁹ bytes", why="what all streams may hold; facts have 70 % of it, for 7 days at most", at_least=0.05)
    listen: str = setting("127.0.0.1:0", unit="host:port", why="where gRPC is served; port 0 takes a free one, loopback unless opened on purpose")
    run_dir: Path = setting(Path("var/run"), unit="folder", why="the bound address goes to <service>.address here, so that others find it")
    data_dir: Path = setting(Path("var/documents"), unit="folder", why="the service's documents: views that can be rebuilt")
    documents: str = setting("", unit="mongodb://host:port/?…", why="a database of its own there, without credentials; empty: SQLite in the data folder")
    documents_credentials: Path | None = setting(None, unit="folder", why="<service>.username, <service>.password; ca.crt of a private authority")
    footage_dir: Path = setting(Path("var/footage"), unit="folder", why="footage, one bucket per owner")
    footage: str = setting("", unit="s3+http(s)://host:port", why="MinIO or S3, without credentials; empty: the footage folder")
    footage_credentials: Path | None = setting(None, unit="folder", why="<role>.access-key, <role>.secret-key, read again when changed; ca.crt likewise")
    footage_sessions: str = setting(
        "none", unit="none or owner", choices=("none", "owner"), why="owner: an owner's buckets by sessions of the store's STS that reach no other owner's",
    )
    footage_region: str = setting("us-east-1", unit="name", why="as the store calls it; MinIO's own default")
    footage_prefix: str = setting("", unit="text, at most 14 letters", why="begins the names of all buckets, where a store is shared")
    allowed_hosts: tuple[str, ...] = setting((), unit="hosts, by comma", why="data and telemetry go there alone, *.x is below x; empty: anywhere")
    identity_dir: Path = setting(Path("var/identity"), unit="folder", why="jwks.json of the issuer; issuer.key too where issuing is local")
    secrets_key_file: Path = setting(Path("var/secrets.key"), unit="file, mode 0600", why="wraps the ciphertexts in the bucket `secrets`; backed up apart")
    tenant: str = setting("local", unit="name", why="a tenant is a deployment: tokens of another one mean nothing here")
    platform_admins: tuple[str, ...] = setting((), unit="persons, by comma", why="may register owners and use operations; they see no footage")
    registry_address: str = setting("", unit="host:port or gRPC target", why="empty: read from registry.address in the run folder")
    ingest_address: str = setting("", unit="host:port or gRPC target", why="empty: read from ingest.address in the run folder")
    recording_address: str = setting("", unit="host:port or gRPC target", why="empty: read from recording.address in the run folder")
    tls_dir: Path | None = setting(None, unit="folder", why="tls.crt, tls.key, ca.crt for mTLS between services, exchanged at will; unset: plaintext")
    health_listen: str = setting("", unit="host:port", why="health alone, in plaintext, for probes, which have no certificate; empty: not served apart")
    grace_s: float = setting(8.0, unit="s", why="open calls may take this long to end at a stop; below the grace of a pod and of Ctrl-C", at_least=0)
    log_format: str = setting("text", unit="text or json", why="text for people, json for collectors, with trace ids", choices=("text", "json"))
    log_level: str = setting("info", unit="level", why="what is told from here up; info is quiet when all is well", choices=LEVELS)

    def __post_init__(self) -> None:
        """Raises: ValueError naming what contradicts."""
        told = {"VONGLAU_NATS_URL": self.nats_url, "VONGLAU_DOCUMENTS": self.documents, "VONGLAU_FOOTAGE": self.footage}
        wrong = [*self._stores(), *problems(told, self.allowed_hosts)]
        if wrong:
            raise ValueError("; ".join(wrong))

    def _stores(self) -> Iterator[str]:
        if self.documents and not self.documents.startswith(("mongodb://", "mongodb+srv://")):
            yield "VONGLAU_DOCUMENTS is not mongodb://host:port"
        if self.footage and not self.footage.startswith(("s3+http://", "s3+https://")):
            yield "VONGLAU_FOOTAGE is not s3+http://host:port or s3+https://host:port"
        for name, url in (("VONGLAU_DOCUMENTS", self.documents), ("VONGLAU_FOOTAGE", self.footage)):
            if "@" in url:
                yield f"{name} holds a credential: it belongs into a file in the folder {name}_CREDENTIALS"
        if self.footage and not self.footage_credentials:
            yield "VONGLAU_FOOTAGE needs VONGLAU_FOOTAGE_CREDENTIALS"
        if not PREFIX.fullmatch(self.footage_prefix):
            yield "VONGLAU_FOOTAGE_PREFIX is not of a-z, 0-9 and -, at most 14 letters"
