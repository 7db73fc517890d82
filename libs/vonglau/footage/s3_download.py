"""An object on its way here, read by a thread pool."""
from __future__ import annotations

from collections.abc import Callable

from minio.error import S3Error
from urllib3 import BaseHTTPResponse

from vonglau.footage.use import Use


class Download:
    """It may be closed from elsewhere at any moment; no connection is left."""

    def __init__(self, open_: Callable[[], BaseHTTPResponse]) -> None:
        """open_: asks for the object, at the first read."""
        self._open = open_
        self._response: BaseHTTPResponse | None = None
        self._use = Use(self._let_go)

    def read(self, length: int) -> bytes:
        """Empty at the end, behind it, and after `close`. Raises: S3Error, HTTPError."""
        with self._use.reading() as is_open:
            if not is_open:
                return b""
            try:
                if self._response is None:
                    self._response = self._open()
                return self._response.read(length)
            except S3Error as error:
                if error.code != "InvalidRange":
                    raise
                return b""

    def close(self) -> None:
        self._use.close()

    def _let_go(self) -> None:
        """A connection whose object was read to the end is used again; another one is of no use any more."""
        if self._response is not None:
            if self._response.length_remaining:
                self._response.close()
            self._response.release_conn()
