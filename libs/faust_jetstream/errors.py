"""What can go wrong, named by consequence; each message says what to change."""

from faust.exceptions import FaustError, ImproperlyConfigured, ProducerSendError


class BadSetting(ImproperlyConfigured):
    """The broker URL or the app's configuration asks for something that does not exist or cannot work."""


class CannotConnect(ImproperlyConfigured):
    """No server of the broker URL lets this app in."""


class ServerTooOld(ImproperlyConfigured):
    """The server lacks a feature that commits rest on."""


class TopicMismatch(ImproperlyConfigured):
    """A topic's stream exists with other settings than the app declares."""


class Unknown(FaustError):
    """There is no such app or topic on these servers."""


class MessageTooLarge(ProducerSendError):
    """The server would refuse this message for its size."""


class ReadOnlyTopic(ProducerSendError):
    """The topic is mapped on a stream that other programs write."""


class NotStored(ProducerSendError):
    """The server refused a message, or did not confirm it in time."""


class CommitTooLarge(FaustError):
    """One event changed more table keys than an atomic batch can carry."""


class Refused(FaustError):
    """The server refused an atomic batch.

    ``code`` is the server's err_code; nothing of the batch is stored.
    """

    def __init__(self, code: int, description: str) -> None:
        super().__init__(f"{description} (err_code {code})")
        self.code = code

    @property
    def lost_race(self) -> bool:
        """True when somebody else wrote first: as one server (10071) and as a cluster (10164) says it."""
        return self.code in (10071, 10164)
