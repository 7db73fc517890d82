"""Where a topic's partitions lie in JetStream.

A Kafka offset is a stream sequence minus one, so it starts at 0. It is dense where a stream holds one partition and only rising elsewhere;
nothing in this library counts on density.
"""

import hashlib
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import BadSetting

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")
_ENCODED = re.compile(r"(?:=[0-9A-F]{2})+")
_LONGEST_KEY = 64               # bytes that go into a subject as they are (as hex); longer keys are hashed

STREAM_OPTION = "jetstream.stream"
SUBJECT_OPTION = "jetstream.subject"
STATE_OPTION = "jetstream.state"


def token(text: str) -> str:
    """``text`` as one subject token that is also fit for a stream name; different texts give different tokens."""
    return _UNSAFE.sub(lambda match: "".join(f"={byte:02X}" for byte in match.group().encode("utf-8", "surrogatepass")), text)


def text_of(encoded: str) -> str:
    """The text that ``token`` made a token of."""
    return _ENCODED.sub(lambda match: bytes.fromhex(match.group().replace("=", "")).decode("utf-8", "surrogatepass"), encoded)


def key_token(key: bytes | None) -> str:
    """A message key as the last token of a compacted subject."""
    if not key:
        return "_"
    if len(key) <= _LONGEST_KEY:
        return key.hex()
    return "h" + hashlib.blake2b(key, digest_size=20).hexdigest()


@dataclass(frozen=True, slots=True)
class Names:
    """Streams and subjects of one app under one prefix."""

    prefix: str
    app: str

    @property
    def state_stream(self) -> str:
        return f"{self.prefix.upper()}_{token(self.app)}_STATE"

    @property
    def group_stream(self) -> str:
        return f"{self.prefix.upper()}_{token(self.app)}_GROUP"

    @property
    def state_root(self) -> str:
        return f"{self.prefix}-state.{token(self.app)}"

    @property
    def group_root(self) -> str:
        return f"{self.prefix}-group.{token(self.app)}"

    def offset(self, topic: str, partition: int) -> str:
        return f"{self.state_root}.off.{token(topic)}.{partition}"

    def declared(self, topic: str) -> str:
        return f"{self.state_root}.topic.{token(topic)}"

    def topic_stream(self, topic: str) -> str:
        return f"{self.prefix.upper()}_{token(topic)}"

    def topic_root(self, topic: str) -> str:
        return f"{self.prefix}.{token(topic)}"


@dataclass(frozen=True, slots=True)
class Place(ABC):
    """One topic's streams and subjects."""

    names: Names
    topic: str
    partitions: int
    compacting: bool = False

    in_state = False            # lies in the app's state stream, so that a commit can carry it
    writable = True

    @abstractmethod
    def stream(self, partition: int) -> str:
        """The stream that holds ``partition``."""

    @abstractmethod
    def filter(self, partition: int) -> str | None:
        """The subjects of ``partition`` in that stream; None when the stream holds nothing else."""

    @abstractmethod
    def subject(self, partition: int, key: bytes | None) -> str:
        """Where a message of ``partition`` is published."""

    def key_of(self, subject: str) -> bytes | None:  # noqa: ARG002  most places keep the key in a header
        """The key that ``subject`` carries, for messages without a key header."""
        return None


@dataclass(frozen=True, slots=True)
class StreamPerPartition(Place):
    """``layout=partition``: partitions can be moved, limited and replicated one by one."""

    def stream(self, partition: int) -> str:
        return f"{self.names.topic_stream(self.topic)}_{partition}"

    def filter(self, partition: int) -> str | None:  # noqa: ARG002
        return None

    def subject(self, partition: int, key: bytes | None) -> str:
        root = f"{self.names.topic_root(self.topic)}.{partition}"
        return f"{root}.{key_token(key)}" if self.compacting else root


@dataclass(frozen=True, slots=True)
class StreamPerTopic(Place):
    """``layout=topic``: one stream, a subject per partition."""

    def stream(self, partition: int) -> str:  # noqa: ARG002
        return self.names.topic_stream(self.topic)

    def filter(self, partition: int) -> str | None:
        root = f"{self.names.topic_root(self.topic)}.{partition}"
        return f"{root}.*" if self.compacting else root

    def subject(self, partition: int, key: bytes | None) -> str:
        root = f"{self.names.topic_root(self.topic)}.{partition}"
        return f"{root}.{key_token(key)}" if self.compacting else root


@dataclass(frozen=True, slots=True)
class StateTopic(Place):
    """A topic in the app's own state stream: changelogs (a subject per key) and, on request, outputs (a subject per message)."""

    in_state = True

    def stream(self, partition: int) -> str:  # noqa: ARG002
        return self.names.state_stream

    def filter(self, partition: int) -> str | None:
        return f"{self._root(partition)}.*"

    def subject(self, partition: int, key: bytes | None) -> str:
        return f"{self._root(partition)}.{key_token(key)}"

    def unique_subject(self, partition: int, once: str) -> str:
        """The subject of one output; ``once`` never repeats, since the stream keeps one message per subject."""
        return f"{self._root(partition)}.{once}"

    def _root(self, partition: int) -> str:
        return f"{self.names.state_root}.{'cl' if self.compacting else 'out'}.{token(self.topic)}.{partition}"


@dataclass(frozen=True, slots=True)
class ExistingStream(Place):
    """Subjects of a stream that other programs write, partitioned by the server's ``partition()`` transform."""

    stream_name: str = ""
    pattern: str = ""

    writable = False

    def stream(self, partition: int) -> str:  # noqa: ARG002
        return self.stream_name

    def filter(self, partition: int) -> str | None:
        return self.pattern.replace("{partition}", str(partition)).replace("{key}", "*")

    def subject(self, partition: int, key: bytes | None) -> str:
        raise NotImplementedError

    def key_of(self, subject: str) -> bytes | None:
        tokens = self.pattern.split(".")
        if "{key}" not in tokens:
            return None
        return subject.split(".")[tokens.index("{key}")].encode()


def existing(stream: str, subject: str) -> dict[str, str]:
    """The ``config`` of a topic that reads an existing stream.

    ``subject`` is a pattern with the token ``{partition}`` and, where a token is the message key, ``{key}``: ``fact.sighting.{partition}.{key}``.
    Raises BadSetting.
    """
    if subject.split(".").count("{partition}") != 1:
        raise BadSetting(f"subject {subject!r}: exactly one token must be {{partition}}, put there by the stream's subject transform")
    return {STREAM_OPTION: stream, SUBJECT_OPTION: subject}


def in_state() -> dict[str, str]:
    """The ``config`` of an output topic whose messages are stored by the same atomic batch as offsets and tables (exactly_once only)."""
    return {STATE_OPTION: "1"}


def mapped(names: Names, topic: str, partitions: int, config: Mapping[str, Any]) -> Place | None:
    """The place that a topic's own ``config`` names, if it names one."""
    if STREAM_OPTION in config:
        return ExistingStream(names, topic, partitions, stream_name=config[STREAM_OPTION], pattern=config[SUBJECT_OPTION])
    if STATE_OPTION in config:
        return StateTopic(names, topic, partitions)
    return None
