"""Why there is no stream, by consequence: each is the cause of a gap, and says when to try again."""


class StreamUnavailable(Exception):
    """Base: the camera gives no stream now."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after                       # s, where the camera named one


class Refused(StreamUnavailable):
    """The camera turned the connection or the request down."""


class Unauthorised(StreamUnavailable):
    """The camera turned the credentials down, or wants some and none are known: only a person can help."""


class Silent(StreamUnavailable):
    """Nothing came in time."""


class TransportLost(StreamUnavailable):
    """The connection broke, or there is no way to the camera."""


class Damaged(StreamUnavailable):
    """What came can't be understood."""
