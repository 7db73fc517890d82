"""A camera's password is in the secret store and nowhere else."""
from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from services.registry.camera import Camera
from services.registry.credentials import Credentials, one_credential
from vonglau.broker import KeyValue, connect
from vonglau.errors import Damaged, Invalid, Refused, Unavailable
from vonglau.eventlog import Call, History, aggregate_stream
from vonglau.eventlog.history import Answered
from vonglau.registry.v1 import service_pb2 as pb
from vonglau.registry.v1.events_pb2 import CAMERA_CLASS_TRAFFIC, STREAM_KIND_SUB, CameraDetails
from vonglau.rpc import error_of
from vonglau.secrets import SealedSecrets
from vonglau.testing.secrets import MemorySecrets

if TYPE_CHECKING:
    from vonglau.registry.v1.service_pb2_grpc import RegistryAsyncStub

CANARY = "kanarienvogel-7"
NEW = pb.Credential(username="admin", password=CANARY)
CALL = Call("person:lan", "/Change", request_id="1")
STREAM = aggregate_stream("registry", "camera", "cam-1")


@pytest.fixture
def secrets() -> MemorySecrets:
    return MemorySecrets()


def history(credential: str = "", answered: bool = False) -> History[Camera]:
    state = Camera("ward-hoan-kiem", CameraDetails(), credential)
    return History(STREAM, None, state, 7, 1, {CALL.request: Answered(7, "")} if answered else {})  # type: ignore[arg-type] # nothing is folded


async def test_an_accepted_command_leaves_only_its_own_secret(secrets: MemorySecrets) -> None:
    await secrets.put("camera.cam-1.old", b"old")
    async with Credentials(secrets).offered("cam-1", NEW, history("camera.cam-1.old"), CALL) as reference:
        assert set(secrets.kept) == {"camera.cam-1.old", reference}
    assert secrets.kept == {reference: NEW.SerializeToString(deterministic=True)}


async def test_a_refused_command_leaves_the_secret_that_was_there(secrets: MemorySecrets) -> None:
    await secrets.put("camera.cam-1.old", b"old")
    with pytest.raises(Refused):
        async with Credentials(secrets).offered("cam-1", NEW, history("camera.cam-1.old"), CALL):
            raise Refused("CAMERA_RETIRED", "no")
    assert secrets.kept == {"camera.cam-1.old": b"old"}


async def test_while_the_outcome_is_unknown_both_secrets_stay(secrets: MemorySecrets) -> None:
    await secrets.put("camera.cam-1.old", b"old")
    with pytest.raises(Unavailable):
        async with Credentials(secrets).offered("cam-1", NEW, history("camera.cam-1.old"), CALL):
            raise Unavailable("NO_ACKNOWLEDGEMENT", "nobody knows")
    assert len(secrets.kept) == 2


async def test_a_repeated_request_stores_nothing(secrets: MemorySecrets) -> None:
    async with Credentials(secrets).offered("cam-1", NEW, history("camera.cam-1.old", answered=True), CALL) as reference:
        assert reference == ""
    assert secrets.kept == {}


async def test_the_credential_in_use_is_not_stored_again(secrets: MemorySecrets) -> None:
    await secrets.put("camera.cam-1.old", NEW.SerializeToString(deterministic=True))
    async with Credentials(secrets).offered("cam-1", NEW, history("camera.cam-1.old"), CALL) as reference:
        assert reference == ""
    assert set(secrets.kept) == {"camera.cam-1.old"}


async def test_a_credential_that_cannot_be_opened_any_more_can_be_given_anew(secrets: MemorySecrets, monkeypatch: pytest.MonkeyPatch) -> None:
    async def lost(name: str) -> bytes:
        raise Damaged("SECRETS_KEY_WRONG", "sealed with another key", name=name)

    await secrets.put("camera.cam-1.old", b"sealed")
    monkeypatch.setattr(secrets, "get", lost)
    async with Credentials(secrets).offered("cam-1", NEW, history("camera.cam-1.old"), CALL) as reference:
        assert reference
    assert set(secrets.kept) == {reference}


def test_a_url_and_a_field_that_contradict_each_other_are_refused() -> None:
    assert one_credential(NEW, None) == one_credential(None, NEW) == one_credential(NEW, NEW) == NEW
    with pytest.raises(Invalid) as refusal:
        one_credential(NEW, pb.Credential(username="admin"))
    assert CANARY not in f"{refusal.value} {refusal.value.metadata}"


