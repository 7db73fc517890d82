"""The issuer of one machine: an Ed25519 key made at the first start, tokens that prove identity and nothing else."""
from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from vonglau.clock import Clock, SystemClock
from vonglau.errors import Damaged
from vonglau.identity import jwks
from vonglau.identity.caller import Caller
from vonglau.keyfile import key_file

ISSUER = "vonglau-local"
KEY_FILE, JWKS_FILE = "issuer.key", "jwks.json"


class LocalIssuer:
    """Keeps `issuer.key` (mode 0600) and `jwks.json` (for everybody who verifies) in a folder; several processes may start on it at once."""

    def __init__(self, folder: Path, *, clock: Clock | None = None) -> None:
        """Raises: Refused (KEY_FILE_OPEN), Damaged (KEY_FILE_DAMAGED), OSError."""
        self._clock = clock or SystemClock()
        self._key = _private_key(folder / KEY_FILE)
        self._key_id = jwks.key_id(self._key.public_key())
        self.jwks_file = folder / JWKS_FILE
        publish(self.jwks_file, jwks.encode(self._key.public_key()))

    def token(self, caller: Caller, ttl_s: float, audience: str) -> str:
        """A JWT for one tenant, valid from now on for so many seconds."""
        now = self._clock.now_ns() // 1_000_000_000
        claims = {
            "sub": caller.id, "kind": caller.kind, "iss": ISSUER, "aud": audience,
            "iat": now, "exp": now + max(1, round(ttl_s)), "jti": uuid.uuid4().hex,
        }
        return jwt.encode(claims, self._key, algorithm="EdDSA", headers={"kid": self._key_id})

    def source(self, caller: Caller, audience: str, ttl_s: float = 3600.0) -> Callable[[], str]:
        """A token for each call, renewed when half of its life is over."""
        kept, renew_at = "", float("-inf")

        def current() -> str:
            nonlocal kept, renew_at
            if self._clock.monotonic() >= renew_at:
                kept, renew_at = self.token(caller, ttl_s, audience), self._clock.monotonic() + ttl_s / 2
            return kept

        return current


def _private_key(path: Path) -> Ed25519PrivateKey:
    content = key_file(path, _new_key)
    try:
        key = load_pem_private_key(content, password=None)
    except ValueError as error:
        raise Damaged("KEY_FILE_DAMAGED", f"{path} holds no private key; remove it to have a new one made (all tokens end)", file=str(path)) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise Damaged("KEY_FILE_DAMAGED", f"{path} holds no Ed25519 key", file=str(path))
    return key


def _new_key() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def publish(path: Path, body: bytes) -> None:
    """Readers see the old key set or the new one, never half of one."""
    if path.exists() and path.read_bytes() == body:
        return
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    partial.write_bytes(body)
    partial.replace(path)
