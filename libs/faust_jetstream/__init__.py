"""Faust on NATS JetStream: ``App(broker="nats://…")`` with tables that can be exactly-once."""

from .errors import BadSetting, CannotConnect, CommitTooLarge, MessageTooLarge, NotStored, ReadOnlyTopic, ServerTooOld, TopicMismatch, Unknown
from .places import existing, in_state
from .transport import Transport

__version__ = "0.1.0"

__all__ = [
    "BadSetting",
    "CannotConnect",
    "CommitTooLarge",
    "MessageTooLarge",
    "NotStored",
    "ReadOnlyTopic",
    "ServerTooOld",
    "TopicMismatch",
    "Transport",
    "Unknown",
    "existing",
    "in_state",
]
