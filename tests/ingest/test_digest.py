"""Proofs of a password, against the examples of the RFCs."""
from __future__ import annotations

import pytest

from services.ingest.rtsp.dialogue import Dialogue
from services.ingest.rtsp.digest import Answer, Challenge, read_challenges, strongest
from services.ingest.rtsp.errors import Unauthorised
from services.ingest.rtsp.message import Reply
from services.ingest.rtsp.url import Credentials

MUFASA = Credentials("Mufasa", "Circle of Life")


def answered(header: str, credentials: Credentials, own: str, method: str = "GET", uri: str = "/dir/index.html") -> str:
    challenge = strongest(read_challenges([header]))
    assert challenge is not None
    return Answer(credentials, challenge, lambda: own).header(method, uri)


def test_the_example_of_rfc_2617_is_answered_as_printed_there() -> None:
    header = 'Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"'
    proof = answered(header, Credentials("Mufasa", "Circle Of Life"), "0a4f113b")
    assert 'response="6629fae49393a05397450978507c4ef1"' in proof
    assert "nc=00000001" in proof
    assert 'opaque="5ccc069c403ebaf9f0171e9517f40e41"' in proof


@pytest.mark.parametrize(("algorithm", "response"), [
    ("MD5", "8ca523f5e9506fed4657c9700eebdbec"), ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
])
def test_the_examples_of_rfc_7616_are_answered_as_printed_there(algorithm: str, response: str) -> None:
    header = (
        f'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={algorithm}, '
        'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    )
    assert f'response="{response}"' in answered(header, MUFASA, "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ")


def test_a_proof_without_qop_is_the_short_one_of_rfc_2069() -> None:
    proof = answered('Digest realm="cam", nonce="abc"', Credentials("u", "p"), "x", "DESCRIBE", "rtsp://cam/a,b?c=1")
    assert 'response="d464fda50022ac0e75ed534ccc0c0e42"' in proof      # MD5(MD5(u:cam:p):abc:MD5(DESCRIBE:uri))
    assert 'uri="rtsp://cam/a,b?c=1"' in proof
    assert "nc=" not in proof


def test_commas_and_quotes_inside_values_belong_to_them() -> None:
    (challenge,) = read_challenges([r'Digest realm="a, nonce=\"no\", b", nonce="n,1", stale=TRUE'])
    assert challenge.parameters == {"realm": 'a, nonce="no", b', "nonce": "n,1", "stale": "TRUE"}
    assert challenge.stale


def test_several_challenges_in_one_header_or_many_give_the_strongest() -> None:
    both = 'Basic realm="cam", Digest realm="cam", nonce="1"'
    sha = 'Digest realm="cam", nonce="2", algorithm=SHA-256'
    assert [one.scheme for one in read_challenges([both])] == ["basic", "digest"]
    chosen = strongest(read_challenges([both, sha]))
    assert chosen is not None
    assert chosen.parameters["nonce"] == "2"


def test_an_algorithm_that_nobody_here_knows_is_not_chosen() -> None:
    chosen = strongest(read_challenges(['Digest realm="cam", nonce="1", algorithm=SHA-512-256', 'Basic realm="cam"']))
    assert chosen is not None
    assert chosen.scheme == "basic"
    assert Answer(Credentials("Aladdin", "open sesame"), chosen).header("DESCRIBE", "x") == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="


def test_each_use_of_a_nonce_is_counted() -> None:
    answer = Answer(MUFASA, Challenge("digest", {"realm": "r", "nonce": "n", "qop": "auth"}))
    assert ["nc=00000001" in answer.header("A", "u"), "nc=00000002" in answer.header("B", "u")] == [True, True]


def refusal(header: str) -> Reply:
    return Reply(401, "Unauthorized", {"www-authenticate": [header]} if header else {})


def test_the_same_nonce_again_means_that_the_password_is_wrong() -> None:
    dialogue = Dialogue(MUFASA)
    dialogue.challenged(refusal('Digest realm="r", nonce="1"'))
    with pytest.raises(Unauthorised):
        dialogue.challenged(refusal('Digest realm="r", nonce="1"'))


def test_a_nonce_that_went_stale_is_replaced() -> None:
    dialogue = Dialogue(MUFASA)
    dialogue.challenged(refusal('Digest realm="r", nonce="1"'))
    dialogue.challenged(refusal('Digest realm="r", nonce="2", stale=true'))
    assert b'nonce="2"' in dialogue.build("PLAY", "rtsp://cam/a")


@pytest.mark.parametrize("header", ["", "Negotiate", 'Digest realm="r"'])
def test_a_challenge_that_can_not_be_answered_is_final(header: str) -> None:
    with pytest.raises(Unauthorised):
        Dialogue(MUFASA).challenged(refusal(header))


def test_a_challenge_without_credentials_is_final() -> None:
    with pytest.raises(Unauthorised):
        Dialogue(None).challenged(refusal('Digest realm="r", nonce="1"'))
