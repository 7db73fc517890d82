"""How long a certificate is good for. Pure."""
from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature

SOON = 0.2  # of its life; who renews certificates does so with a third left (cert-manager's default)


class Stage(Enum):
    LASTS = "lasts"
    ENDS_SOON = "ends soon"
    ENDED = "ended"


class Validity(NamedTuple):
    """Of the certificate, cut by that of the authority that signed it where the folder has that."""

    begins: datetime
    ends: datetime

    def share_left(self, now: datetime) -> float:
        return (self.ends - now) / (self.ends - self.begins)

    def stage(self, now: datetime) -> Stage:
        if now >= self.ends:
            return Stage.ENDED
        return Stage.ENDS_SOON if self.share_left(now) < SOON else Stage.LASTS


def validity(certificate: bytes, authorities: bytes) -> Validity:
    """PEM. Raises: ValueError."""
    own = x509.load_pem_x509_certificate(certificate)
    signers = [each for each in x509.load_pem_x509_certificates(authorities) if has_signed(each, own)]
    return Validity(own.not_valid_before_utc, min(each.not_valid_after_utc for each in (own, *signers)))


def has_signed(authority: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
