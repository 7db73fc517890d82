"""What a change of assignment means for tables, and what recovery needs that stock Faust does not give."""

from functools import partial
from typing import Any

from faust.stores.memory import Store as MemoryStore
from faust.types import TP
from mode import get_logger

from .admin import Topics

logger = get_logger(__name__)


def empty(app: Any) -> None:
    """Begin every memory table anew, and recovery with it.

    A memory store forgets only keys that it read from changelogs, so writes that were never committed would survive; and recovery remembers how far it
    has read, so over an emptied store it would skip the keys that did not change since. Stores with persisted offsets keep both.
    """
    for table in app.tables.values():
        if isinstance(table.data, MemoryStore):
            table.data.data.clear()
            table.data._key_partition.clear()  # noqa: SLF001  Faust has no public way
            forget_expiry(table)
    recovery = app.tables.recovery
    recovery.active_offsets.clear()
    recovery.standby_offsets.clear()


def forget_expiry(table: Any) -> None:
    table._partition_timestamps.clear()  # noqa: SLF001
    table._partition_timestamp_keys.clear()  # noqa: SLF001


def watch_recovery(app: Any) -> None:
    """Have windowed tables put recovered keys on their expiry list, which stock recovery leaves out: they would never close."""
    for table in app.tables.values():
        if table.window is not None and table.window.expires is not None:
            hook = partial(_restore_expiry, table)
            if not any(getattr(known, "func", None) is _restore_expiry for known in table._recover_callbacks):  # noqa: SLF001
                table.on_recover(hook)


async def _restore_expiry(table: Any) -> None:
    partitions = getattr(table.data, "_key_partition", {})
    forget_expiry(table)
    for key in list(table.data.keys()):
        table._maybe_set_key_ttl(key, partitions.get(key, 0))  # noqa: SLF001


def change_lifetimes(app: Any) -> dict[str, int]:
    """Seconds that a change of each windowed table is kept in the changelog: until its window can no longer be asked for."""
    lifetimes = {}
    for table in app.tables.values():
        window = table.window
        if window is not None and window.expires is not None:
            size = getattr(window, "size", 0.0)
            lifetimes[table.changelog_topic.get_topic_name()] = max(1, int(float(window.expires) + float(size)) + 1)
    return lifetimes


class MissingEnd:
    """Ends a recovery that waits for a record that is gone: expired, purged or deleted after the highwater was taken."""

    def __init__(self, app: Any, topics: Topics) -> None:
        self._app = app
        self._topics = topics
        self._stuck: dict[TP, int] = {}

    async def check(self) -> None:
        """Call every second or two: what has stood still since the last call and has nothing left to read counts as read."""
        if not self._app.in_recovery:
            self._stuck.clear()
            return
        recovery = self._app.tables.recovery
        for tp, need in list(recovery.active_highwaters.items()):
            have = recovery.active_offsets.get(tp)
            if have is None or need is None or have >= need:
                continue
            if self._stuck.get(tp) != have:
                self._stuck[tp] = have
                continue
            following = await self._topics.next_offset(tp, have)
            if following is None or following > need:
                logger.warning("%s: offsets %s to %s are gone, recovery goes on", tp, have + 1, need)
                recovery.active_offsets[tp] = need
