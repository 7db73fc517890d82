"""`python -m vonglau.footage.policies ROLE [--owner OWNER] [--prefix PREFIX]`: what a credential of the object store may do, as its policy.

The least that each role works with: ingest puts segments and cannot look, recording makes buckets and reads, the retention job reads, puts archives,
and alone deletes, but no archives. With --owner a policy reaches that owner's buckets only. It is what S3 takes as the policy of a user
or as the session policy of `AssumeRole`: whoever runs the store attaches it to users, and `s3_sessions` asks for sessions under it.
"""
from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from vonglau.footage.port import PROBE
from vonglau.footage.roles import INGEST, RECORDING, RETENTION, ROLES

KINDS = ("footage", "evidence", "export")
ARCHIVES = "*/archive-*"  # keys that only the retention job puts and nobody deletes
Policy = dict[str, Any]
Statement = dict[str, Any]


def policy(role: str, *, owner: str = "*", prefix: str = "") -> Policy:
    """Raises: ValueError for what is no role."""
    return {"Version": "2012-10-17", "Statement": statements(role, owner, prefix)}


def statements(role: str, owner: str, prefix: str) -> list[Statement]:
    footage = f"{prefix}{owner}-footage"
    if role == INGEST:
        return [statement("Allow", ["PutObject"], [f"{footage}/*"]), statement("Deny", ["PutObject"], [f"{footage}/{ARCHIVES}"])]
    end = "*" if "*" in owner else ""  # MinIO compares a pattern with the bucket's name and a slash
    if role == RETENTION:
        return [
            statement("Allow", ["ListBucket"], [f"{footage}{end}"]),
            statement("Allow", ["GetObject", "DeleteObject"], [f"{footage}/*"]),
            statement("Allow", ["PutObject"], [f"{footage}/{ARCHIVES}"]),
            statement("Deny", ["DeleteObject"], [f"{footage}/{ARCHIVES}"]),
        ]
    if role != RECORDING:
        raise ValueError(f"{role!r} is no role of the footage store: {', '.join(ROLES)}")
    buckets = [f"{prefix}{owner}-{kind}" for kind in KINDS]
    themselves = [f"{bucket}{end}" for bucket in buckets]
    probe = f"{prefix}{PROBE}"
    return [
        statement("Allow", ["ListAllMyBuckets"], ["*"]),
        statement("Allow", ["ListBucket", "GetBucketLocation", "GetBucketObjectLockConfiguration", "GetBucketVersioning"], [*themselves, probe]),
        statement("Allow", ["CreateBucket", "PutBucketObjectLockConfiguration", "PutBucketVersioning"], [*themselves, probe]),
        statement("Allow", ["GetObject"], [f"{bucket}/*" for bucket in (*buckets, probe)]),
        statement("Allow", ["PutObject"], [f"{probe}/*"]),
    ]


def statement(effect: str, actions: Iterable[str], resources: Iterable[str]) -> Statement:
    return {"Effect": effect, "Action": [f"s3:{action}" for action in actions], "Resource": [f"arn:aws:s3:::{resource}" for resource in resources]}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m vonglau.footage.policies", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("role", choices=ROLES)
    parser.add_argument("--owner", default="*", help="an owner's id; default: all owners")
    parser.add_argument("--prefix", default="", help="VONGLAU_FOOTAGE_PREFIX")
    told = parser.parse_args(arguments)
    sys.stdout.write(f"{json.dumps(policy(told.role, owner=told.owner, prefix=told.prefix), indent=2)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
