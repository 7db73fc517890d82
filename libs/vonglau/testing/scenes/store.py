"""The cache of encoded scenes: one file per spec in `VONGLAU_CACHE` or `~/.cache/vonglau`.

A file is a line of JSON (parameter sets, and per frame: key, shown, crc, sizes of its NAL units), then the NAL units one after another.
It is written beside its name and renamed, so a killed process leaves no half scene, and two that draw the same at once do no harm.
"""

import json
import os
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

from vonglau.testing.scenes.encoding import draw_and_encode
from vonglau.testing.scenes.scene import EncodedFrame, Scene
from vonglau.testing.scenes.spec import SceneSpec


def cache_folder() -> Path:
    told = os.environ.get("VONGLAU_CACHE")
    return Path(told) if told else Path.home() / ".cache" / "vonglau"


@cache
def load(spec: SceneSpec) -> Scene:
    """The scene, from this process's memory, the cache, or drawn now (CPU-bound: call it in a thread where a loop runs)."""
    return load_from(cache_folder(), spec)


def load_from(folder: Path, spec: SceneSpec, draw: Callable[[SceneSpec], Scene] = draw_and_encode) -> Scene:
    path = folder / f"scene-{spec.key()}"
    try:
        return unpack(spec, path.read_bytes())
    except (FileNotFoundError, ValueError, KeyError):  # not drawn yet, or a file that somebody damaged: draw it anew
        scene = draw(spec)
    write_atomically(path, pack(scene))
    return scene


def write_atomically(path: Path, body: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".drawing-")
    with os.fdopen(descriptor, "wb") as file:
        file.write(body)
    Path(name).rename(path)


def pack(scene: Scene) -> bytes:
    head = {
        "parameter_sets": [unit.hex() for unit in scene.parameter_sets],
        "frames": [[int(f.key), f.shown, f.crc, *map(len, f.units)] for f in scene.frames],
    }
    return json.dumps(head).encode() + b"\n" + b"".join(unit for frame in scene.frames for unit in frame.units)


def unpack(spec: SceneSpec, body: bytes) -> Scene:
    """Raises ValueError or KeyError when the file is not what `pack` writes."""
    line, _, rest = body.partition(b"\n")
    head = json.loads(line)
    frames, at = [], 0
    for key, shown, crc, *sizes in head["frames"]:
        units = []
        for size in sizes:
            units.append(rest[at : at + size])
            at += size
        frames.append(EncodedFrame(tuple(units), bool(key), shown, crc))
    if at != len(rest) or len(frames) != spec.frame_count:
        raise ValueError("a scene of another length")
    return Scene(spec, tuple(bytes.fromhex(unit) for unit in head["parameter_sets"]), tuple(frames))
