"""The port to the footage store, its adapters, and which of them a service uses."""
from vonglau.footage.folder import FolderFootage
from vonglau.footage.opening import open_footage
from vonglau.footage.port import CHUNK_BYTES, Footage, ObjectInfo, Put, checked_bucket, checked_key, footage_bucket, is_bucket, is_locked

__all__ = [
    "CHUNK_BYTES",
    "FolderFootage",
    "Footage",
    "ObjectInfo",
    "Put",
    "checked_bucket",
    "checked_key",
    "footage_bucket",
    "is_bucket",
    "is_locked",
    "open_footage",
]
