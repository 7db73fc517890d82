"""From where and with which credentials a camera is recorded, as its record and the secret store say."""
from __future__ import annotations

from typing import Any

import pytest

from services.ingest.beginnings import Beginnings, Withheld
from services.ingest.roster import Listed
from services.ingest.rtsp.url import Credentials
from vonglau.registry.v1.events_pb2 import CAMERA_CLASS_TRAFFIC
from vonglau.registry.v1.service_pb2 import Credential
from vonglau.testing.clock import SettableClock
from vonglau.testing.secrets import MemorySecrets

REFERENCE = "camera.cam-1.a"


@pytest.fixture
async def beginnings() -> Beginnings:
    secrets = MemorySecrets()
    nobody_asks: Any = None
    await secrets.put(REFERENCE, Credential(username="admin", password="canary-7").SerializeToString())  # noqa: S106 - a made-up one
    return Beginnings(secrets, nobody_asks, nobody_asks, SettableClock())


def camera(url: str, credential: str = REFERENCE) -> Listed:
    return Listed("cam-1", "police", url, credential, CAMERA_CLASS_TRAFFIC, 0)


async def test_credentials_are_put_back_where_the_camera_wants_them_and_show_nowhere(beginnings: Beginnings) -> None:
    source = await beginnings.source(camera("rtsp://10.0.0.1/live?user=***&password=***&channel=1"))
    assert source.address.request_uri == "rtsp://10.0.0.1/live?user=admin&password=canary-7&channel=1"
    assert "canary" not in repr(source)


async def test_a_camera_that_wants_them_nowhere_in_its_url_gets_them_when_it_asks(beginnings: Beginnings) -> None:
    source = await beginnings.source(camera("rtsp://10.0.0.1/live?channel=1"))
    assert (source.address.request_uri, source.credentials) == ("rtsp://10.0.0.1/live?channel=1", Credentials("admin", "canary-7"))


async def test_without_credentials_the_url_stays_as_it_is_shown(beginnings: Beginnings) -> None:
    source = await beginnings.source(camera("rtsp://10.0.0.1/live?user=***", credential=""))
    assert (source.address.request_uri, source.credentials) == ("rtsp://10.0.0.1/live?user=***", None)


@pytest.mark.parametrize("url", ["", "http://10.0.0.1/"])
async def test_a_record_that_names_no_stream_of_use_is_told(beginnings: Beginnings, url: str) -> None:
    with pytest.raises(Withheld):
        await beginnings.source(camera(url))
