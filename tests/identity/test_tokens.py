"""A token proves who is calling, to one tenant, for a time; everything else about it is refused with its reason."""
from __future__ import annotations

import base64
import json
import stat
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from vonglau.errors import Damaged, Invalid, Unauthenticated, Unavailable
from vonglau.identity import Caller, LocalIssuer, Verifier
from vonglau.testing.clock import SettableClock

LAN = Caller("person", "lan")


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
def issuer(tmp_path: Path, clock: SettableClock) -> LocalIssuer:
    return LocalIssuer(tmp_path, clock=clock)


@pytest.fixture
def verifier(issuer: LocalIssuer, clock: SettableClock) -> Verifier:
    return Verifier(issuer.jwks_file, "city", leeway=30, clock=clock)


def reason(verifier: Verifier, token: str) -> str:
    with pytest.raises(Unauthenticated) as refused:
        verifier.verify(token)
    return refused.value.reason


def part(content: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def signed(folder: Path, token: str, drop: str = "", **changes: Any) -> str:
    """A token like this one with other claims, signed with the issuer's own key."""
    key = load_pem_private_key((folder / "issuer.key").read_bytes(), password=None)
    claims = {**jwt.decode(token, options={"verify_signature": False}), **changes}
    claims.pop(drop, None)
    return jwt.encode(claims, key, algorithm="EdDSA", headers={"kid": jwt.get_unverified_header(token)["kid"]})  # type: ignore[arg-type]


@pytest.mark.parametrize("caller", [LAN, Caller("service", "recording"), Caller("person", "a.b@city.gov.vn")])
def test_a_token_tells_who_it_was_made_for(issuer: LocalIssuer, verifier: Verifier, caller: Caller) -> None:
    assert verifier.verify(issuer.token(caller, 60, "city")) == caller


def test_a_token_carries_what_its_verifiers_may_ask_for(issuer: LocalIssuer) -> None:
    claims = jwt.decode(issuer.token(LAN, 60, "city"), options={"verify_signature": False})
    assert claims | {"jti": ""} == {"sub": "lan", "kind": "person", "aud": "city", "iss": "vonglau-local", "iat": 1767225600, "exp": 1767225660, "jti": ""}


def test_no_two_tokens_are_the_same(issuer: LocalIssuer) -> None:
    assert issuer.token(LAN, 60, "city") != issuer.token(LAN, 60, "city")


def test_a_call_without_a_token_is_told_so(verifier: Verifier) -> None:
    assert reason(verifier, "") == "TOKEN_MISSING"


def test_a_token_ends_after_its_time_and_the_leeway(issuer: LocalIssuer, verifier: Verifier, clock: SettableClock) -> None:
    token = issuer.token(LAN, 60, "city")
    clock.advance(89)
    assert verifier.verify(token) == LAN
    clock.advance(1)
    assert reason(verifier, token) == "TOKEN_EXPIRED"


def test_a_token_from_the_future_waits_until_it_is_within_the_leeway(issuer: LocalIssuer, verifier: Verifier, clock: SettableClock) -> None:
    clock.advance(31)
    token = issuer.token(LAN, 60, "city")
    clock.advance(-31)
    assert reason(verifier, token) == "TOKEN_NOT_YET_VALID"
    clock.advance(1)
    assert verifier.verify(token) == LAN


def test_a_token_is_not_valid_before_the_time_that_it_names(tmp_path: Path, issuer: LocalIssuer, verifier: Verifier, clock: SettableClock) -> None:
    later = signed(tmp_path, issuer.token(LAN, 600, "city"), nbf=clock.now_ns() // 1_000_000_000 + 60)
    assert reason(verifier, later) == "TOKEN_NOT_YET_VALID"
    clock.advance(30)
    assert verifier.verify(later) == LAN


def test_a_token_of_another_tenant_means_nothing_here(issuer: LocalIssuer, verifier: Verifier) -> None:
    assert reason(verifier, issuer.token(LAN, 60, "training")) == "TOKEN_AUDIENCE"


def test_a_changed_claim_is_a_forgery(issuer: LocalIssuer, verifier: Verifier) -> None:
    header, body, signature = issuer.token(LAN, 60, "city").split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    assert reason(verifier, f"{header}.{part({**claims, 'sub': 'minh'})}.{signature}") == "TOKEN_FORGED"


def test_another_key_under_a_known_key_id_is_a_forgery(issuer: LocalIssuer, verifier: Verifier) -> None:
    token = issuer.token(LAN, 60, "city")
    claims = jwt.decode(token, options={"verify_signature": False})
    forged = jwt.encode(claims, Ed25519PrivateKey.generate(), algorithm="EdDSA", headers={"kid": jwt.get_unverified_header(token)["kid"]})
    assert reason(verifier, forged) == "TOKEN_FORGED"


def test_an_issuer_that_is_not_in_the_key_set_is_unknown(tmp_path: Path, verifier: Verifier, clock: SettableClock) -> None:
    assert reason(verifier, LocalIssuer(tmp_path / "stranger", clock=clock).token(LAN, 60, "city")) == "TOKEN_KEY_UNKNOWN"


def test_a_token_that_names_no_key_is_unknown(issuer: LocalIssuer, verifier: Verifier) -> None:
    _, body, signature = issuer.token(LAN, 60, "city").split(".")
    assert reason(verifier, f"{part({'alg': 'EdDSA', 'typ': 'JWT'})}.{body}.{signature}") == "TOKEN_KEY_UNKNOWN"


def test_a_token_cannot_choose_to_be_unsigned(issuer: LocalIssuer, verifier: Verifier) -> None:
    header, body, _ = issuer.token(LAN, 60, "city").split(".")
    key_id = json.loads(base64.urlsafe_b64decode(header + "=="))["kid"]
    for algorithm in ("none", "None", "NONE"):
        assert reason(verifier, f"{part({'alg': algorithm, 'kid': key_id})}.{body}.") == "TOKEN_ALGORITHM"


def test_the_public_key_cannot_be_used_as_a_shared_secret(issuer: LocalIssuer, verifier: Verifier) -> None:
    token = issuer.token(LAN, 60, "city")
    public = base64.urlsafe_b64decode(json.loads(issuer.jwks_file.read_bytes())["keys"][0]["x"] + "==")
    confused = jwt.encode(
        jwt.decode(token, options={"verify_signature": False}), public, algorithm="HS256", headers={"kid": jwt.get_unverified_header(token)["kid"]}
    )
    assert reason(verifier, confused) == "TOKEN_ALGORITHM"


@pytest.mark.parametrize("claim", ["sub", "kind", "iss", "aud", "iat", "exp", "jti"])
def test_a_token_without_one_of_its_claims_is_refused(tmp_path: Path, issuer: LocalIssuer, verifier: Verifier, claim: str) -> None:
    assert reason(verifier, signed(tmp_path, issuer.token(LAN, 60, "city"), drop=claim)) in ("TOKEN_MALFORMED", "TOKEN_AUDIENCE", "TOKEN_ISSUER")


@pytest.mark.parametrize("changes", [
    {"kind": "root"}, {"kind": 1}, {"sub": ""}, {"sub": "a b"}, {"sub": "a:b"}, {"iat": "soon"}, {"exp": True}, {"exp": None},
    {"exp": float("nan")}, {"exp": float("inf")}, {"exp": 10**400}, {"nbf": "soon"},
])
def test_claims_that_mean_nothing_are_refused(tmp_path: Path, issuer: LocalIssuer, verifier: Verifier, changes: dict[str, Any]) -> None:
    assert reason(verifier, signed(tmp_path, issuer.token(LAN, 60, "city"), **changes)) == "TOKEN_MALFORMED"


def test_a_token_of_another_issuer_is_refused_though_its_key_is_known(tmp_path: Path, issuer: LocalIssuer, verifier: Verifier) -> None:
    assert reason(verifier, signed(tmp_path, issuer.token(LAN, 60, "city"), iss="elsewhere")) == "TOKEN_ISSUER"


@pytest.mark.parametrize("token", ["x", "a.b", "a.b.c", "....", "é.é.é", "A" * 10_000, "eyJhbGciOiJFZERTQSJ9.e30"])
def test_what_is_no_token_is_refused(verifier: Verifier, token: str) -> None:
    assert reason(verifier, token) in ("TOKEN_MALFORMED", "TOKEN_KEY_UNKNOWN")


def test_a_new_key_is_taken_up_without_a_restart(tmp_path: Path, issuer: LocalIssuer, verifier: Verifier, clock: SettableClock) -> None:
    old = issuer.token(LAN, 60, "city")
    assert verifier.verify(old) == LAN
    (tmp_path / "issuer.key").unlink()
    new = LocalIssuer(tmp_path, clock=clock).token(LAN, 60, "city")
    assert verifier.verify(new) == LAN
    assert reason(verifier, old) == "TOKEN_KEY_UNKNOWN"


def test_a_key_set_that_is_away_for_a_moment_does_not_end_what_is_known(issuer: LocalIssuer, verifier: Verifier) -> None:
    token = issuer.token(LAN, 60, "city")
    verifier.verify(token)
    issuer.jwks_file.write_bytes(b"{half")
    assert verifier.verify(token) == LAN
    issuer.jwks_file.unlink()
    assert verifier.verify(token) == LAN


def test_before_there_is_a_key_set_nobody_is_known_and_later_they_are(tmp_path: Path, clock: SettableClock) -> None:
    verifier = Verifier(tmp_path / "late" / "jwks.json", "city", clock=clock)
    with pytest.raises(Unavailable) as refused:
        verifier.verify(LocalIssuer(tmp_path / "other", clock=clock).token(LAN, 60, "city"))
    assert refused.value.reason == "IDENTITY_UNAVAILABLE"
    assert verifier.verify(LocalIssuer(tmp_path / "late", clock=clock).token(LAN, 60, "city")) == LAN


def test_keys_of_kinds_that_are_not_taken_do_not_hide_the_others(issuer: LocalIssuer, verifier: Verifier) -> None:
    content = json.loads(issuer.jwks_file.read_bytes())
    content["keys"].insert(0, {"kty": "RSA", "kid": "r", "n": "AQAB", "e": "AQAB"})
    issuer.jwks_file.write_text(json.dumps(content))
    assert verifier.verify(issuer.token(LAN, 60, "city")) == LAN


def test_the_issuer_keeps_its_key_over_a_restart(tmp_path: Path, issuer: LocalIssuer, verifier: Verifier, clock: SettableClock) -> None:
    assert verifier.verify(LocalIssuer(tmp_path, clock=clock).token(LAN, 60, "city")) == LAN
    assert stat.S_IMODE((tmp_path / "issuer.key").stat().st_mode) == 0o600
    assert b"PRIVATE" not in issuer.jwks_file.read_bytes()


@pytest.mark.parametrize("content", [b"", b"no key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_a_damaged_key_is_named_and_not_replaced(tmp_path: Path, issuer: LocalIssuer, content: bytes) -> None:
    (tmp_path / "issuer.key").write_bytes(content)
    with pytest.raises(Damaged) as refused:
        LocalIssuer(tmp_path)
    assert refused.value.reason == "KEY_FILE_DAMAGED"
    assert (tmp_path / "issuer.key").read_bytes() == content


def test_a_source_renews_its_token_when_half_of_its_life_is_over(issuer: LocalIssuer, clock: SettableClock) -> None:
    current = issuer.source(LAN, "city", ttl_s=100)
    first = current()
    clock.advance(49)
    assert current() == first
    clock.advance(1)
    assert current() != first


@pytest.mark.parametrize("text", ["person:lan", "service:recording"])
def test_a_caller_is_written_as_it_is_read(text: str) -> None:
    assert str(Caller.parse(text)) == text


@pytest.mark.parametrize("text", ["", "lan", "person:", "robot:lan", "person:a b", "person:a:b", "person:-a", "person:" + "a" * 128, "person:lan\n"])
def test_what_is_no_caller_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        Caller.parse(text)
