"""The port to the footage store and its folder adapter."""
from vonglau.footage.folder import FolderFootage
from vonglau.footage.port import CHUNK_BYTES, Footage, ObjectInfo, Put, checked_bucket, checked_key, footage_bucket

__all__ = ["CHUNK_BYTES", "FolderFootage", "Footage", "ObjectInfo", "Put", "checked_bucket", "checked_key", "footage_bucket"]
