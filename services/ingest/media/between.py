from services.ingest.media.errors import DamagedStream

_LIMIT = 65_536                                              # bytes: the longest RTSP message between RTP frames


def message_between(view: memoryview) -> bytes:
    """The RTSP message at the front of `view` with its body, empty while it isn't whole. Raises `DamagedStream` on anything but a message."""
    if not 65 <= view[0] <= 90:
        raise DamagedStream("neither an interleaved frame nor an RTSP message")
    text = bytes(view[:_LIMIT])
    head_end = text.find(b"\r\n\r\n")
    if head_end < 0:
        if len(text) == _LIMIT or not text[:32].isascii():
            raise DamagedStream("an RTSP message does not end")
        return b""
    size = head_end + 4 + _content_length(text[:head_end])
    if size > _LIMIT:
        raise DamagedStream("an RTSP message is too long")
    return text[:size] if size <= len(text) else b""


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value) if value.strip().isdigit() else 0
    return 0
