"""Proof of the password: Basic, and Digest by RFC 2617 and RFC 7616 with MD5 and SHA-256, each also as a session variant."""

import hashlib
import re
import secrets
from base64 import b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from services.ingest.rtsp.url import Credentials

# a scheme is a word that no '=' follows; a parameter is name=token or name="quoted", commas inside quotes belong to it
_PART = re.compile(r'([A-Za-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))|([A-Za-z][A-Za-z0-9_-]*)')
_STRENGTH = {"SHA-256-SESS": 4, "SHA-256": 3, "MD5-SESS": 2, "MD5": 1, "": 1}


@dataclass(frozen=True, slots=True)
class Challenge:
    scheme: str                                              # lower case
    parameters: dict[str, str]                               # names in lower case

    @property
    def stale(self) -> bool:
        return self.parameters.get("stale", "").lower() == "true"

    @property
    def algorithm(self) -> str:
        return self.parameters.get("algorithm", "").upper()


def read_challenges(values: Iterable[str]) -> list[Challenge]:
    """All challenges of the WWW-Authenticate headers, in order; one header may hold several."""
    challenges: list[Challenge] = []
    for value in values:
        for name, quoted, token, scheme in _PART.findall(value):
            if scheme:
                challenges.append(Challenge(scheme.lower(), {}))
            elif challenges:
                challenges[-1].parameters[name.lower()] = re.sub(r"\\(.)", r"\1", quoted) or token
    return challenges


def strongest(challenges: Iterable[Challenge]) -> Challenge | None:
    """The best one that can be answered, None if there is none."""
    usable = [one for one in challenges if one.scheme == "basic" or (one.scheme == "digest" and one.algorithm in _STRENGTH and "nonce" in one.parameters)]
    return max(usable, key=lambda one: _STRENGTH[one.algorithm] if one.scheme == "digest" else 0, default=None)


@dataclass(slots=True)
class Answer:
    """Authorization headers for one challenge; counts the uses of its nonce."""

    credentials: Credentials
    challenge: Challenge
    new_nonce: Callable[[], str] = lambda: secrets.token_hex(8)
    _uses: int = field(default=0, init=False)

    def header(self, method: str, uri: str) -> str:
        if self.challenge.scheme == "basic":
            return "Basic " + b64encode(f"{self.credentials.user}:{self.credentials.password}".encode()).decode()
        return self._digest(method, uri)

    def _digest(self, method: str, uri: str) -> str:
        given, algorithm = self.challenge.parameters, self.challenge.algorithm
        digest = _sha256 if algorithm.startswith("SHA-256") else _md5
        realm, nonce, own = given.get("realm", ""), given["nonce"], self.new_nonce()
        secret = digest(f"{self.credentials.user}:{realm}:{self.credentials.password}")
        if algorithm.endswith("-SESS"):
            secret = digest(f"{secret}:{nonce}:{own}")
        asked = digest(f"{method}:{uri}")
        fields = [f'username="{self.credentials.user}"', f'realm="{realm}"', f'nonce="{nonce}"', f'uri="{uri}"']
        if "auth" in re.split(r"[\s,]+", given.get("qop", "")):
            self._uses += 1
            count = f"{self._uses:08x}"
            fields += [f'response="{digest(f"{secret}:{nonce}:{count}:{own}:auth:{asked}")}"', "qop=auth", f"nc={count}", f'cnonce="{own}"']
        else:
            fields.append(f'response="{digest(f"{secret}:{nonce}:{asked}")}"')
            if algorithm.endswith("-SESS"):
                fields.append(f'cnonce="{own}"')
        if algorithm:
            fields.append(f"algorithm={given['algorithm']}")
        if "opaque" in given:
            fields.append(f'opaque="{given["opaque"]}"')
        return "Digest " + ", ".join(fields)


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
