"""SQLite connections and the bounded threads that block on them: one writes, a few read."""
from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from vonglau.errors import Damaged, Unavailable

R = TypeVar("R")

# NORMAL: a killed process loses nothing; a machine that loses power may lose the last commits, but documents and checkpoint together,
# and what comes after the checkpoint is read from the log again.
PRAGMAS = """
PRAGMA busy_timeout = 5000;
PRAGMA page_size = 8192;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA cache_size = -32768;
PRAGMA wal_autocheckpoint = 8192;
PRAGMA journal_size_limit = 67108864;
"""


@contextmanager
def named_failures() -> Iterator[None]:
    try:
        yield
    except (sqlite3.OperationalError, OSError) as error:
        full = "full" in str(error)
        raise Unavailable("DOCUMENTS_FULL" if full else "DOCUMENTS_UNAVAILABLE", f"the documents file: {error}", retry_after=5.0 if full else 1.0) from error
    except sqlite3.DatabaseError as error:
        if type(error) is not sqlite3.DatabaseError:
            raise
        raise Damaged("DOCUMENTS_DAMAGED", f"the documents file cannot be read; remove it and it is filled again from the log: {error}") from error


class Threads:
    """Runs blocking work on a connection of its thread, inside one transaction."""

    def __init__(self, path: Path, schema: str, readers: int) -> None:
        self._path = path
        self._opening = PRAGMAS + schema
        self._one_opens = threading.Lock()  # switching a new file to WAL does not wait for others
        self._writer = ThreadPoolExecutor(1, "documents-writer")
        self._readers = ThreadPoolExecutor(readers, "documents-reader")
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []

    async def read(self, work: Callable[[sqlite3.Connection], R]) -> R:
        """In a snapshot of the last commit."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._transaction, "BEGIN", work)

    async def write(self, work: Callable[[sqlite3.Connection], R]) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._writer, self._transaction, "BEGIN IMMEDIATE", work)

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(None, self._shut)

    def _shut(self) -> None:
        self._readers.shutdown()
        self._writer.shutdown()
        while self._opened:
            self._opened.pop().close()

    def _transaction(self, begin: str, work: Callable[[sqlite3.Connection], R]) -> R:
        with named_failures():
            connection = self._connection()
            connection.execute(begin)
            try:
                result = work(connection)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            return result

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            with self._one_opens:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)  # closed by the thread that closes the store
                try:
                    connection.executescript(self._opening)
                except sqlite3.Error:
                    connection.close()
                    raise
                self._opened.append(connection)
            self._local.connection = connection
        return connection
