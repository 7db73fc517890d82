"""Takes a token apart and says who is calling. Whatever is wrong with it has a reason of its own, and none says more than the bearer knows."""
from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from vonglau.clock import Clock, SystemClock
from vonglau.errors import Invalid, Unauthenticated, Unavailable
from vonglau.identity import jwks
from vonglau.identity.caller import Caller
from vonglau.identity.issuer import ISSUER

ALGORITHM = "EdDSA"  # the only one: a token cannot choose how it is checked
LONGEST = 8192  # characters
LATEST = 253_402_300_800  # s since 1970: the year 10000, below infinity and what is no number
REQUIRED = ("sub", "kind", "iss", "aud", "iat", "exp", "jti")
_TIMES_OFF = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}  # checked here, by a clock that tests can set


class Verifier:
    """Reads the key set again when its file changes, so that a new key needs no restart."""

    def __init__(self, jwks_file: Path, audience: str, *, leeway: float = 30.0, issuer: str = ISSUER, clock: Clock | None = None) -> None:
        """audience: the tenant. leeway: s that clocks of other machines may be off."""
        self._file = jwks_file
        self._audience = audience
        self._leeway = leeway
        self._issuer = issuer
        self._clock = clock or SystemClock()
        self._keys: Mapping[str, Ed25519PublicKey] = {}
        self._read: tuple[int, ...] = ()  # what the file looked like when it was read

    def verify(self, token: str) -> Caller:
        """Raises: Unauthenticated (TOKEN_MISSING, TOKEN_MALFORMED, TOKEN_ALGORITHM, TOKEN_KEY_UNKNOWN, TOKEN_FORGED, TOKEN_AUDIENCE, TOKEN_ISSUER,
        TOKEN_EXPIRED, TOKEN_NOT_YET_VALID), Unavailable (IDENTITY_UNAVAILABLE) while there is no key set.
        """
        if not token:
            raise Unauthenticated("TOKEN_MISSING", "the call carries no token")
        claims = self._claims(token, self._key(header_of(token)))
        self._must_be_in_time(claims)
        try:
            return Caller(claims["kind"], claims["sub"])
        except (Invalid, TypeError) as error:
            raise Unauthenticated("TOKEN_MALFORMED", "the token names no caller") from error

    def _claims(self, token: str, key: Ed25519PublicKey) -> Mapping[str, Any]:
        options = {"require": list(REQUIRED), **_TIMES_OFF}
        try:
            return jwt.decode(token, key, algorithms=[ALGORITHM], audience=self._audience, issuer=self._issuer, options=options)  # type: ignore[arg-type]
        except jwt.InvalidSignatureError as error:
            raise Unauthenticated("TOKEN_FORGED", "the token's signature does not fit") from error
        except jwt.InvalidAudienceError as error:
            raise Unauthenticated("TOKEN_AUDIENCE", "the token is for another tenant") from error
        except jwt.InvalidIssuerError as error:
            raise Unauthenticated("TOKEN_ISSUER", "the token comes from another issuer") from error
        except jwt.PyJWTError as error:
            raise Unauthenticated("TOKEN_MALFORMED", "the token cannot be read") from error

    def _must_be_in_time(self, claims: Mapping[str, Any]) -> None:
        now = self._clock.now_ns() / 1_000_000_000
        times = claims["iat"], claims.get("nbf", claims["iat"]), claims["exp"]
        if not all(type(at) in (int, float) and -LATEST < at < LATEST for at in times):
            raise Unauthenticated("TOKEN_MALFORMED", "the token's times are no numbers")
        issued, begin, end = times
        if now >= end + self._leeway:
            raise Unauthenticated("TOKEN_EXPIRED", "the token has expired; get a new one")
        if now < max(issued, begin) - self._leeway:
            raise Unauthenticated("TOKEN_NOT_YET_VALID", "the token is from the future; one of the clocks is wrong")

    def _key(self, header: Mapping[str, Any]) -> Ed25519PublicKey:
        if header.get("alg") != ALGORITHM:
            raise Unauthenticated("TOKEN_ALGORITHM", f"tokens are signed with {ALGORITHM}")
        key_id = header.get("kid")
        self._read_again()
        if not isinstance(key_id, str) or key_id not in self._keys:
            raise Unauthenticated("TOKEN_KEY_UNKNOWN", "the token is signed with a key that is not in use here")
        return self._keys[key_id]

    def _read_again(self) -> None:
        try:
            status = self._file.stat()
            looks = (status.st_mtime_ns, status.st_size, status.st_ino)
            if looks != self._read:
                self._keys, self._read = jwks.decode(self._file.read_bytes()), looks
        except (OSError, ValueError) as error:
            if not self._keys:  # the issuer has not started yet
                raise Unavailable("IDENTITY_UNAVAILABLE", "there is no key set to check tokens with") from error


def header_of(token: str) -> Mapping[str, Any]:
    try:
        if len(token) > LONGEST:
            raise jwt.DecodeError("too long")
        return jwt.get_unverified_header(token)
    except jwt.PyJWTError as error:
        raise Unauthenticated("TOKEN_MALFORMED", "the token cannot be read") from error
