"""The class behind ``nats://`` broker URLs."""

from collections.abc import Iterable, Mapping
from typing import Any, cast

from faust.stores.memory import Store as MemoryStore
from faust.transport import base
from mode import get_logger

from . import tables
from .admin import Topics
from .conductor import Conductor
from .connection import Connection
from .consumer import Consumer
from .errors import BadSetting
from .producer import Producer
from .settings import DEFAULT_PORT, Settings, read_settings
from .telemetry import HAS_OTEL, Meters, Tracing
from .transaction import TransactionManager

logger = get_logger(__name__)


class Transport(base.Transport):
    """Built at import time, when an agent is declared: no I/O and no event loop in the constructor."""

    Conductor = Conductor
    Consumer = Consumer
    Producer = Producer
    TransactionManager = TransactionManager

    default_port = DEFAULT_PORT
    driver_version = "faust_jetstream"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.settings: Settings = read_settings(self.url, self.app.conf)
        self.connection = Connection(self.settings.access, self.settings.app)
        self.topics = Topics(self.connection, self.settings, self.app)
        self.meters = Meters(self._lag, self._table_sizes, self._repeated, self._restarts)
        self._lifetimes: dict[str, int] | None = None
        if self.settings.trace:
            if not HAS_OTEL:
                raise BadSetting("trace=1 in the broker URL needs OpenTelemetry: install faust-jetstream[otel]")
            self.app.sensors.add(Tracing())

    def check_guarantee(self) -> None:
        """Say what tables can be trusted with; raises BadSetting where exactly_once cannot be kept."""
        if not self.app.in_transaction:
            if self.app.tables:
                logger.warning(
                    "processing_guarantee is at_least_once: after a crash events are processed again and tables may count them twice; "
                    "App(..., processing_guarantee='exactly_once') makes tables exact"
                )
            return
        for table in self.app.tables.values():
            if not isinstance(table.data, MemoryStore):
                raise BadSetting(
                    f"table {table.name!r} keeps its data in {type(table.data).__module__}, which writes uncommitted values to disk: "
                    "with exactly_once use store='memory://'"
                )

    def change_ttl(self, topic: str, *, deleted: bool) -> int | None:
        """Seconds that a table change is kept, None for ever."""
        if self._lifetimes is None:
            self._lifetimes = tables.change_lifetimes(self.app)
        return self.settings.tombstone_ttl if deleted else self._lifetimes.get(topic)

    def _readers(self) -> Mapping[Any, Any]:
        consumer = cast(Any, self.app)._consumer  # noqa: SLF001  app.consumer would build one
        return getattr(consumer, "readers", {})

    def _lag(self) -> Iterable[tuple[float, Mapping[str, Any]]]:
        for tp, reader in self._readers().items():
            if reader.end is not None and tp.topic not in self.app.tables.changelog_topics:
                yield max(0, reader.end - reader.position), {"topic": tp.topic, "partition": tp.partition}

    def _table_sizes(self) -> Iterable[tuple[float, Mapping[str, Any]]]:
        for table in self.app.tables.values():
            if isinstance(table.data, MemoryStore):
                yield len(table.data), {"table": table.name}

    def _repeated(self) -> Iterable[tuple[float, Mapping[str, Any]]]:
        publisher = getattr(cast(Any, self.app)._producer, "publisher", None)  # noqa: SLF001
        return [(publisher.repeated, {})] if publisher is not None else []

    def _restarts(self) -> Iterable[tuple[float, Mapping[str, Any]]]:
        return [(sum(reader.restarts for reader in self._readers().values()), {})]
