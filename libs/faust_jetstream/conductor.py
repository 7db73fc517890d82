"""From the consumer to the streams: a short way for the usual message, stock Faust's for every other.

A few events lie ready for a stream and the rest waits as it came: what is decoded far ahead lives so long that the garbage collector walks through
it again and again, which costs a worker a sixth of its time.
"""

from collections.abc import Awaitable, Callable, MutableSet
from typing import Any, cast
from weakref import WeakSet

from faust.exceptions import KeyDecodeError, ValueDecodeError
from faust.transport.conductor import Conductor as _Conductor
from faust.types import TP, Message

AHEAD = 64              # events that lie ready for a stream
LOW = 32                # of them, when more are handed over

OnMessage = Callable[[Message], Awaitable[None]]


class Conductor(_Conductor):
    """Knows what is queued, and hands a message to a single stream without locks, sets and pressure callbacks."""

    def room(self, tp: TP, most: int, sharing: int) -> int:
        """How many messages of ``tp`` may be handed over, up to ``most``, when ``sharing`` partitions have some.

        The emptiest queue counts: a slow agent holds up no other one that reads the same topic. Changelogs and replies are not held back.
        """
        if tp.topic not in self._acking_topics:
            return most
        queued = min((channel.queue.qsize() for channel in self._tp_index.get(tp, ())), default=0)
        return 0 if queued > LOW else min(most, max(1, (AHEAD - queued) // sharing))

    def handler(self, tp: TP) -> OnMessage:
        """What takes the next messages of ``tp``; ask again after every wait."""
        found = None if self._tp_to_callback_lock.locked() else self._tp_to_callback.get(tp)
        return cast(OnMessage, found or self.on_message)

    def _build_handler(self, tp: TP, channels: MutableSet[Any]) -> Any:
        thorough: OnMessage = super()._build_handler(tp, channels)
        flows, outbox = self.app.flow_control.is_active, cast(Any, self.app.producer).buffer

        async def on_message(message: Message) -> None:
            if len(channels) == 1 and flows() and not outbox.full:
                channel = next(iter(channels))
                queue = channel.queue
                if queue.qsize() * queue.pressure_high_ratio < queue.maxsize:
                    try:
                        event = await channel.decode(message, propagate=True)
                    except (KeyDecodeError, ValueDecodeError):
                        await thorough(message)         # decodes it again, and tells whom it concerns
                        return
                    message.refcount += 1
                    queue.put_nowait(event)
                    return
            await thorough(message)

        return on_message


class InWork(WeakSet[Message]):
    """Messages that streams have taken and not finished, and word of every LOW of them that were taken."""

    def __init__(self, enough_taken: Callable[[], None]) -> None:
        super().__init__()
        self._enough_taken = enough_taken
        self._left = LOW

    def add(self, item: Message) -> None:
        super().add(item)
        self._left -= 1
        if not self._left:
            self._left = LOW
            self._enough_taken()
