"""Topics: where they lie, how they are made, how far they reach."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from faust.types import TP
from mode import get_logger
from mode.utils.times import Seconds, want_seconds
from nats.js import api
from nats.js.errors import BadRequestError, NotFoundError, ServerError

from .connection import Connection, insist
from .errors import BadSetting, TopicMismatch
from .places import ExistingStream, Names, Place, StateTopic, StreamPerPartition, StreamPerTopic, mapped
from .settings import Settings

logger = get_logger(__name__)

NAME_IN_USE, SUBJECTS_OVERLAP, NOT_CLUSTERED, NO_PEERS = 10058, 10065, 10074, 10005
MARKER_TTL = 60.0
_OWNED = "-repartition"         # group_by topics carry no app id in their name


@dataclass(frozen=True, slots=True)
class Declared:
    """What the app says about a topic; None where it says nothing."""

    partitions: int | None = None
    replicas: int | None = None
    retention: float | None = None      # seconds
    compacting: bool | None = None
    config: Mapping[str, Any] | None = None


class Topics:
    """The places of all topics this app has met."""

    def __init__(self, connection: Connection, settings: Settings, app: Any) -> None:
        self.names = Names(settings.prefix, settings.app)
        self.places: dict[str, Place] = {}
        self._connection = connection
        self._settings = settings
        self._app = app
        self._making = asyncio.Lock()
        self._state_ready = False

    async def ensure(self, topic: str) -> Place:
        """The place of ``topic``; it is made with what the app declares if it does not exist. Raises TopicMismatch, BadSetting."""
        place = self.places.get(topic)
        return place if place is not None else await self.declare(topic, self.declared(topic))

    async def find(self, topic: str) -> Place | None:
        """The place of a topic for those who have only its name; None where it does not exist, or the app has never consumed it."""
        try:
            found = await self._connection.js.get_last_msg(self.names.state_stream, self.names.declared(topic))
        except NotFoundError:
            return await self._load(topic, Declared())
        told = json.loads(found.data or b"{}")
        if "stream" in told:
            return ExistingStream(self.names, topic, told["partitions"], stream_name=told["stream"], pattern=told["subject"])
        return StateTopic(self.names, topic, told["partitions"], compacting=topic.endswith("-changelog"))

    async def declare(self, topic: str, wanted: Declared) -> Place:
        async with self._making:
            known = self.places.get(topic)
            if known is None:
                known = self.places[topic] = await insist(lambda: self._find_or_make(topic, wanted), self._settings.request_timeout)
            return known

    def declared(self, topic: str) -> Declared:
        """What a channel of the app that names ``topic`` declares."""
        for channel in self._app.topics:
            if topic in (channel.topics or ()):
                return Declared(
                    channel.partitions, channel.replicas, want_seconds(channel.retention) if channel.retention else None, channel.compacting, channel.config
                )
        return Declared()

    async def state_stream(self) -> None:
        """Make sure that the app's state stream exists: committed offsets, changelogs, outputs that ride on commits. Raises TopicMismatch."""
        if not self._state_ready:
            names = self.names
            await insist(
                lambda: self._add(
                    api.StreamConfig(
                        name=names.state_stream,
                        subjects=[f"{names.state_root}.>"],
                        max_msgs_per_subject=1,
                        allow_atomic=True,
                        max_bytes=self._settings.state_bytes,
                        discard=api.DiscardPolicy.NEW,      # at its own bound the server refuses a batch as a whole
                        duplicate_window=self._settings.duplicate_window,
                        metadata={"faust.app": self._settings.app},
                    ),
                    self._settings.replicas,
                ),
                self._settings.request_timeout,
            )
            await insist(self._check_state_stream, self._settings.request_timeout)
            self._state_ready = True

    async def _check_state_stream(self) -> None:
        config = (await self._connection.js.stream_info(self.names.state_stream)).config
        if not config.allow_atomic or config.max_msgs_per_subject != 1:
            raise TopicMismatch(
                f"stream {config.name!r} exists and cannot carry commits (allow_atomic is {config.allow_atomic}, max_msgs_per_subject "
                f"{config.max_msgs_per_subject}; true and 1 are needed): choose another prefix= in the broker URL, or edit or remove that stream"
            )

    async def group_stream(self) -> None:
        """Make sure that the stream of leases and plans exists."""
        names = self.names
        config = api.StreamConfig(
            name=names.group_stream,
            subjects=[f"{names.group_root}.>"],
            max_msgs_per_subject=1,
            subject_delete_marker_ttl=MARKER_TTL,
            duplicate_window=2.0,
            metadata={"faust.app": self._settings.app},
        )
        await insist(lambda: self._add(config, self._settings.replicas), self._settings.request_timeout)

    async def bounds(self, tp: TP) -> tuple[int, int]:
        """(earliest offset, offset after the last message) of a partition; (0, 0) when it shares a stream and holds nothing."""
        place = await self.ensure(tp.topic)
        return await insist(lambda: self.bounds_of(place, tp.partition), self._settings.request_timeout)

    async def stream_end(self, tp: TP) -> int:
        """The offset after the last message of the partition's stream, other partitions and messages that are gone included."""
        place = await self.ensure(tp.topic)
        return int((await insist(lambda: self._connection.js.stream_info(place.stream(tp.partition)), self._settings.request_timeout)).state.last_seq)

    async def next_offset(self, tp: TP, after: int) -> int | None:
        """The offset of the first message behind ``after`` that still exists."""
        place = await self.ensure(tp.topic)
        try:
            found = await insist(
                lambda: self._connection.js.get_msg(place.stream(tp.partition), seq=after + 2, next=True, subject=place.filter(tp.partition) or ">"),
                self._settings.request_timeout,
            )
        except NotFoundError:
            return None
        return int(found.seq or 0) - 1

    async def forget_before(self, tp: TP, offset: int) -> None:
        """Drop consumed messages of an output topic in the state stream, which has no age limit of its own."""
        place = self.places[tp.topic]
        await self._connection.js.purge_stream(place.stream(tp.partition), subject=place.filter(tp.partition), seq=offset + 1)

    async def bounds_of(self, place: Place, partition: int) -> tuple[int, int]:
        """The same, of a known place, asked once."""
        js, stream, subject = self._connection.js, place.stream(partition), place.filter(partition)
        if subject is not None:
            try:
                last = await js.get_msg(stream, subject=subject)
                first = await js.get_msg(stream, seq=1, next=True, subject=subject)
            except NotFoundError:
                return 0, 0
            return int(first.seq or 1) - 1, int(last.seq or 0)
        state = (await js.stream_info(stream)).state
        return (state.first_seq - 1 if state.messages else state.last_seq), state.last_seq

    async def _find_or_make(self, topic: str, wanted: Declared) -> Place:
        if topic in self._app.tables.changelog_topics:
            return await self._state_topic(StateTopic(self.names, topic, wanted.partitions or self._default_partitions(), compacting=True))
        place = mapped(self.names, topic, wanted.partitions or self._default_partitions(), wanted.config or {})
        if isinstance(place, ExistingStream):
            return await self._existing(place)
        if place is not None:
            return await self._state_topic(place)
        return await self._load(topic, wanted) or await self._make(topic, wanted)

    def _default_partitions(self) -> int:
        return int(self._app.conf.topic_partitions)

    async def _state_topic(self, place: Place) -> Place:
        await self.state_stream()
        js, subject = self._connection.js, self.names.declared(place.topic)
        try:
            found = await js.get_last_msg(self.names.state_stream, subject)
        except NotFoundError:
            await js.publish(subject, json.dumps({"partitions": place.partitions}).encode())
            return place
        stored = int(json.loads(found.data or b"{}")["partitions"])
        if stored != place.partitions:
            raise TopicMismatch(
                f"{place.topic!r} was written with {stored} partitions and is now declared with {place.partitions}: "
                f"declare {stored}, or give the app a new id (or version) and let it build its tables anew"
            )
        return place

    async def _existing(self, place: ExistingStream) -> Place:
        """Consumers note where it lies, for operators."""
        try:
            await self._connection.js.stream_info(place.stream_name)
        except NotFoundError:
            raise TopicMismatch(
                f"topic {place.topic!r} is mapped on the stream {place.stream_name!r}, which does not exist here: create it first, or correct its name"
            ) from None
        if self._state_ready:
            told = {"partitions": place.partitions, "stream": place.stream_name, "subject": place.pattern}
            await self._connection.js.publish(self.names.declared(place.topic), json.dumps(told).encode())
        return place

    async def _load(self, topic: str, wanted: Declared) -> Place | None:
        for kind in (StreamPerPartition, StreamPerTopic):
            stream = kind(self.names, topic, 1).stream(0)
            try:
                config = (await self._connection.js.stream_info(stream)).config
            except NotFoundError:
                continue
            return self._checked(kind, topic, stream, config, wanted)
        return None

    def _checked(self, kind: type[Place], topic: str, stream: str, config: api.StreamConfig, wanted: Declared) -> Place:
        told = config.metadata or {}
        if told.get("faust.topic") != topic:
            raise TopicMismatch(
                f"stream {stream!r} exists and was not made for topic {topic!r}: map the topic on it with "
                "config=faust_jetstream.existing(...), or choose another prefix= in the broker URL"
            )
        partitions, compacting = int(told["faust.partitions"]), told.get("faust.compacting") == "1"
        if wanted.partitions is not None and wanted.partitions != partitions:
            raise TopicMismatch(
                f"topic {topic!r} has {partitions} partitions and the app declares {wanted.partitions}: declare {partitions}, or use a new name"
            )
        if wanted.compacting is not None and bool(wanted.compacting) != compacting:
            raise TopicMismatch(f"topic {topic!r} is {'' if compacting else 'not '}compacted and the app declares otherwise: use a new name for it")
        if topic.endswith(_OWNED) and told.get("faust.app") != self._settings.app:
            raise TopicMismatch(
                f"group_by topic {topic!r} belongs to app {told.get('faust.app')!r}: its name is made of module and agent only; "
                "pass group_by(..., name=…) or give each app its own prefix="
            )
        return kind(self.names, topic, partitions, compacting=compacting)

    async def _make(self, topic: str, wanted: Declared) -> Place:
        partitions = wanted.partitions or self._default_partitions()
        kind = StreamPerPartition if self._settings.layout == "partition" else StreamPerTopic
        place = kind(self.names, topic, partitions, compacting=bool(wanted.compacting))
        # The first stream is made last: whoever finds it finds the topic whole, though its maker may have died on the way.
        for partition in reversed(range(partitions if kind is StreamPerPartition else 1)):
            await self._add(self._config(place, partition, wanted), wanted.replicas or self._settings.replicas)
        logger.info("topic %r made: %s partitions, %s", topic, partitions, place.stream(0))
        return place

    def _config(self, place: Place, partition: int, wanted: Declared) -> api.StreamConfig:
        root = self.names.topic_root(place.topic)
        subject = f"{root}.{partition}" if isinstance(place, StreamPerPartition) else f"{root}.*"
        return api.StreamConfig(
            name=place.stream(partition),
            subjects=[f"{subject}.*" if place.compacting else subject],
            max_age=wanted.retention or 0,
            max_msgs_per_subject=1 if place.compacting else -1,
            duplicate_window=min(self._settings.duplicate_window, wanted.retention or self._settings.duplicate_window),
            metadata={
                "faust.topic": place.topic,
                "faust.partitions": str(place.partitions),
                "faust.compacting": "1" if place.compacting else "0",
                "faust.app": self._settings.app,
            },
        )

    async def _add(self, config: api.StreamConfig, replicas: int) -> None:
        config.storage = api.StorageType(self._settings.storage)
        config.num_replicas = replicas
        config.allow_direct = True
        config.allow_msg_ttl = True
        try:
            await self._connection.js.add_stream(config)
        except (BadRequestError, ServerError) as exc:
            if exc.err_code == NAME_IN_USE:             # made earlier, perhaps by another version with other limits
                return
            if exc.err_code == SUBJECTS_OVERLAP:
                raise TopicMismatch(
                    f"{config.subjects} overlap with subjects of another stream: choose another prefix= in the broker URL, or remove that stream"
                ) from exc
            if exc.err_code in (NOT_CLUSTERED, NO_PEERS):
                raise BadSetting(
                    f"stream {config.name!r} with {replicas} replicas: {exc.description}; lower topic_replication_factor (or replicas=), or add servers"
                ) from exc
            raise


def declared_by_faust(partitions: int, replication: int, config: Mapping[str, Any] | None, retention: Seconds | None, compacting: bool | None) -> Declared:
    """What Faust passes to ``create_topic``, Kafka's configuration names included."""
    options = dict(config or {})
    age = want_seconds(retention) if retention else None
    if age is None and options.get("retention.ms"):
        age = float(options["retention.ms"]) / 1000.0
    if "compact" in str(options.get("cleanup.policy", "")):
        compacting = True
    return Declared(partitions, replication or None, age, compacting, options)
