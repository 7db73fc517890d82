"""Which offset may be committed: the one after the longest finished prefix, in the order of delivery.

Offsets need not be dense, and nothing that is still in work is ever jumped over.
"""

from collections import defaultdict, deque

from faust.types import TP


class Deliveries:
    """Offsets handed to streams and not yet covered by a commit, per partition."""

    def __init__(self) -> None:
        self._order: dict[TP, deque[int]] = defaultdict(deque)

    def note(self, tp: TP, offset: int) -> None:
        """``offset`` is about to be delivered; call in order."""
        self._order[tp].append(offset)

    def advance(self, tp: TP, finished: set[int]) -> int | None:
        """The next offset to read after the finished prefix, or None if the first one is still in work.

        Takes what it covers out of ``finished``.
        """
        order = self._order[tp]
        last = None
        while order and order[0] in finished:
            last = order.popleft()
            finished.discard(last)
        return None if last is None else last + 1

    def open(self, tp: TP) -> int:
        """How many delivered offsets of ``tp`` no commit covers."""
        return len(self._order[tp])

    def forget(self, *tps: TP) -> None:
        for tp in tps:
            self._order.pop(tp, None)

    def clear(self) -> None:
        self._order.clear()
