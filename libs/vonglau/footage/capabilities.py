"""Whether an object store can do what footage needs, tried in a bucket of its own that holds one small object.

Every store says that it speaks S3; some leave out what nothing else could make good: a put that never replaces, a digest that the server
checks, objects that nobody can delete before their time.
"""
from __future__ import annotations

import hashlib

from minio.error import S3Error

from vonglau.footage.port import PROBE
from vonglau.footage.s3_client import Client
from vonglau.footage.s3_failures import DENIED, MISMATCH

BODY, KEY, NEVER = b"a store for footage", "probe", "never-stored"
THERE = {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}


def probe(client: Client, prefix: str) -> list[str]:
    """What is missing, in words. Leaves the bucket and the object for the next time; raises what else the store refuses."""
    bucket = prefix + PROBE
    locks = _makes_locked(client, bucket)
    missing = []
    if not _never_replaces(client, bucket):
        missing.append("conditional put (If-None-Match: *): it replaces what is stored")
    if not _checks_digests(client, bucket):
        missing.append("checksums (x-amz-checksum-sha256): it stores what has another SHA-256 than told, or does not tell it back")
    if not locks:
        missing.append("object lock with versioning, for evidence")
    return missing


def _makes_locked(client: Client, bucket: str) -> bool:
    try:
        client.asked.make_bucket(bucket, object_lock=True)
    except S3Error as error:
        if error.code in DENIED:
            raise
        if error.code not in THERE:
            client.asked.make_bucket(bucket)
    try:
        client.asked.get_object_lock_config(bucket)
    except S3Error as error:
        if error.code in DENIED:
            raise
        return False
    return True


def _never_replaces(client: Client, bucket: str) -> bool:
    def stored() -> bool:
        return client.put(bucket, KEY, BODY, sha256=hashlib.sha256(BODY).digest(), size=len(BODY), metadata={})

    stored()  # or it stands there from an earlier time
    return not stored()


def _checks_digests(client: Client, bucket: str) -> bool:
    try:
        client.put(bucket, NEVER, BODY, sha256=hashlib.sha256(b"").digest(), size=len(BODY), metadata={}, free=False)
    except S3Error as error:
        if error.code not in MISMATCH:
            raise
        return client.head(bucket, KEY).sha256 == hashlib.sha256(BODY).digest()
    return False
