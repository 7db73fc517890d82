"""What `make run` shows without a camera in the house: owners of Hà Nội and simulated junctions, registered over gRPC like any other."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vonglau.registry.v1 import events_pb2 as events
from vonglau.registry.v1 import service_pb2 as service

OWNERS = {
    "o-cho-dua": "Phường Ô Chợ Dừa",
    "tay-ho": "Phường Tây Hồ",
    "traffic-police": "Phòng Cảnh sát giao thông",
}
PLACES = (
    ("Ngã sáu Ô Chợ Dừa", 21.0197, 105.8260),
    ("Nút Xã Đàn – Nguyễn Lương Bằng", 21.0163, 105.8291),
    ("Nút Láng Hạ – La Thành", 21.0186, 105.8176),
    ("Phố đi bộ Trịnh Công Sơn", 21.0709, 105.8186),
    ("Nút Âu Cơ – Xuân Diệu", 21.0651, 105.8316),
    ("Nút Lạc Long Quân – Võ Chí Công", 21.0667, 105.8067),
    ("Nút Trần Hưng Đạo – Hàng Bài", 21.0216, 105.8528),
    ("Cửa ngõ Pháp Vân", 20.9723, 105.8414),
)
CREDENTIAL = ("operator", "simulated")


@dataclass(frozen=True)
class SimulatedCamera:
    """One camera of the farm, and whose it is."""

    number: int  # from 1

    @property
    def camera(self) -> str:
        return f"sim-{self.number}"

    @property
    def owner(self) -> str:
        return list(OWNERS)[(self.number - 1) * len(OWNERS) // 8 % len(OWNERS)]

    def row(self, port: int) -> service.ImportRow:
        name, latitude, longitude = PLACES[(self.number - 1) % len(PLACES)]
        details = events.CameraDetails(
            display_name=name if self.number <= len(PLACES) else f"{name} {self.number}",
            camera_class=events.CAMERA_CLASS_TRAFFIC,
            purposes=[events.PURPOSE_TRAFFIC_SAFETY],
            type=events.CAMERA_TYPE_FIXED,
            place=events.Place(latitude_deg=latitude, longitude_deg=longitude, area=self.owner),
            pose=events.Pose(azimuth_deg=45.0 * (self.number % 8), height_m=6.0, field_of_view_deg=70.0),
            notice_sign=f"VL-{self.number:04d}",
            serial_number=f"SIM-{self.number:04d}",
            streams=[
                events.StreamProfile(kind=events.STREAM_KIND_MAIN, url=f"rtsp://127.0.0.1:{port}/cam-{self.number}/main"),
                events.StreamProfile(kind=events.STREAM_KIND_SUB, url=f"rtsp://127.0.0.1:{port}/cam-{self.number}/sub"),
            ],
        )
        credential = service.Credential(username=CREDENTIAL[0], password=CREDENTIAL[1])
        return service.ImportRow(row=self.number, camera=self.camera, owner=self.owner, details=details, credential=credential)


def farm_argv(python: str, count: int, port: int) -> list[str]:
    """The process that plays the cameras."""
    user, password = CREDENTIAL
    return [python, "-m", "vonglau.testing.cameras", "--port", str(port), "--cameras", str(count), "--user", user, "--password", password]


def kept_port(file: Path, free: int) -> int:
    """The farm's port of last time, since the cameras' URLs name it; at the first start the free one."""
    if not file.exists():
        file.write_text(str(free), encoding="utf-8")
    return int(file.read_text(encoding="utf-8"))


async def register(registry_as_platform: Any, registry_as_local: Any, count: int, port: int) -> list[service.ImportResult]:
    """Owners by the platform identity, cameras by the person `local`; those that are refused. Repeating it changes nothing.

    The stubs are those of vonglau.registry.v1.Registry. Raises: grpc.aio.AioRpcError.
    """
    present = {owner.owner for owner in (await registry_as_platform.ListOwners(service.ListOwnersRequest(page_size=1000))).owners}
    for owner, name in OWNERS.items():
        if owner not in present:
            request = service.RegisterOwnerRequest(owner=owner, display_name=name, administrators=["local"])
            await registry_as_platform.RegisterOwner(request)
    rows = [SimulatedCamera(number).row(port) for number in range(1, count + 1)]
    answers = registry_as_local.ImportCameras(iter([service.ImportCamerasRequest(rows=rows)]))
    return [result async for answer in answers for result in answer.results if result.outcome == service.IMPORT_OUTCOME_REFUSED]
