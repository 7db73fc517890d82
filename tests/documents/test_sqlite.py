"""What is true of the SQLite adapter alone."""
from __future__ import annotations

import asyncio
import sqlite3
import sys
import threading
from pathlib import Path

import pytest

from vonglau.documents import Changes, Checkpoint, Condition, Index, SqliteDocuments, Write, sqlite_threads
from vonglau.documents.sqlite_query import expression
from vonglau.errors import Damaged, Unavailable

WRITER = """
import asyncio, itertools, sys
from pathlib import Path
from vonglau.documents import Changes, Checkpoint, SqliteDocuments, Write

async def main():
    documents = SqliteDocuments(Path(sys.argv[1]))
    await documents.prepare("things")
    for batch in itertools.count():
        writes = [Write("things", f"{batch}-{n}", {"filler": "x" * 2000}, "log", batch + 1, {}) for n in range(20)]
        await documents.apply(Changes(writes, Checkpoint("p", "log", batch + 1, 1, 1), batch or None))
        print(batch, flush=True)

asyncio.run(main())
"""


async def test_documents_and_checkpoint_survive_a_killed_process_together(tmp_path: Path) -> None:
    file = tmp_path / "documents.db"
    writer = await asyncio.create_subprocess_exec(sys.executable, "-c", WRITER, str(file), stdout=asyncio.subprocess.PIPE)
    assert writer.stdout is not None
    async for line in writer.stdout:
        if int(line) >= 30:
            break
    writer.kill()
    await writer.communicate()
    documents = SqliteDocuments(file)
    saved = (await documents.checkpoints("p"))["log"].sequence
    assert saved >= 31
    assert await documents.count("things") == saved * 20
    await documents.close()


@pytest.mark.parametrize("path", ["", "a b", "a'", 'a"', "a..b", "$", "a.b;--"])
def test_a_field_path_that_could_be_sql_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="not a field path"):
        expression(path)


async def test_a_declared_index_is_used(tmp_path: Path) -> None:
    documents = SqliteDocuments(tmp_path / "documents.db")
    await documents.prepare("things", [Index(("place.ward", "n"))])
    await documents.close()
    with sqlite3.connect(tmp_path / "documents.db") as connection:
        query = f"SELECT id FROM d1 WHERE body IS NOT NULL AND {expression('place.ward')} = ? AND {expression('n')} > ? ORDER BY {expression('n')}, id"  # noqa: S608
        plan = " ".join(str(row) for row in connection.execute(f"EXPLAIN QUERY PLAN {query}", ["x", 1]))
    connection.close()
    assert "USING INDEX d1_" in plan
    assert "USE TEMP B-TREE" not in plan.replace("USE TEMP B-TREE FOR RIGHT PART OF ORDER BY", "").replace("USE TEMP B-TREE FOR LAST TERM OF ORDER BY", "")


async def test_queries_are_answered_while_a_write_is_under_way(tmp_path: Path) -> None:
    documents = SqliteDocuments(tmp_path / "documents.db")
    await documents.prepare("things")
    await documents.apply(Changes([Write("things", "a", {"v": 1}, "log", 1, {})]))
    writing, may_end = threading.Event(), threading.Event()

    def slow(connection: sqlite3.Connection) -> None:
        connection.execute("UPDATE d1 SET body = '{\"v\": 2}'")
        writing.set()
        may_end.wait(10)

    write = asyncio.create_task(documents._threads.write(slow))
    await asyncio.to_thread(writing.wait, 10)
    assert [document["v"] for document in await documents.find("things", Condition("v", ">", 0))] == [1]
    may_end.set()
    await write
    assert (await documents.get("things", "a") or {})["v"] == 2
    await documents.close()


async def test_a_full_disk_is_unavailable_and_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_threads, "PRAGMAS", sqlite_threads.PRAGMAS + "PRAGMA max_page_count = 40;")
    documents = SqliteDocuments(tmp_path / "documents.db")
    await documents.prepare("things")
    await documents.apply(Changes(checkpoint=Checkpoint("p", "log", 1, 1, 1)))
    large = [Write("things", str(number), {"filler": "x" * 9000}, "log", 2, {}) for number in range(100)]
    with pytest.raises(Unavailable) as refusal:
        await documents.apply(Changes(large, Checkpoint("p", "log", 2, 1, 1), 1))
    assert refusal.value.reason == "DOCUMENTS_FULL"
    assert await documents.count("things") == 0
    assert (await documents.checkpoints("p"))["log"].sequence == 1
    await documents.close()


async def test_a_file_that_is_no_database_is_named_damaged(tmp_path: Path) -> None:
    (tmp_path / "documents.db").write_bytes(b"not a database" * 1000)
    documents = SqliteDocuments(tmp_path / "documents.db")
    with pytest.raises(Damaged) as refusal:
        await documents.prepare("things")
    assert refusal.value.reason == "DOCUMENTS_DAMAGED"
    await documents.close()


async def test_a_folder_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "documents.db").mkdir()
    documents = SqliteDocuments(tmp_path / "documents.db")
    with pytest.raises(Unavailable) as refusal:
        await documents.get("things", "a")
    assert refusal.value.reason == "DOCUMENTS_UNAVAILABLE"
    await documents.close()
