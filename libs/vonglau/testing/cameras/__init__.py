"""Simulated cameras: an RTSP server whose pictures, faults and truth a test decides."""

from vonglau.testing.cameras.camera import CameraSpec, SimulatedCamera
from vonglau.testing.cameras.farm import CameraFarm
from vonglau.testing.cameras.faults import Faults, Moment, UnknownFaultError

__all__ = ["CameraFarm", "CameraSpec", "Faults", "Moment", "SimulatedCamera", "UnknownFaultError"]
