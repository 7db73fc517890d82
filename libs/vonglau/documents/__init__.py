"""Documents: what queries are answered from."""
from vonglau.documents.opening import open_documents
from vonglau.documents.port import (
    Changes,
    Checkpoint,
    Condition,
    Document,
    Documents,
    Index,
    Overtaken,
    Stored,
    Write,
    building,
    cursor,
    value_at,
)
from vonglau.documents.sqlite import SqliteDocuments

__all__ = [
    "Changes",
    "Checkpoint",
    "Condition",
    "Document",
    "Documents",
    "Index",
    "Overtaken",
    "SqliteDocuments",
    "Stored",
    "Write",
    "building",
    "cursor",
    "open_documents",
    "value_at",
]
