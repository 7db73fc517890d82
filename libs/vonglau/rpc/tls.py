"""mTLS between services: a certificate admits a connection and says which service calls; new files are taken up without a restart.

A folder as cert-manager fills it holds `tls.crt`, `tls.key` and `ca.crt` (PEM). The certificate of a service has the DNS name
`<service>.<tenant>.vonglau`: so clients know whom they reached, at whatever address, and servers know who calls.
"""
from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from vonglau.errors import Refused, Unavailable
from vonglau.identity import Caller
from vonglau.rpc.validity import Stage, Validity, validity

logger = logging.getLogger(__name__)

CERTIFICATE, KEY, AUTHORITIES = "tls.crt", "tls.key", "ca.crt"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the folder held at one time, PEM."""

    certificate: bytes
    key: bytes
    authorities: bytes

    @property
    def validity(self) -> Validity:
        return validity(self.certificate, self.authorities)


class Tls:
    """One service's certificate and the authorities that it trusts, as the folder holds them now."""

    def __init__(self, folder: Path, tenant: str) -> None:
        """Raises: Refused (TLS_FILES_UNUSABLE)."""
        self.folder = folder
        self._tenant = tenant
        self.current = self._read()

    def look(self) -> Credentials:
        """What is current, after a look at the folder. Half of an exchange is none: what was current stays."""
        try:
            self.current = self._read()
        except Refused as error:
            logger.warning("the certificate in use stays: %s", error)
        return self.current

    def for_server(self) -> grpc.ServerCredentials:
        """Asks each client for a certificate of the same authorities; looks at the folder at each handshake."""
        served = self.look()

        def renewed() -> Any:
            """None, which the stubs do not know: nothing new."""
            nonlocal served
            before, served = served, self.look()
            return server_configuration(served) if served != before else None

        return grpc.dynamic_ssl_server_credentials(server_configuration(served), renewed, require_client_authentication=True)

    def for_channel(self) -> grpc.ChannelCredentials:
        """Raises: Unavailable (CERTIFICATE_ENDED): gRPC would only say that no connection comes about."""
        now = self.look()
        if now.validity.stage(datetime.now(UTC)) is Stage.ENDED:
            raise Unavailable("CERTIFICATE_ENDED", f"the certificate in {self.folder} ended at {now.validity.ends}; a new one is taken up at once")
        return grpc.ssl_channel_credentials(now.authorities, now.key, now.certificate)

    def name_of(self, service: str) -> str:
        """The DNS name in the certificate of a service of this tenant."""
        return f"{service}.{self._tenant}.vonglau"

    def caller(self, context: grpc.aio.ServicerContext[Any, Any]) -> Caller | None:
        """The service that the peer's certificate names; None: it names none of this tenant."""
        names = (context.auth_context() or {}).get("x509_subject_alternative_name", ())
        for name in names:
            service, _, rest = (name.decode("ascii", "replace") if isinstance(name, bytes) else name).partition(".")
            if rest == f"{self._tenant}.vonglau":
                return Caller("service", service)
        return None

    def _read(self) -> Credentials:
        try:
            found = Credentials(*((self.folder / name).read_bytes() for name in (CERTIFICATE, KEY, AUTHORITIES)))
            certificate = x509.load_pem_x509_certificate(found.certificate)
            fits = load_pem_private_key(found.key, password=None).public_key() == certificate.public_key()
            x509.load_pem_x509_certificates(found.authorities)
        except (OSError, ValueError, TypeError) as error:
            raise Refused("TLS_FILES_UNUSABLE", f"{self.folder} must hold {CERTIFICATE}, {KEY} and {AUTHORITIES}: {error}") from error
        if not fits:
            raise Refused("TLS_FILES_UNUSABLE", f"{KEY} in {self.folder} is not the key of {CERTIFICATE}")
        return found


def server_configuration(credentials: Credentials) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration([(credentials.key, credentials.certificate)], credentials.authorities)
