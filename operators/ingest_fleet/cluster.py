"""The cluster as the operator uses it: lists, server-side apply, deletions. The only module that speaks to the API server.

Everything is a plain dictionary, so that fields which this client's models do not know pass through. Errors come as Unavailable (try in the next
turn) or Refused (as it is, it never will be), with the server's words.
"""
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import httpx2
from lightkube import ApiError, AsyncClient, KubeConfig
from lightkube.generic_resource import create_namespaced_resource
from lightkube.types import CascadeType

from operators.ingest_fleet.pool import GROUP, KIND, PLURAL, POOL_LABEL, VERSION
from operators.ingest_fleet.present import Listed
from vonglau.errors import Conflict, NotFound, Refused, Unavailable, VonglauError

MANAGER = "vonglau-operator"
GONE, LOST_RACE, INVALID = 404, 409, 422
MALFORMED = ("failed to convert new object", "failed to create typed patch object")  # an applied object that is none comes as 500
Manifest = dict[str, Any]
Kind = Any  # a class of the client that has no methods of its own


def kind_of(group: str, version: str, kind: str, plural: str) -> Kind:
    return create_namespaced_resource(group, version, kind, plural)


POOL = kind_of(GROUP, VERSION, KIND, PLURAL)
SETS = kind_of("apps", "v1", "StatefulSet", "statefulsets")
PODS = kind_of("", "v1", "Pod", "pods")
CLAIMS = kind_of("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims")
JOBS = kind_of("batch", "v1", "Job", "jobs")
EVENTS = kind_of("", "v1", "Event", "events")
LEASES = kind_of("coordination.k8s.io", "v1", "Lease", "leases")
KINDS = {
    "StatefulSet": SETS,
    "Job": JOBS,
    "Service": kind_of("", "v1", "Service", "services"),
    "PodDisruptionBudget": kind_of("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets"),
    KIND: POOL,
}


class Cluster:
    """One namespace of it."""

    def __init__(self, config: KubeConfig, namespace: str) -> None:
        self._client = AsyncClient(config, namespace=namespace, field_manager=MANAGER, timeout=httpx2.Timeout(10.0))
        self.namespace = namespace

    @classmethod
    def at(cls, kubeconfig: Path | None, namespace: str) -> Cluster:
        """None: by the pod's own account."""
        return cls(KubeConfig.from_service_account() if kubeconfig is None else KubeConfig.from_file(kubeconfig), namespace)

    async def close(self) -> None:
        await self._client.close()

    async def pools(self, labels: Mapping[str, str] | None = None) -> list[Manifest]:
        return await self._list(POOL, labels)

    async def children(self) -> Listed:
        """Of all pools."""
        labels = {POOL_LABEL: None}  # has it, whatever its value
        sets, pods, claims, jobs = await asyncio.gather(*(self._list(each, labels) for each in (SETS, PODS, CLAIMS, JOBS)))
        return Listed(sets, pods, claims, jobs)

    async def apply(self, manifest: Manifest, *, manager: str = MANAGER) -> Manifest:
        """As owner of what the manifest says, whoever else has said so. Returns the object. Raises: Refused (KUBERNETES_REFUSED)."""
        kind = KINDS[manifest["kind"]]
        with named_errors():
            return cast(Manifest, await self._client.apply(kind(manifest), manifest["metadata"]["name"], field_manager=manager, force=True))

    async def say(self, pool: str, status: Manifest) -> None:
        body = {"apiVersion": f"{GROUP}/{VERSION}", "kind": KIND, "metadata": {"name": pool}, "status": status}
        with named_errors():
            await self._client.apply(POOL.Status(body), pool, force=True)

    async def delete(self, kind: Kind, name: str) -> None:
        """With what it owns. What is gone already is gone."""
        try:
            with named_errors():
                await self._client.delete(kind, name, cascade=CascadeType.BACKGROUND)
        except NotFound:
            return

    async def get(self, kind: Kind, name: str) -> Manifest:
        """Raises: NotFound."""
        with named_errors():
            return cast(Manifest, await self._client.get(kind, name))

    async def create(self, kind: Kind, body: Manifest) -> Manifest:
        """Raises: Conflict: there is one."""
        with named_errors():
            return cast(Manifest, await self._client.create(kind(body)))

    async def replace(self, kind: Kind, body: Manifest) -> Manifest:
        """Raises: Conflict: it is not what was read."""
        with named_errors():
            return cast(Manifest, await self._client.replace(kind(body)))

    async def _list(self, kind: Kind, labels: Mapping[str, str | None] | None = None) -> list[Manifest]:
        with named_errors():
            found = cast(AsyncIterator[Manifest], aiter(self._client.list(kind, labels=dict(labels) if labels else None)))
            return [each async for each in found]


@contextmanager
def named_errors() -> Iterator[None]:
    try:
        yield
    except ApiError as error:
        raise named(error) from error
    except httpx2.HTTPError as error:
        raise Unavailable("KUBERNETES_UNREACHABLE", f"the API server does not answer: {error or type(error).__name__}") from error


def named(error: ApiError) -> VonglauError:
    code, message = error.status.code or error.response.status_code, error.status.message or str(error)
    if code == GONE:
        return NotFound("object", message)
    if code == LOST_RACE:
        return Conflict("KUBERNETES_CONFLICT", message)
    if code == INVALID or error.status.reason in ("Invalid", "BadRequest", "Forbidden") or message.startswith(MALFORMED):
        return Refused("KUBERNETES_REFUSED", message)
    return Unavailable("KUBERNETES_UNREACHABLE", message)
