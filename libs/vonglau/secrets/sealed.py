"""Secrets as ciphertext in the key-value bucket `secrets`: AES-256-GCM with the name as associated data, the wrapping key in a file.

A value is: version (1 byte) | which key (8 bytes) | nonce (12 bytes) | ciphertext and tag. A value moved under another name does not open.
"""
from __future__ import annotations

import hashlib
import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vonglau.broker import KeyValue
from vonglau.errors import Damaged
from vonglau.keyfile import key_file
from vonglau.secrets.port import checked_name

KEY_BYTES, NONCE_BYTES, KEY_ID_BYTES = 32, 12, 8
VERSION = b"\x01"


class SealedSecrets:
    def __init__(self, bucket: KeyValue, key: Path) -> None:
        """key: the file with the wrapping key, mode 0600, made at the first start. Without it the secrets are lost.

        Raises: Refused (KEY_FILE_OPEN), Damaged (KEY_FILE_DAMAGED), OSError.
        """
        wrapping = key_file(key, lambda: os.urandom(KEY_BYTES))
        if len(wrapping) != KEY_BYTES:
            raise Damaged("KEY_FILE_DAMAGED", f"{key} does not hold {KEY_BYTES} bytes; put it back from its backup", file=str(key))
        self._bucket = bucket
        self._cipher = AESGCM(wrapping)
        self._head = VERSION + hashlib.sha256(b"vonglau.secrets\0" + wrapping).digest()[:KEY_ID_BYTES]

    async def put(self, name: str, plaintext: bytes) -> None:
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, plaintext, checked_name(name).encode())
        await self._bucket.put(name, self._head + nonce + sealed)

    async def get(self, name: str) -> bytes | None:
        entry = await self._bucket.get(checked_name(name))
        if entry is None or entry.value is None:
            return None
        return self._open(name, entry.value)

    async def purge(self, name: str) -> None:
        await self._bucket.purge(checked_name(name))

    def _open(self, name: str, value: bytes) -> bytes:
        head, nonce, sealed = value[: len(self._head)], value[len(self._head) :][:NONCE_BYTES], value[len(self._head) + NONCE_BYTES :]
        if head != self._head:
            raise Damaged("SECRETS_KEY_WRONG", f"the secret {name!r} was sealed with another key than this service has", name=name)
        try:
            return self._cipher.decrypt(nonce, sealed, name.encode())
        except (InvalidTag, ValueError) as error:
            raise Damaged("SECRET_DAMAGED", f"the secret {name!r} is not what was stored", name=name) from error
