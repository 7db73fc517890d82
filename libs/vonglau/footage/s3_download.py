"""An object on its way here, read by a thread pool."""
from __future__ import annotations

import threading
from collections.abc import Callable

from minio.error import S3Error
from urllib3 import BaseHTTPResponse


class Download:
    """It may be closed from elsewhere at any moment: a read in progress ends first, and no connection is left."""

    def __init__(self, open_: Callable[[], BaseHTTPResponse]) -> None:
        """open_: asks for the object, at the first read."""
        self._open = open_
        self._response: BaseHTTPResponse | None = None
        self._lock = threading.Lock()
        self._reading = self._closed = False

    def read(self, length: int) -> bytes:
        """Empty at the end, behind it, and after `close`. Raises: S3Error, HTTPError."""
        with self._lock:
            if self._closed:
                return b""
            self._reading = True
        try:
            if self._response is None:
                self._response = self._open()
            return self._response.read(length)
        except S3Error as error:
            if error.code != "InvalidRange":
                raise
            return b""
        finally:
            with self._lock:
                self._reading = False
                self._close_when_idle()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._close_when_idle()

    def _close_when_idle(self) -> None:
        """A connection whose object was read to the end is used again; another one is of no use any more."""
        if self._closed and not self._reading and self._response is not None:
            if self._response.length_remaining:
                self._response.close()
            self._response.release_conn()
            self._response = None
