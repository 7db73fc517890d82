"""RTSP 1.0 messages (RFC 2326) as a server reads and writes them."""

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    451: "Parameter Not Understood",
    453: "Not Enough Bandwidth",
    454: "Session Not Found",
    455: "Method Not Valid in This State",
    461: "Unsupported Transport",
    503: "Service Unavailable",
}
# What a control attribute adds to a URL.
TRACK = re.compile(r"/?trackID=(\d+)/?$")
LIMIT = 64 * 1024  # bytes of one request


class MalformedRequestError(ValueError):
    """What came is no RTSP request: the connection can't be used any further."""


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    url: str
    headers: dict[str, str]
    body: bytes = b""

    @property
    def path(self) -> list[str]:
        return [part for part in urlsplit(TRACK.sub("", self.url)).path.split("/") if part]

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(TRACK.sub("", self.url)).query, keep_blank_values=True))

    @property
    def track(self) -> int:
        """1 where the URL names none. Clients append it even behind a query."""
        named = TRACK.search(self.url)
        return int(named[1]) if named else 1


@dataclass(frozen=True, slots=True)
class Reply:
    code: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def encode(self, sequence: str) -> bytes:
        lines = [f"RTSP/1.0 {self.code} {REASONS[self.code]}", f"CSeq: {sequence}", *(f"{name}: {value}" for name, value in self.headers.items())]
        if self.body:
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join([*lines, "", ""]).encode() + self.body


class Inbox:
    """Bytes from a client, cut into requests; its interleaved packets (RTCP) are dropped."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Request]:
        """Every request that is complete now. Raises MalformedRequestError."""
        self._buffer += data
        found = []
        while (request := self._next()) is not None:
            found.append(request)
        return found

    def _next(self) -> Request | None:
        while self._buffer[:1] == b"$" and len(self._buffer) >= 4:
            size = 4 + int.from_bytes(self._buffer[2:4], "big")
            if len(self._buffer) < size:
                return None
            del self._buffer[:size]
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0 or self._buffer[:1] == b"$":
            if len(self._buffer) > LIMIT:
                raise MalformedRequestError("no end of the request within 64 KiB")
            return None
        request = parse_head(bytes(self._buffer[:end]).decode("latin-1"))
        told = request.headers.get("content-length", "0")
        if not told.isdigit() or int(told) > LIMIT:
            raise MalformedRequestError(f"a body of {told[:20]!r} bytes")
        size = int(told)
        if len(self._buffer) < end + 4 + size:
            return None
        body = bytes(self._buffer[end + 4 : end + 4 + size])
        del self._buffer[: end + 4 + size]
        return Request(request.method, request.url, request.headers, body)


def parse_head(text: str) -> Request:
    first, *rest = text.lstrip("\r\n").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("RTSP/"):
        raise MalformedRequestError(f"no RTSP request: {first[:60]!r}")
    fields = (line.partition(":") for line in rest)
    return Request(words[0], words[1], {name.strip().lower(): value.strip() for name, _, value in fields})
