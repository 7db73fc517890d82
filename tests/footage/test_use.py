"""What a thread reads and somebody else closes: nothing is closed under a reader, and nothing stays open."""
from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from vonglau.footage.disk import OpenFile
from vonglau.footage.use import Use


class Thing:
    def __init__(self) -> None:
        self.let_go = 0
        self.use = Use(self._let_go)

    def _let_go(self) -> None:
        self.let_go += 1


def test_what_is_closed_is_let_go_once_and_read_no_more() -> None:
    thing = Thing()
    thing.use.close()
    thing.use.close()
    with thing.use.reading() as is_open:
        assert not is_open
    assert thing.let_go == 1


def test_a_read_in_progress_ends_before_the_thing_is_let_go() -> None:
    thing, reads, may_end = Thing(), threading.Event(), threading.Event()

    def read() -> int:
        with thing.use.reading() as is_open:
            assert is_open
            reads.set()
            may_end.wait()
            return thing.let_go

    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(read)
        reads.wait()
        thing.use.close()
        may_end.set()
        assert reading.result() == 0
    assert thing.let_go == 1


def test_a_read_that_fails_leaves_the_thing_open_until_it_is_closed() -> None:
    thing = Thing()
    with pytest.raises(OSError, match="torn"), thing.use.reading():
        raise OSError("torn")
    assert thing.let_go == 0
    thing.use.close()
    assert thing.let_go == 1


def open_descriptors(path: Path) -> int:
    return sum(each.resolve() == path for each in Path("/proc/self/fd").iterdir())


@pytest.mark.parametrize("reads", [lambda file: b"", lambda file: file.read(4, 2)], ids=["unread", "read"])
def test_a_file_that_was_closed_leaves_no_descriptor(tmp_path: Path, reads: Callable[[OpenFile], bytes]) -> None:
    path = (tmp_path / "object").resolve()
    path.write_bytes(b"0123456789")
    file = OpenFile(path)
    found = reads(file)
    assert open_descriptors(path) == len(found[:1])
    file.close()
    assert open_descriptors(path) == 0
    assert file.read(4, 2) == b""
