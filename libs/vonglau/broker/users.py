"""`python -m vonglau.broker.users FOLDER`: a key per service and the server's accounts that admit them, each with its least subjects.
With `--site NAME`, as often as there are any, also one for an owner's site (k8s/README.md), which stays in later runs.

FOLDER gets `<user>.nk` (a seed of nkeys, mode 0600, made once: for that service's Secret) and `accounts.conf` (public keys and permissions,
written anew each time: to be included by nats-server, `include accounts.conf`). Losing a seed is mended by removing the file and running again.
"""
from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import nkeys

from vonglau.broker.permissions import JOB, NEEDS, SITE, Permissions, permissions
from vonglau.keyfile import key_file

ACCOUNT = "VONGLAU"
ACCOUNTS_FILE = "accounts.conf"


def seed_file(folder: Path, user: str) -> Path:
    return folder / f"{user}.nk"


def public_key(path: Path) -> str:
    """The user's public nkey; its seed is made where it is missing. Raises: Refused (KEY_FILE_OPEN), ValueError where the file holds no seed."""
    seed = key_file(path, lambda: bytes(nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER)))
    try:
        return str(nkeys.from_seed(bytearray(seed.strip())).public_key.decode())
    except nkeys.NkeysError as error:
        raise ValueError(f"{path} holds no seed of nkeys; remove it to have a new one made") from error


def accounts(keys: Mapping[str, str]) -> str:
    """The server's configuration. keys: public nkey by user."""
    users = ",\n".join(user_entry(key, permissions(user)) for user, key in sorted(keys.items()))
    return f"accounts {{\n  {ACCOUNT} {{\n    jetstream: enabled\n    users: [\n{users}\n    ]\n  }}\n}}\n"


def user_entry(key: str, allowed: Permissions) -> str:
    return (
        f"      {{ nkey: {key}, permissions: {{\n"
        f"        publish: {{ allow: {listed(allowed.publish)} }}\n"
        f"        subscribe: {{ allow: {listed(allowed.subscribe)} }}\n"
        f"      }} }}"
    )


def listed(subjects: Sequence[str]) -> str:
    return "[" + ", ".join(f'"{subject}"' for subject in subjects) + "]"


def write(folder: Path, sites: Iterable[str] = ()) -> Path:
    """Keys where they are missing, and the accounts; the accounts' file. sites: new ones. Raises: Refused, ValueError, OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    present = [path.stem for path in folder.glob(f"{SITE}*.nk")]
    keys = {user: public_key(seed_file(folder, user)) for user in (*NEEDS, JOB, *present, *(f"{SITE}{site}" for site in sites))}
    path = folder / ACCOUNTS_FILE
    path.write_text(accounts(keys), "utf-8")
    return path


def site_name(text: str) -> str:
    """Fit for a file. Raises: argparse.ArgumentTypeError."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no name of a site: small letters, digits and hyphens")
    return text


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m vonglau.broker.users", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--site", action="append", default=[], type=site_name, help="of an owner, with a server of its own")
    parsed = parser.parse_args(arguments)
    sys.stdout.write(f"{write(parsed.folder, parsed.site)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
