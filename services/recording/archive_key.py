"""The key of archives: who signs holds it whole, who proves needs its public half."""
from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from services.recording.settings import ArchiveSettings, RecordingSettings
from vonglau.errors import Refused
from vonglau.keyfile import key_file


def signing_key(settings: ArchiveSettings) -> Ed25519PrivateKey:
    """Made at the first start of all; the footage folder before it: from then on an absent folder is a store that is away, and not a new one.

    Raises: Refused (KEY_FILE_OPEN, ARCHIVE_KEY_MALFORMED; ARCHIVE_KEYS_DIFFER: the public half beside it, where there is one, is another's), OSError.
    """
    if not settings.footage and not settings.archive_key.exists():
        settings.footage_dir.mkdir(parents=True, exist_ok=True)
    content = key_file(settings.archive_key, Ed25519PrivateKey.generate().private_bytes_raw)
    try:
        key = Ed25519PrivateKey.from_private_bytes(content)
    except ValueError as error:
        raise malformed(settings.archive_key.name) from error
    public = settings.archive_key.with_suffix(".pub")
    if public.exists() and public.read_bytes() != key.public_key().public_bytes_raw():
        raise Refused("ARCHIVE_KEYS_DIFFER", f"{public.name} does not belong to {settings.archive_key.name}: what is signed would count as damaged")
    return key


def proving_key(settings: RecordingSettings) -> Ed25519PublicKey:
    """Of the file where there is one, else of the key on this machine. Raises: as `signing_key`."""
    file = settings.archive_public_key_file
    if file is None:
        return signing_key(settings).public_key()
    try:
        return Ed25519PublicKey.from_public_bytes(file.read_bytes())
    except ValueError as error:
        raise malformed(file.name) from error


def malformed(name: str) -> Refused:
    return Refused("ARCHIVE_KEY_MALFORMED", f"{name} is no Ed25519 key of 32 bytes")
