"""What an object store's refusals mean."""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from minio.error import InvalidResponseError, MinioException, S3Error, ServerError
from urllib3.exceptions import HTTPError, MaxRetryError, SSLError

from vonglau.errors import Damaged, Unavailable

RETRY_AFTER = 5.0  # s
NO_BUCKET = "NoSuchBucket"
ABSENT = {NO_BUCKET, "NoSuchKey", "NoSuchVersion"}
EXISTS = {"PreconditionFailed", "XMinioObjectExistsAsDirectory", "XMinioParentIsObject"}
DENIED = {"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidTokenId", "RequestTimeTooSkewed", "AccountProblem"}
FULL = {"XMinioStorageFull", "XMinioAdminBucketQuotaExceeded", "QuotaExceeded", "InsufficientCapacity"}
MISMATCH = {"XAmzContentChecksumMismatch", "XAmzContentSHA256Mismatch", "BadDigest", "ContentSHA256Mismatch", "IncompleteBody"}
STORAGE_FULL_STATUS = 507


@contextmanager
def told_by_consequence(doing: str) -> Iterator[None]:
    """Whatever the store refuses becomes `Unavailable`: it can pass. Only content that is not what was told never can.

    doing: what was tried, for the message.
    """
    try:
        yield
    except S3Error as error:
        raise _refusal(doing, error) from error
    except ServerError as error:
        reason = "STORAGE_FULL" if error.status_code == STORAGE_FULL_STATUS else "STORAGE_UNAVAILABLE"
        raise Unavailable(reason, f"the footage store failed to {doing}: {error}", retry_after=RETRY_AFTER) from error
    except (InvalidResponseError, SyntaxError, ValueError) as error:  # minio's client reads answers without asking whether they are XML
        said = f"what answers at the footage store's address speaks no S3: {str(error)[:200]}"
        raise Unavailable("STORAGE_UNAVAILABLE", said, retry_after=RETRY_AFTER) from error
    except (HTTPError, MinioException, OSError) as error:
        raise Unavailable("STORAGE_UNAVAILABLE", f"the footage store did not {doing}: {_cause(error)}", retry_after=RETRY_AFTER) from error


def _refusal(doing: str, error: S3Error) -> Unavailable | Damaged:
    said = f"{error.message or ''} ({error.code})"
    if error.code in DENIED:
        return Unavailable("STORAGE_DENIED", f"the footage store does not let this credential {doing}: {said}", retry_after=RETRY_AFTER)
    if error.code in FULL:
        return Unavailable("STORAGE_FULL", f"the footage store is full or its quota is used up: {said}", retry_after=RETRY_AFTER)
    if error.code in MISMATCH:
        return Damaged("CONTENT_MISMATCH", f"what arrived at the footage store is not what size and digest say: {said}")
    if error.code == NO_BUCKET:
        bucket = error.bucket_name or ""
        return Unavailable("BUCKET_MISSING", f"there is no bucket {bucket!r} in the footage store", retry_after=RETRY_AFTER, bucket=bucket)
    return Unavailable("STORAGE_UNAVAILABLE", f"the footage store refuses just now to {doing}: {said}", retry_after=RETRY_AFTER)


def _cause(error: Exception) -> str:
    """Behind what the HTTP client has wrapped it in."""
    reason = error.reason if isinstance(error, MaxRetryError) and error.reason else error
    kind = "its certificate is not trusted: " if isinstance(reason, SSLError) else ""
    return f"{kind}{str(reason)[:200] or type(reason).__name__}"
