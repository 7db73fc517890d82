"""Pages of a list (AIP-158): bounded sizes, and tokens that are only good for the query that they came from."""
from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import orjson
from google.protobuf.message import Message

from vonglau.errors import Invalid
from vonglau.rpc.body import body_hash

Cursor = list[Any]  # JSON values: the place of the page's last item in the list's order
NOT_THE_QUERY = ("page_size", "page_token", "min_version")
CHECK = 8  # bytes


class PageToken:
    """Opaque and URL-safe. It is checked against mistakes, not against its caller: rights are asked anew for each page."""

    @staticmethod
    def encode(request: Message, cursor: Cursor) -> str:
        """The `next_page_token` after the item at the cursor; empty only means the end, so do not call it there."""
        place = orjson.dumps(cursor)
        return base64.urlsafe_b64encode(check(request, place) + place).rstrip(b"=").decode()

    @staticmethod
    def decode(request: Message) -> Cursor | None:
        """The cursor in the request's page token; None: the first page.

        Raises: Invalid (PAGE_TOKEN_MALFORMED; PAGE_TOKEN_OF_ANOTHER_QUERY when a filter has changed since).
        """
        token: str = getattr(request, "page_token", "")
        if not token:
            return None
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
            cursor = orjson.loads(raw[CHECK:])
        except ValueError:
            raise Invalid("PAGE_TOKEN_MALFORMED", "page_token is not one that this service gave out", field="page_token") from None
        if not hmac.compare_digest(raw[:CHECK], check(request, raw[CHECK:])):
            raise Invalid("PAGE_TOKEN_OF_ANOTHER_QUERY", "the query has changed since this page_token was given out; begin again", field="page_token")
        return cursor if isinstance(cursor, list) else None


def check(request: Message, place: bytes) -> bytes:
    query = request.DESCRIPTOR.full_name + body_hash(request, without=NOT_THE_QUERY)
    return hashlib.sha256(query.encode() + place).digest()[:CHECK]


def page_size(request: Message, *, default: int, most: int) -> int:
    """0 is the default, more than `most` is `most`; negative ones never come this far."""
    asked: int = getattr(request, "page_size", 0)
    return min(asked, most) if asked > 0 else default
