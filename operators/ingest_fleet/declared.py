"""Pools that the installation declares: applied when its values change, taken away when they no longer name them."""
from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import yaml

from operators.ingest_fleet.cluster import POOL, Cluster
from operators.ingest_fleet.pool import GROUP, digest
from vonglau.errors import Refused

MANAGER = "vonglau-values"
RELEASE_LABEL = f"{GROUP}/declared-by"
DIGEST = f"{GROUP}/declared"
logger = logging.getLogger(__name__)
Manifest = dict[str, Any]


class Declared:
    """file: IngestPools as YAML documents. release: which installation's they are."""

    def __init__(self, cluster: Cluster, file: Path | None, release: str) -> None:
        self._cluster = cluster
        self._file = file
        self._release = release

    async def apply(self) -> None:
        """Raises: Unavailable. What Kubernetes refuses is told and left as it was."""
        if self._file is None:
            return
        wished = await asyncio.to_thread(manifests, self._file, self._release)
        there = {each["metadata"]["name"]: each for each in await self._cluster.pools()}
        for name, manifest in wished.items():
            if mark(there.get(name)) != mark(manifest):
                await self._put(name, manifest)
        for name, each in there.items():
            if each["metadata"].get("labels", {}).get(RELEASE_LABEL) == self._release and name not in wished:
                logger.info("the pool %s is no longer declared: it ends", name)
                await self._cluster.delete(POOL, name)

    async def _put(self, name: str, manifest: Manifest) -> None:
        try:
            await self._cluster.apply(manifest, manager=MANAGER)
        except Refused as error:
            logger.error("the pool %s cannot be as it was declared: %s", name, error.message)


def manifests(file: Path, release: str) -> dict[str, Manifest]:
    """Pool -> what to apply."""
    found: dict[str, Manifest] = {}
    for each in yaml.safe_load_all(file.read_text("utf-8")):
        if each:
            metadata = each["metadata"]
            metadata["annotations"] = {**metadata.get("annotations", {}), DIGEST: digest(each)}
            metadata["labels"] = {**metadata.get("labels", {}), RELEASE_LABEL: release}
            found[metadata["name"]] = each
    return found


def mark(body: Manifest | None) -> str | None:
    """What it was last declared as."""
    return body["metadata"].get("annotations", {}).get(DIGEST) if body else None
