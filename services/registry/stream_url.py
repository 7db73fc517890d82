"""A stream's URL in the one form that makes it comparable, with the credentials taken out.

No message here repeats the URL: what is malformed may still hold a password.
"""
from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv6Address
from urllib.parse import unquote, urlsplit

from vonglau.errors import Invalid
from vonglau.media.url_credentials import TakenOut, taken_out
from vonglau.registry.v1.service_pb2 import Credential

DEFAULT_PORTS = {"rtsp": 554, "rtsps": 322}  # RFC 7826, section 4.2
HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*\.?")
UNSAFE = re.compile(r"[\x00-\x20\x7f-\x9f\\\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")  # and what turns or hides the letters beside it
LONGEST = 500  # characters


def stream_url(text: str, field: str = "details.streams.url") -> tuple[str, Credential | None]:
    """`rtsp[s]://host[:port]/path[?query]` in lower case where case means nothing, without a default port; and the credential that stood before
    the @, or in path and query, where *** takes its place.

    Raises: Invalid (STREAM_URL_MALFORMED, CREDENTIALS_DIFFER).
    """
    text = text.strip()
    if len(text) > LONGEST or UNSAFE.search(text):
        raise malformed("it holds blanks or control characters, or is too long", field)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise malformed("host or port can't be read", field) from None
    if parts.scheme not in DEFAULT_PORTS:
        raise malformed("the scheme is rtsp or rtsps", field)
    if parts.fragment or port == 0:
        raise malformed("it has a fragment, or the port 0; write # in a password as %23", field)
    shown_port = "" if port in (None, DEFAULT_PORTS[parts.scheme]) else f":{port}"
    query = f"?{parts.query}" if parts.query else ""
    rest = taken_out(f"{parts.path or '/'}{query}")
    before = credential(parts.username, parts.password)
    return f"{parts.scheme}://{host(parts.hostname or '', field)}{shown_port}{rest.text}", the_one(before, rest, field)


def the_one(before: Credential | None, rest: TakenOut, field: str) -> Credential | None:
    """before: of what stood before the @."""
    users = rest.users | ({before.username} if before else set())
    secrets = rest.secrets | ({before.password} if before else set())
    if len(users) > 1 or len(secrets) > 1:
        raise Invalid("CREDENTIALS_DIFFER", "a stream's URL names one user and one password, wherever it names them", field=field)
    return Credential(username="".join(users), password="".join(secrets)) if users or secrets else None


def host(name: str, field: str) -> str:
    """A name or address in its normal form; IPv6 in brackets."""
    if ":" in name:
        try:
            return f"[{IPv6Address(name).compressed}]"
        except AddressValueError:
            raise malformed("the host is no IPv6 address", field) from None
    if len(name) > 253 or not HOST.fullmatch(name):
        raise malformed("the host is no name of letters, digits, '-' and '.'", field)
    return name.rstrip(".")


def credential(username: str | None, password: str | None) -> Credential | None:
    if not username and not password:
        return None
    return Credential(username=unquote(username or ""), password=unquote(password or ""))


def malformed(why: str, field: str) -> Invalid:
    return Invalid("STREAM_URL_MALFORMED", f"a stream's URL is rtsp://host[:port]/path: {why}", field=field)
