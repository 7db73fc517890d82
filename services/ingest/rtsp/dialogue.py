from services.ingest.rtsp.digest import Answer, read_challenges, strongest
from services.ingest.rtsp.errors import Refused, StreamUnavailable, TransportLost, Unauthorised
from services.ingest.rtsp.message import Reply, request
from services.ingest.rtsp.url import Credentials

_GONE = {454: "the camera has forgotten the session"}


class Dialogue:
    """What one connection's requests share: sequence number, session, and the proof of the password."""

    def __init__(self, credentials: Credentials | None) -> None:
        self.session = ""
        self.sequence = 0
        self._credentials = credentials
        self._answer: Answer | None = None

    def build(self, method: str, uri: str, headers: dict[str, str] | None = None) -> bytes:
        self.sequence += 1
        shared = {"Session": self.session} if self.session else {}
        if self._answer is not None:
            shared["Authorization"] = self._answer.header(method, uri)
        return request(method, uri, self.sequence, {**shared, **(headers or {})})

    def challenged(self, reply: Reply) -> None:
        """Takes a 401 so that the next request can succeed. Raises `Unauthorised` where it could not."""
        challenge = strongest(read_challenges(reply.headers.get("www-authenticate", ())))
        if challenge is None:
            raise Unauthorised("the camera asks for credentials without saying how")
        if self._credentials is None:
            raise Unauthorised("the camera asks for credentials and none are known")
        if self._answer is not None and not challenge.stale and challenge.parameters.get("nonce") == self._answer.challenge.parameters.get("nonce"):
            raise Unauthorised("the camera does not accept the credentials")
        self._answer = Answer(self._credentials, challenge)


def failure(method: str, reply: Reply) -> StreamUnavailable:
    """The error that a reply other than 200 stands for."""
    message = f"{method}: {reply.status} {reply.reason}".strip()
    if reply.status in (401, 403):
        return Unauthorised(message, retry_after=reply.retry_after)
    if reply.status in _GONE:
        return TransportLost(_GONE[reply.status])
    return Refused(message, retry_after=reply.retry_after)
