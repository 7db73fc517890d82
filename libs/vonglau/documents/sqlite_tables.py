"""What SQLite does for the port: each function works inside one transaction on the connection that it is given.

A collection is a table `d<number>`. Names point to tables, so that a rebuilt collection is switched in by moving a name.
"""
from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from vonglau.documents.port import Changes, Checkpoint, Document, Index, Overtaken, Stored, Write, building
from vonglau.documents.sqlite_query import expression

SCHEMA = """
CREATE TABLE IF NOT EXISTS collections (number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS checkpoints (projection TEXT, log TEXT, sequence INTEGER NOT NULL, created_ns INTEGER NOT NULL,
    updated_ns INTEGER NOT NULL, PRIMARY KEY (projection, log)) WITHOUT ROWID;
"""
WRITE = """INSERT INTO {table} (id, seq, key, body) VALUES (?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, key = excluded.key, body = excluded.body WHERE {table}.seq = ?"""
Connection = sqlite3.Connection
Row = tuple[str, str, str, str | None, str]


def table_of(connection: Connection, collection: str) -> str | None:
    row = connection.execute("SELECT number FROM collections WHERE name = ?", [collection]).fetchone()
    return f"d{row[0]}" if row else None


def prepare(connection: Connection, collection: str, indexes: Iterable[Index]) -> None:
    table = table_of(connection, collection)
    if table is None:
        number = connection.execute("INSERT INTO collections (name) VALUES (?)", [collection]).lastrowid
        table = f"d{number}"
        connection.execute(f"CREATE TABLE {table} (id TEXT PRIMARY KEY, seq TEXT NOT NULL, key TEXT NOT NULL, body TEXT)")
    wanted = {f"{table}_{_digest(index)}": index for index in indexes}
    there = {row[1] for row in connection.execute(f"PRAGMA index_list({table})") if row[3] == "c"}
    for name in there - wanted.keys():
        connection.execute(f"DROP INDEX {name}")
    for name in wanted.keys() - there:
        fields = ", ".join(expression(path) for path in wanted[name].fields)
        connection.execute(f"CREATE INDEX {name} ON {table} ({fields}) WHERE body IS NOT NULL")


def select(connection: Connection, collection: str, rest: str, values: Sequence[Any], *, columns: str) -> list[Any]:
    table = table_of(connection, collection)
    return connection.execute(f"SELECT {columns} FROM {table} {rest}", values).fetchall() if table else []  # noqa: S608 - own names


def document(name: str, seq: str, body: bytes) -> Document:
    found: Document = orjson.loads(body)
    found["_id"], found["_seq"] = name, orjson.loads(seq)
    return found


def read(connection: Connection, collection: str, ids: str) -> dict[str, Stored]:
    """ids: a JSON list."""
    rows = select(connection, collection, "WHERE id IN (SELECT value FROM json_each(?))", [ids], columns="id, seq, key, CAST(body AS BLOB)")
    return {name: Stored(None if body is None else document(name, seq, body), orjson.loads(seq), key) for name, seq, key, body in rows}


def checkpoints(connection: Connection, projection: str) -> dict[str, Checkpoint]:
    return {row[1]: Checkpoint(*row) for row in connection.execute("SELECT * FROM checkpoints WHERE projection = ?", [projection])}


def apply(connection: Connection, changes: Changes) -> None:
    by_collection = defaultdict(list)
    for write in changes.writes:
        by_collection[write.collection].append(write)
    for collection, writes in by_collection.items():
        _write(connection, _present(connection, collection), writes)
    for collection, name in changes.forgotten:
        connection.execute(f"DELETE FROM {_present(connection, collection)} WHERE id = ?", [name])  # noqa: S608 - own names
    if changes.checkpoint is not None:
        _advance(connection, changes.checkpoint, changes.follows)


def swap(connection: Connection, projection: str, collections: Iterable[str]) -> None:
    for collection in collections:
        if table_of(connection, building(collection)):
            _drop_table(connection, collection)
            connection.execute("UPDATE collections SET name = ? WHERE name = ?", [collection, building(collection)])
    if checkpoints(connection, building(projection)):
        connection.execute("DELETE FROM checkpoints WHERE projection = ?", [projection])
        connection.execute("UPDATE checkpoints SET projection = ? WHERE projection = ?", [projection, building(projection)])


def drop(connection: Connection, projection: str, collections: Iterable[str]) -> None:
    for collection in collections:
        _drop_table(connection, collection)
    connection.execute("DELETE FROM checkpoints WHERE projection = ?", [projection])


def _drop_table(connection: Connection, collection: str) -> None:
    table = table_of(connection, collection)
    if table:
        connection.execute(f"DROP TABLE {table}")
        connection.execute("DELETE FROM collections WHERE name = ?", [collection])


def _present(connection: Connection, collection: str) -> str:
    table = table_of(connection, collection)
    if table is None:
        raise Overtaken(f"the collection {collection} is gone")
    return table


def _write(connection: Connection, table: str, writes: Sequence[Write]) -> None:
    rows = [_row(write) for write in writes]
    connection.execute("SAVEPOINT guarded")
    if connection.executemany(WRITE.format(table=table), rows).rowcount != len(rows):
        connection.execute("ROLLBACK TO guarded")
        _write_singly(connection, table, writes, rows)
    connection.execute("RELEASE guarded")


def _write_singly(connection: Connection, table: str, writes: Sequence[Write], rows: Sequence[Row]) -> None:
    for write, row in zip(writes, rows, strict=True):
        there = connection.execute(f"SELECT seq FROM {table} WHERE id = ?", [write.id]).fetchone()  # noqa: S608 - own names
        if there and orjson.loads(there[0]).get(write.log, -1) >= write.sequence:
            continue
        if connection.execute(WRITE.format(table=table), row).rowcount != 1:
            raise Overtaken(f"{write.id} was changed meanwhile")


def _row(write: Write) -> Row:
    body = None
    if write.document is not None:
        body = orjson.dumps({name: value for name, value in write.document.items() if name not in {"_id", "_seq"}}).decode()
    after = {**write.base, write.log: write.sequence} if write.log else write.base
    return write.id, _guard(after), write.key, body, _guard(write.base)


def _guard(guard: Mapping[str, int]) -> str:
    return json.dumps(guard, sort_keys=True, separators=(",", ":"))


def _advance(connection: Connection, checkpoint: Checkpoint, follows: int | None) -> None:
    saved = checkpoints(connection, checkpoint.projection).get(checkpoint.log)
    if (saved.sequence if saved else None) != follows:
        raise Overtaken(f"{checkpoint.projection} on {checkpoint.log} stands at {saved.sequence if saved else None}, not at {follows}")
    connection.execute(
        "INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?, ?, ?)",
        [checkpoint.projection, checkpoint.log, checkpoint.sequence, checkpoint.created_ns, checkpoint.updated_ns],
    )


def _digest(index: Index) -> str:
    return hashlib.sha256("\0".join(index.fields).encode()).hexdigest()[:12]
