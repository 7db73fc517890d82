"""Certificates for tests: an authority of one's own, and folders as cert-manager fills them."""
from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

LIFETIME = timedelta(days=1)


class Authority:
    """A root of trust that nobody else trusts."""

    def __init__(self, lifetime: timedelta = LIFETIME) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"test authority {x509.random_serial_number()}")])
        ca = x509.BasicConstraints(ca=True, path_length=0)
        self._certificate = self._signed(self._name, self._key.public_key(), ca, lifetime)
        self.pem = self._certificate.public_bytes(Encoding.PEM)

    def issue(self, folder: Path, dns_name: str, lifetime: timedelta = LIFETIME, *, aliases: Sequence[str] = ()) -> Path:
        """Write tls.crt, tls.key and ca.crt for a service of this name, valid for so long from now (whole seconds); the folder.

        aliases: further DNS names, as servers have them.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, dns_name)])
        certificate = self._signed(subject, key.public_key(), x509.SubjectAlternativeName([x509.DNSName(each) for each in (dns_name, *aliases)]), lifetime)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "tls.crt").write_bytes(certificate.public_bytes(Encoding.PEM))
        (folder / "tls.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        (folder / "ca.crt").write_bytes(self.pem)
        return folder

    def _signed(self, subject: x509.Name, public_key: ec.EllipticCurvePublicKey, extension: x509.ExtensionType, lifetime: timedelta) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder(self._name, subject, public_key, x509.random_serial_number(), now - timedelta(minutes=1), now + lifetime)
        return builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints)).sign(self._key, hashes.SHA256())
