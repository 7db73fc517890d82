"""Credentials that some cameras want in the path or query of their stream's URL: taken out where a URL comes in, put back where a camera is asked.

    rtsp://10.0.0.1/live?user=admin&password=secret&channel=1     the URL as people write it
    rtsp://10.0.0.1/live?user=***&password=***&channel=1          as it is stored, shown and compared
    rtsp://10.0.0.1/user=admin&password=secret&channel=1.sdp      likewise in the path, also with _ between the parts

A part that says *** already, or nothing, holds no credential.
"""
from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import quote, unquote

HIDDEN = "***"
USER, SECRET = "user|username|usr|login|loginuse|account", "password|passwd|pass|pwd|loginpas|token|auth"
NAMED = rf"(?P<name>{USER}|{SECRET})="
IN_QUERY = re.compile(rf"(?P<lead>^|&){NAMED}(?P<value>[^&]*)", re.IGNORECASE)
IN_PATH = re.compile(rf"(?P<lead>[/&_]){NAMED}(?P<value>.*?)(?=[/&]|_[a-z]+=|$)", re.IGNORECASE)
PLAIN = "!$'()*+,:;=@-._~"  # stand for themselves in a path; in a query / and ? too: cameras seldom decode


class TakenOut(NamedTuple):
    text: str  # path and query without them
    users: frozenset[str]  # decoded; more than one where the URL contradicts itself
    secrets: frozenset[str]


def taken_out(text: str) -> TakenOut:
    """text: path and query."""
    users: set[str] = set()
    secrets: set[str] = set()

    def hidden(found: re.Match[str]) -> str:
        lead, name, value = found["lead"], found["name"], found["value"]
        if value in ("", HIDDEN):
            return found[0]
        (users if is_user(name) else secrets).add(unquote(value))
        return f"{lead}{name}={HIDDEN}"

    return TakenOut(everywhere(text, lambda _: hidden), frozenset(users), frozenset(secrets))


def put_in(text: str, user: str, secret: str) -> str:
    """text: path and query, or a whole URL, with *** where they belong."""

    def shown(safe: str) -> Callable[[re.Match[str]], str]:
        def one(found: re.Match[str]) -> str:
            if found["value"] != HIDDEN:
                return found[0]
            return f"{found['lead']}{found['name']}={quote(user if is_user(found['name']) else secret, safe=safe)}"

        return one

    return everywhere(text, shown)


def everywhere(text: str, replacing: Callable[[str], Callable[[re.Match[str]], str]]) -> str:
    """replacing: takes the characters that need no escape there."""
    path, mark, query = text.partition("?")
    return IN_PATH.sub(replacing(PLAIN), path) + mark + IN_QUERY.sub(replacing(f"{PLAIN}/?"), query)


def is_user(name: str) -> bool:
    return re.fullmatch(USER, name, re.IGNORECASE) is not None
