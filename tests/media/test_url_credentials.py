"""Credentials in a URL's path or query: out of everything that is stored or shown, and back for the camera."""
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vonglau.media.url_credentials import put_in, taken_out

ADMIN, SECRET = frozenset({"admin"}), frozenset({"canary-7"})


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/live?user=admin&password=canary-7&channel=1", "/live?user=***&password=***&channel=1"),
        ("/live?channel=1&USERNAME=admin&Pwd=canary-7", "/live?channel=1&USERNAME=***&Pwd=***"),
        ("/user=admin&password=canary-7&channel=1&stream=0.sdp?real_stream", "/user=***&password=***&channel=1&stream=0.sdp?real_stream"),
        ("/user=admin_password=canary-7_channel=1_stream=0.sdp", "/user=***_password=***_channel=1_stream=0.sdp"),
        ("/videoMain/usr=admin/pwd=canary-7", "/videoMain/usr=***/pwd=***"),
    ],
)
def test_both_are_taken_out_and_put_back_as_they_were(text: str, shown: str) -> None:
    assert taken_out(text) == (shown, ADMIN, SECRET)
    assert put_in(shown, "admin", "canary-7") == text


@pytest.mark.parametrize("text", ["/live", "/cam/realmonitor?channel=1&subtype=0", "/live?superuser=1&bypass=2", "/live?password=&user=", "/user/password"])
def test_what_is_no_credential_stays(text: str) -> None:
    assert taken_out(text) == (text, frozenset(), frozenset())
    assert put_in(text, "admin", "canary-7") == text


def test_what_is_hidden_already_is_no_credential() -> None:
    text = "/live?user=***&password=***"
    assert taken_out(text) == (text, frozenset(), frozenset())


def test_a_token_is_a_secret_without_a_user() -> None:
    assert taken_out("/live?token=canary-7") == ("/live?token=***", frozenset(), SECRET)


def test_a_url_that_contradicts_itself_shows_both() -> None:
    assert taken_out("/live?password=one&pwd=two").secrets == {"one", "two"}


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=30))
def test_whatever_the_password_nothing_of_it_stays_and_it_comes_back(password: str) -> None:
    shown = "/live?user=***&password=***&channel=1"
    text = put_in(shown, "admin", password)
    assert taken_out(text).text == shown
    if password != "***":  # noqa: S105 - which says that there is none
        assert taken_out(text).secrets == {password}


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="&#%"), min_size=1, max_size=30).filter(lambda each: each != "***"))
def test_a_password_that_is_written_as_it_is_never_shows_even_in_part(password: str) -> None:
    assert taken_out(f"/live?user=admin&password={password}&channel=1").text == "/live?user=***&password=***&channel=1"
