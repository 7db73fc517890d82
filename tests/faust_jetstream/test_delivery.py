import asyncio
from collections import defaultdict
from types import SimpleNamespace
from typing import Any, cast

from faust.transport import consumer as stock_module
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from faust_jetstream.delivery import Deliveries

TP0 = TP("t", 0)


def delivered(*offsets: int) -> Deliveries:
    deliveries = Deliveries()
    for offset in offsets:
        deliveries.note(TP0, offset)
    return deliveries


def stock(committed: int, acked: list[int]) -> Any:
    """The state of faust-streaming 0.15's own tracker."""
    return SimpleNamespace(
        _acked=defaultdict(list, {TP0: list(acked)}),
        _gap=defaultdict(cast(Any, stock_module).IntervalTree),
        _acked_index=defaultdict(set, {TP0: set(acked)}),
        _committed_offset=defaultdict(lambda: None, {TP0: committed}),
    )


def test_an_event_in_work_is_not_jumped_over_though_later_ones_are_done() -> None:
    assert stock_module.Consumer._new_offset(stock(10, [11, 12]), TP0) == 13, "upstream has mended pitfall 1"
    assert delivered(10, 11, 12).advance(TP0, {11, 12}) is None


def test_an_event_behind_a_gap_in_the_offsets_is_not_jumped_over() -> None:
    tracker = stock(5, [5, 11])
    asyncio.run(stock_module.Consumer._add_gap(tracker, TP0, 6, 10))
    assert stock_module.Consumer._new_offset(tracker, TP0) == 12, "upstream has mended pitfall 2"
    assert delivered(5, 10, 11).advance(TP0, {5, 11}) == 6


def test_what_is_covered_is_not_covered_again() -> None:
    deliveries, done = delivered(3, 4, 9), {3, 4}
    assert (deliveries.advance(TP0, done), deliveries.advance(TP0, done), done) == (5, None, set())


def test_a_seek_forgets_the_partition_and_no_other() -> None:
    deliveries = delivered(1)
    deliveries.note(TP("t", 1), 7)
    deliveries.forget(TP0)
    assert (deliveries.open(TP0), deliveries.open(TP("t", 1))) == (0, 1)


@given(st.sets(st.integers(0, 60), min_size=1, max_size=40), st.randoms(use_true_random=False))
def test_whatever_the_order_of_finishing_the_commit_is_the_finished_prefix(offsets: set[int], random: Any) -> None:
    order = sorted(offsets)
    deliveries, done, finished = delivered(*order), set[int](), set[int]()
    committed = None
    for offset in random.sample(order, len(order)):
        done.add(offset)
        finished.add(offset)
        committed = deliveries.advance(TP0, done) or committed
        prefix = [one for index, one in enumerate(order) if set(order[: index + 1]) <= finished]
        assert committed == (prefix[-1] + 1 if prefix else None)
    assert deliveries.open(TP0) == 0
