"""Who may come in: digest (RFC 2069, RFC 2617 with qop) and basic, with nonces that expire."""

import base64
import hashlib
import hmac
import re
import secrets
import time
from typing import Literal

Scheme = Literal["digest", "digest-qop", "basic"]
FIELD = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,]+))')


class Door:
    """One camera's. `nonce_life` in seconds: an older nonce is answered with `stale=true`."""

    def __init__(self, user: str, password: str, scheme: Scheme, realm: str) -> None:
        self._user, self._password, self._scheme, self._realm = user, password, scheme, realm
        self._nonces: dict[str, float] = {}

    def challenge(self, *, stale: bool = False) -> str:
        """Value of WWW-Authenticate."""
        if self._scheme == "basic":
            return f'Basic realm="{self._realm}"'
        nonce = secrets.token_hex(16)
        self._nonces[nonce] = time.monotonic()
        if len(self._nonces) > 1000:
            del self._nonces[next(iter(self._nonces))]
        qop = ', qop="auth"' if self._scheme == "digest-qop" else ""
        return f'Digest realm="{self._realm}", nonce="{nonce}", algorithm=MD5{qop}' + (", stale=true" if stale else "")

    def judge(self, method: str, authorization: str, nonce_life: float) -> Literal["in", "out", "stale"]:
        scheme, _, rest = authorization.partition(" ")
        if self._scheme == "basic":
            told = base64.b64encode(f"{self._user}:{self._password}".encode()).decode()
            return "in" if scheme.lower() == "basic" and hmac.compare_digest(rest.strip(), told) else "out"
        if scheme.lower() != "digest":
            return "out"
        return self._judge_digest(method, {name: quoted or bare for name, quoted, bare in FIELD.findall(rest)}, nonce_life)

    def _judge_digest(self, method: str, told: dict[str, str], nonce_life: float) -> Literal["in", "out", "stale"]:
        nonce = told.get("nonce", "")
        made = self._nonces.get(nonce)
        if made is None or told.get("username") != self._user:
            return "out"
        middle = [nonce, told["nc"], told.get("cnonce", ""), "auth"] if "nc" in told else [nonce]
        wanted = md5(":".join([md5(f"{self._user}:{self._realm}:{self._password}"), *middle, md5(f"{method}:{told.get('uri', '')}")]))
        if not hmac.compare_digest(told.get("response", ""), wanted):
            return "out"
        return "stale" if time.monotonic() - made > nonce_life else "in"


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
