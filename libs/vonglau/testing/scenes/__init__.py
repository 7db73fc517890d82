"""Scenes for simulated cameras: a junction whose truth is known, drawn and encoded once into a cache."""

from vonglau.testing.scenes.scene import EncodedFrame, Scene
from vonglau.testing.scenes.spec import SceneSpec
from vonglau.testing.scenes.store import load
from vonglau.testing.scenes.strip import Reading, UnreadableStripError, read_clock, read_counter, read_strip

__all__ = ["EncodedFrame", "Reading", "Scene", "SceneSpec", "UnreadableStripError", "load", "read_clock", "read_counter", "read_strip"]
