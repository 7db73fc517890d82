import socket
from dataclasses import dataclass

from services.ingest.rtsp.dialogue import Dialogue, failure
from services.ingest.rtsp.errors import TransportLost
from services.ingest.rtsp.message import read_reply
from services.ingest.rtsp.sdp import Offer


@dataclass(slots=True)
class PlayingStream:
    """A camera that plays. The socket doesn't block and is the caller's to read; nothing here waits."""

    socket: socket.socket
    early: bytes                                             # media that was read behind the reply to PLAY
    offer: Offer
    video_channel: int
    audio_channel: int | None                                # None: no audio that is recorded
    keep_alive_s: float                                      # half of the session's timeout
    keep_alive_method: str
    control: str
    dialogue: Dialogue
    play_took_s: float                                       # what was read first came within that time

    def keep_alive(self) -> None:
        """Sends a sign of life. Raises `TransportLost` if it can't be sent."""
        self._send(self.keep_alive_method)

    def answered(self, text: bytes) -> None:
        """Takes an RTSP message that came between media: a refused sign of life is repeated with new proof, a forgotten session raises `TransportLost`."""
        reply, _ = read_reply(text)
        if reply is None:
            return
        if reply.status == 401:
            self.dialogue.challenged(reply)
            self._send(self.keep_alive_method)
        elif reply.status == 454:
            raise failure(self.keep_alive_method, reply)

    def close(self) -> None:
        """TEARDOWN as far as the socket takes it, and the end of the connection."""
        try:
            self._send("TEARDOWN")
        except TransportLost:
            pass
        finally:
            self.socket.close()

    def _send(self, method: str) -> None:
        try:
            self.socket.send(self.dialogue.build(method, self.control))
        except BlockingIOError:                              # the camera reads nothing: what it sends decides whether it lives
            return
        except OSError as error:
            raise TransportLost(f"the connection broke: {error.strerror}") from error
