"""The RPCs: who is asking, the decision or the question, the reply."""
from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from google.protobuf.field_mask_pb2 import FieldMask

from services.registry import camera, owner, project
from services.registry.bulk_import import MOST_ROWS_AT_ONCE, BulkImport, Permits
from services.registry.camera import CAMERA, camera_stream
from services.registry.credentials import Credentials, one_credential
from services.registry.details import name, normal_details, normal_project
from services.registry.inventory import Inventory
from services.registry.journal import Journal
from services.registry.owner import OWNER, owner_stream
from services.registry.owners import Owners
from services.registry.project import PROJECT, project_stream
from services.registry.projects import Projects
from services.registry.reading import Reading
from vonglau.access import Access, Scope
from vonglau.errors import Invalid, NotFound
from vonglau.eventlog import Call, Version, checked_id
from vonglau.identity import Caller
from vonglau.registry.v1 import service_pb2 as pb
from vonglau.registry.v1.events_pb2 import CameraDetails
from vonglau.registry.v1.service_pb2 import Credential
from vonglau.registry.v1.service_pb2_grpc import RegistryServicer
from vonglau.rpc import PageToken, call, page_size, remaining
from vonglau.subscription import ProjectionRunner

M = TypeVar("M", pb.Owner, pb.Project, pb.Camera)

DEFAULT_PAGE, LARGEST_PAGE = 100, 1000


@dataclass(frozen=True)
class Views:
    inventory: Inventory
    owners: Owners
    projects: Projects
    runner: ProjectionRunner  # feeds them

    async def passed(self, version: str, context: Any) -> None:
        """Wait until they show what this version brought about. Raises: Invalid, Unavailable."""
        if version:
            await self.runner.passed(Version.parse(version), remaining(context))


