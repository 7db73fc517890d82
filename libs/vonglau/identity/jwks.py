"""Public keys as a JSON Web Key Set (RFC 7517), so that a local issuer and an OIDC provider look the same. Ed25519 only (RFC 8037)."""
from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def key_id(key: Ed25519PublicKey) -> str:
    """The key's thumbprint (RFC 7638)."""
    required = {"crv": "Ed25519", "kty": "OKP", "x": _text(_raw(key))}
    return _text(hashlib.sha256(orjson.dumps(required, option=orjson.OPT_SORT_KEYS)).digest())


def encode(*keys: Ed25519PublicKey) -> bytes:
    entries = [{"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": key_id(key), "x": _text(_raw(key))} for key in keys]
    return orjson.dumps({"keys": entries})


def decode(body: bytes) -> Mapping[str, Ed25519PublicKey]:
    """By key id; keys of other kinds are left out, since no token signed by them is taken.

    Raises: ValueError when it is no key set.
    """
    try:
        entries = [entry for entry in orjson.loads(body)["keys"] if (entry["kty"], entry.get("crv")) == ("OKP", "Ed25519")]
        return {entry["kid"]: Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(entry["x"] + "==")) for entry in entries}
    except (KeyError, TypeError, AttributeError, binascii.Error) as error:
        raise ValueError(f"no key set: {error!r}") from error


def _raw(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
