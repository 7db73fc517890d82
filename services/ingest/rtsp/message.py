"""Requests and replies as text. Replies are read as cameras send them: bare line feeds, folded headers, no reason phrase, doubled headers."""

import re
from dataclasses import dataclass, field

from services.ingest.rtsp.errors import Damaged

_HEAD_END = re.compile(rb"\r?\n\r?\n")
_STATUS = re.compile(r"RTSP/\d\.\d\s+(\d{3})\s*(.*)")
_NUMBER = re.compile(r"[0-9]{1,9}")                        # what a camera counts in; more digits are no number
_UNSHOWN = re.compile(r"[^\x20-\x7e\xa0-\xff]+")           # of Latin-1
_REASON_LIMIT = 80                                           # characters
_HEAD_LIMIT = 32_768                                         # bytes
_BODY_LIMIT = 1 << 20                                        # bytes


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    reason: str
    headers: dict[str, list[str]] = field(default_factory=dict)                   # names in lower case
    body: bytes = b""

    def header(self, name: str, default: str = "") -> str:
        """The first value under a lower-case name."""
        return next(iter(self.headers.get(name, ())), default)

    @property
    def sequence(self) -> int | None:
        value = self.header("cseq")
        return int(value) if _NUMBER.fullmatch(value) else None

    @property
    def retry_after(self) -> float | None:
        value = self.header("retry-after")
        return float(value) if _NUMBER.fullmatch(value) else None


def request(method: str, uri: str, sequence: int, headers: dict[str, str]) -> bytes:
    lines = [f"{method} {uri} RTSP/1.0", f"CSeq: {sequence}", "User-Agent: vonglau", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def read_reply(data: bytes) -> tuple[Reply | None, int]:
    """The message at the front of `data` and how many bytes it took; (None, 0) while it isn't whole, (None, n) for a request of the camera.

    Raises `Damaged`.
    """
    if data and not (65 <= data[0] <= 90 or data[0] in b"\r\n"):
        raise Damaged("what the camera sends is no RTSP")
    found = _HEAD_END.search(data)
    if found is None:
        if len(data) > _HEAD_LIMIT:
            raise Damaged("a reply without end")
        return None, 0
    lines = _unfold(data[:found.start()].decode("latin-1"))
    headers: dict[str, list[str]] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if colon:
            headers.setdefault(name.strip().lower(), []).append(value.strip())
    length = next(iter(headers.get("content-length", ())), "0")
    if not _NUMBER.fullmatch(length) or int(length) > _BODY_LIMIT:
        raise Damaged("a reply with an impossible Content-Length")
    end = found.end() + int(length)
    if len(data) < end:
        return None, 0
    status = _STATUS.match(lines[0])
    if status is None:
        if lines[0].endswith(("RTSP/1.0", "RTSP/2.0")):
            return None, end
        raise Damaged("what the camera sends is no RTSP")
    return Reply(int(status[1]), _UNSHOWN.sub(" ", status[2]).strip()[:_REASON_LIMIT], headers, data[found.end():end]), end


def _unfold(head: str) -> list[str]:
    return re.split(r"\r?\n", re.sub(r"\r?\n[ \t]+", " ", head).lstrip("\r\n"))