class Servicer(RegistryServicer):
    """Requests come validated as the protos say; here they are put in normal form before anything else sees them."""

    def __init__(self, access: Access, journal: Journal, credentials: Credentials, views: Views, import_rows: int) -> None:
        """import_rows: at most, in one import."""
        self._access = access
        self._journal = journal
        self._credentials = credentials
        self._views = views
        self._import_rows = import_rows

    async def RegisterOwner(self, request: pb.RegisterOwnerRequest, context: Any) -> pb.RegisterOwnerResponse:
        request.display_name = name(request.display_name)
        for person in request.administrators:
            Caller("person", person)
        permit = await self._access.require(call(context, request), "owner.register", owner=request.owner)
        journal = self._journal.rehearsal() if request.validate_only else self._journal
        version = await journal.log.decide(owner_stream(request.owner), OWNER, partial(owner.register, request=request, permit=permit), call=permit.call)
        return pb.RegisterOwnerResponse(owner=request.owner, version=told(version, request.validate_only))

    async def RenameOwner(self, request: pb.RenameOwnerRequest, context: Any) -> pb.RenameOwnerResponse:
        request.display_name = name(request.display_name)
        permit = await self._access.require(call(context, request), "owner.update", owner=request.owner)
        version = await self._journal.log.decide(owner_stream(request.owner), OWNER, partial(owner.rename, request=request, permit=permit), call=permit.call)
        return pb.RenameOwnerResponse(version=str(version))

    async def BindAdministrator(self, request: pb.BindAdministratorRequest, context: Any) -> pb.BindAdministratorResponse:
        Caller("person", request.person)
        permit = await self._access.require(call(context, request), "role.bind", owner=request.owner)
        decision = partial(owner.bind_administrator, request=request, permit=permit)
        version = await self._journal.log.decide(owner_stream(request.owner), OWNER, decision, call=permit.call)
        return pb.BindAdministratorResponse(version=str(version))

    async def UnbindAdministrator(self, request: pb.UnbindAdministratorRequest, context: Any) -> pb.UnbindAdministratorResponse:
        permit = await self._access.require(call(context, request), "role.bind", owner=request.owner)
        decision = partial(owner.unbind_administrator, request=request, permit=permit)
        version = await self._journal.log.decide(owner_stream(request.owner), OWNER, decision, call=permit.call)
        return pb.UnbindAdministratorResponse(version=str(version))

    async def GetOwner(self, request: pb.GetOwnerRequest, context: Any) -> pb.Owner:
        await self._access.require(call(context, request), "owner.read", owner=checked_id("owner", request.owner))
        await self._views.passed(request.min_version, context)
        return existing("owner", request.owner, await self._views.owners.get(request.owner))

    async def ListOwners(self, request: pb.ListOwnersRequest, context: Any) -> pb.ListOwnersResponse:
        scope = self._access.scope(call(context, request), "owner.read")
        after, size = page(request)
        await self._views.passed(request.min_version, context)
        owners, following = await self._views.owners.list(scope.owners, after, size)
        return pb.ListOwnersResponse(owners=owners, next_page_token=token(request, following))

    async def RegisterProject(self, request: pb.RegisterProjectRequest, context: Any) -> pb.RegisterProjectResponse:
        request.details.CopyFrom(normal_project(request.details))
        permit = await self._access.require(call(context, request), "project.register", owner=checked_id("owner", request.owner))
        request.project = request.project or permit.call.derived_id("project")
        journal = self._journal.rehearsal() if request.validate_only else self._journal
        version = await journal.log.decide(
            project_stream(request.project),
            PROJECT,
            partial(project.register, request=request, permit=permit),
            call=permit.call,
            alongside=[(owner_stream(request.owner), OWNER)],
        )
        return pb.RegisterProjectResponse(project=request.project, version=told(version, request.validate_only))

    async def GetProject(self, request: pb.GetProjectRequest, context: Any) -> pb.Project:
        permit = await self._access.require(call(context, request), "project.read")
        project_stream(request.project)
        await self._views.passed(request.min_version, context)
        found = existing("project", request.project, await self._views.projects.get(request.project))
        if not Scope(permit.owners).covers(found.owner):
            raise NotFound("project", request.project)
        return found

    async def ListProjects(self, request: pb.ListProjectsRequest, context: Any) -> pb.ListProjectsResponse:
        owners = await self._owners_asked_for(call(context, request), "project.read", request.owner)
        after, size = page(request)
        await self._views.passed(request.min_version, context)
        projects, following = await self._views.projects.list(owners, after, size)
        return pb.ListProjectsResponse(projects=projects, next_page_token=token(request, following))

    async def RegisterCamera(self, request: pb.RegisterCameraRequest, context: Any) -> pb.RegisterCameraResponse:
        credential = taken_out(request)
        permit = await self._access.require(call(context, request), "camera.register", owner=checked_id("owner", request.owner))
        if credential is not None:
            await self._access.require(permit.call, "camera_credential.write", owner=request.owner)
        request.camera = request.camera or permit.call.derived_id("cam")
        reading = Reading.between(request.owner, CameraDetails(), request.details)
        journal, credentials = self._for_real(request.validate_only)
        history = await journal.log.load(camera_stream(request.camera), CAMERA)
        async with credentials.offered(request.camera, credential, history, permit.call) as reference:
            decision = reading.decision(partial(camera.register, request=request, permit=permit, credential=reference))
            version = await journal.log.decide(camera_stream(request.camera), CAMERA, decision, call=permit.call, alongside=reading.alongside)
        return pb.RegisterCameraResponse(camera=request.camera, version=told(version, request.validate_only))

    async def ChangeCamera(self, request: pb.ChangeCameraRequest, context: Any) -> pb.ChangeCameraResponse:
        credential = taken_out(request)
        known_paths(request.update_mask)
        camera_stream(request.camera)
        permit = await self._access.require(call(context, request), "camera.update", camera=request.camera)
        if credential is not None:
            await self._access.require(permit.call, "camera_credential.write", camera=request.camera)
        journal, credentials = self._for_real(request.validate_only)
        history = await journal.log.load(camera_stream(request.camera), CAMERA)
        seen = camera.seen(history, request.etag)
        before = history.state.details if history.state else CameraDetails()
        reading = Reading.between("", before, camera.merged(before, request))
        async with credentials.offered(request.camera, credential, history, permit.call) as reference:
            decision = reading.decision(partial(camera.change, request=request, permit=permit, credential=reference, seen=seen))
            version = await journal.log.decide(camera_stream(request.camera), CAMERA, decision, call=permit.call, alongside=reading.alongside)
        return pb.ChangeCameraResponse(version=told(version, request.validate_only))

    async def SuspendCamera(self, request: pb.SuspendCameraRequest, context: Any) -> pb.SuspendCameraResponse:
        request.reason = name(request.reason, "reason")
        stream = camera_stream(request.camera)
        permit = await self._access.require(call(context, request), "camera.update", camera=request.camera)
        version = await self._journal.log.decide(stream, CAMERA, partial(camera.suspend, request=request, permit=permit), call=permit.call)
        return pb.SuspendCameraResponse(version=str(version))

    async def ResumeCamera(self, request: pb.ResumeCameraRequest, context: Any) -> pb.ResumeCameraResponse:
        stream = camera_stream(request.camera)
        permit = await self._access.require(call(context, request), "camera.update", camera=request.camera)
        version = await self._journal.log.decide(stream, CAMERA, partial(camera.resume, request=request, permit=permit), call=permit.call)
        return pb.ResumeCameraResponse(version=str(version))

    async def RetireCamera(self, request: pb.RetireCameraRequest, context: Any) -> pb.RetireCameraResponse:
        request.reason = name(request.reason, "reason")
        stream = camera_stream(request.camera)
        permit = await self._access.require(call(context, request), "camera.retire", camera=request.camera)
        state = (await self._journal.log.load(stream, CAMERA)).state
        reading = Reading.between("", state.details if state else CameraDetails(), CameraDetails())
        decision = reading.decision(partial(camera.retire, request=request, permit=permit))
        version = await self._journal.log.decide(stream, CAMERA, decision, call=permit.call, alongside=reading.alongside)
        if state is not None:
            await self._credentials.purge(state.credential)
        return pb.RetireCameraResponse(version=str(version))

    async def GetCamera(self, request: pb.GetCameraRequest, context: Any) -> pb.Camera:
        camera_stream(request.camera)
        permit = await self._access.require(call(context, request), "camera.read", camera=request.camera)
        await self._views.passed(request.min_version, context)
        as_of = request.as_of if request.HasField("as_of") else None
        found = existing("camera", request.camera, await self._views.inventory.get(request.camera, as_of))
        permit.must_cover(found.owner)
        return found

    async def ListCameras(self, request: pb.ListCamerasRequest, context: Any) -> pb.ListCamerasResponse:
        owners = await self._owners_asked_for(call(context, request), "camera.read", request.owner)
        after, size = page(request)
        await self._views.passed(request.min_version, context)
        cameras, following = await self._views.inventory.list(owners, request, after, size)
        return pb.ListCamerasResponse(cameras=cameras, next_page_token=token(request, following))

    async def ImportCameras(
        self, requests: AsyncIterator[pb.ImportCamerasRequest], context: Any
    ) -> AsyncIterator[pb.ImportCamerasResponse]:
        """Answers batch by batch; an import that breaks off is whole up to its last answer, and the same rows may be sent again."""
        importing: BulkImport | None = None
        async for request in requests:
            if importing is None:
                importing = self._import(request.validate_only, call(context, pb.ImportCamerasRequest()))
            for start in range(0, len(request.rows), MOST_ROWS_AT_ONCE):
                yield pb.ImportCamerasResponse(results=await importing.take(request.rows[start : start + MOST_ROWS_AT_ONCE]))

    def _import(self, validate_only: bool, importing: Call) -> BulkImport:
        async def permits(owner: str, with_credential: bool) -> Permits:
            if with_credential:
                await self._access.require(importing, "camera_credential.write", owner=owner)
            register = await self._access.require(importing, "camera.register", owner=owner)
            return Permits(register, await self._access.require(importing, "camera.update", owner=owner))

        journal, credentials = self._for_real(validate_only)
        return BulkImport(journal, credentials, permits, importing, self._import_rows)

    def _for_real(self, validate_only: bool) -> tuple[Journal, Credentials]:
        """Or for a rehearsal, in which everything happens but the writing."""
        return (self._journal.rehearsal(), self._credentials.rehearsal()) if validate_only else (self._journal, self._credentials)

    async def _owners_asked_for(self, asking: Call, action: str, owner: str) -> Collection[str] | None:
        """The one that is named, if it may be; else all that the caller may see. None: every owner there is."""
        if owner:
            await self._access.require(asking, action, owner=checked_id("owner", owner))
            return {owner}
        return self._access.scope(asking, action).owners