@pytest.mark.parametrize("part", ["canary\r\nX: y", "canary\0", "canary" * 50])
def test_a_credential_that_would_change_a_request_or_is_none_is_refused(part: str) -> None:
    for credential in (pb.Credential(username=part), pb.Credential(username="u", password=part)):
        for given, in_url in ((credential, None), (None, credential)):
            with pytest.raises(Invalid) as refusal:
                one_credential(given, in_url)
            assert refusal.value.reason == "CREDENTIAL_MALFORMED"
            assert "canary" not in f"{refusal.value} {refusal.value.metadata}"


@pytest.mark.loopback
async def test_a_password_appears_nowhere_but_in_the_secret_store(
    platform: Any, lan: RegistryAsyncStub, details: Callable[..., CameraDetails], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with_canary = CameraDetails()
    with_canary.CopyFrom(details())
    with_canary.streams[0].url = f"rtsp://admin:{CANARY}@10.0.0.1/a"
    with_canary.streams.add(kind=STREAM_KIND_SUB, url=f"rtsp://10.0.0.1/b?user=admin&password={CANARY}")
    incomplete = CameraDetails(camera_class=CAMERA_CLASS_TRAFFIC, streams=with_canary.streams)
    broken = CameraDetails(streams=with_canary.streams)
    broken.streams[0].url = f"rtsp://admin:{CANARY}@10.0.0.1:x/a"
    row = pb.ImportRow(owner="ward-hoan-kiem", details=with_canary)
    imported = pb.ImportCamerasRequest(rows=[row, pb.ImportRow(owner="ward-hoan-kiem", details=broken), pb.ImportRow(owner="x", details=with_canary)])
    told: list[str] = []
    await lan.RegisterCamera(pb.RegisterCameraRequest(camera="cam-1", owner="ward-hoan-kiem", details=with_canary))
    for call in (
        lan.RegisterCamera(pb.RegisterCameraRequest(camera="cam-2", owner="ward-hoan-kiem", details=with_canary)),
        lan.RegisterCamera(pb.RegisterCameraRequest(camera="cam-3", owner="ward-hoan-kiem", details=broken)),
        lan.RegisterCamera(pb.RegisterCameraRequest(camera="cam-4", owner="ward-hoan-kiem", details=incomplete, credential=NEW)),
        lan.ChangeCamera(pb.ChangeCameraRequest(camera="cam-9", update_mask=FieldMask(), credential=NEW)),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await call
        told.append(f"{error_of(failed.value)!r} {error_of(failed.value).metadata} {failed.value.details()} {failed.value.trailing_metadata()}")
    changed = await lan.ChangeCamera(pb.ChangeCameraRequest(camera="cam-1", details=with_canary, update_mask=FieldMask(paths=["streams"])))
    told += [str(response) async for response in lan.ImportCameras(iter([imported]))]
    told += [str(await lan.GetCamera(pb.GetCameraRequest(camera="cam-1", min_version=changed.version))), str(await lan.ListCameras(pb.ListCamerasRequest()))]
    told.append(caplog.text)

    async with connect(platform.settings.nats_url, name="tests", within=5) as broker:
        for stream in ("es_registry", "KV_access_state", "KV_secrets"):
            for sequence in range(1, (await broker.js.stream_info(stream)).state.last_seq + 1):
                try:
                    stored = await broker.js.get_msg(stream, sequence)
                except Exception:  # noqa: BLE001, S112 - an overwritten or purged value
                    continue
                told.append(f"{stored.subject} {stored.headers} {stored.data!r}")
        keeper = SealedSecrets(KeyValue(broker, "secrets"), platform.settings.secrets_key_file)
        references = {word.strip("'\"") for text in told for word in text.replace("\\x", " ").split() if word.startswith("$KV.secrets.")}
        kept = [await keeper.get(reference.removeprefix("$KV.secrets.")) for reference in references]
        assert any(plain is not None and CANARY.encode() in plain for plain in kept)
    await platform.stop()
    told += [path.read_bytes().decode("latin-1") for path in platform.settings.data_dir.rglob("*") if path.is_file()]
    told += [path.read_bytes().decode("latin-1") for path in platform.settings.run_dir.parent.joinpath("nats").rglob("*") if path.is_file()]
    assert not [text[:200] for text in told if CANARY in text]