def taken_out(request: pb.RegisterCameraRequest | pb.ChangeCameraRequest) -> Credential | None:
    """Puts the details in normal form and takes every credential out of the request. Raises: Invalid."""
    details, in_url = normal_details(request.details)
    credential = one_credential(request.credential if request.HasField("credential") else None, in_url)
    request.details.CopyFrom(details)
    request.ClearField("credential")
    return credential


def known_paths(mask: FieldMask) -> None:
    """Raises: Invalid (UPDATE_MASK_UNKNOWN)."""
    if list(mask.paths) != ["*"] and not mask.IsValidForDescriptor(CameraDetails.DESCRIPTOR):  # type: ignore[arg-type] # two names of one class
        raise Invalid("UPDATE_MASK_UNKNOWN", "update_mask names fields of details, or is *", field="update_mask")


def told(version: Version, validate_only: bool) -> str:
    """A rehearsal brings no version about."""
    return "" if validate_only else str(version)


def existing(kind: str, asked: str, found: M | None) -> M:
    if found is None:
        raise NotFound(kind, asked)
    return found


def page(request: Any) -> tuple[str, int]:
    """Where the page begins, and its size. Raises: Invalid (PAGE_TOKEN_…)."""
    after = PageToken.decode(request)
    return str(after[0]) if after else "", page_size(request, default=DEFAULT_PAGE, most=LARGEST_PAGE)


def token(request: Any, following: str) -> str:
    return PageToken.encode(request, [following]) if following else ""
