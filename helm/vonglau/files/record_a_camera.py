"""What `helm test` runs: a camera is registered, recorded, played and verified, through the same command line as anybody's.

Told by OWNER, PERSON (platform administrator, who administers the owner too), CAMERA, URL, SECONDS, and by what the command line reads.
The camera stays, suspended; the next run resumes it. Exit code 0: an object stands in the footage store and is what was recorded.
"""
from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

PAUSE_S = 2.0


class Failed(Exception):
    """The command was refused; `reason` says why."""

    def __init__(self, command: tuple[str, ...], reason: str, message: str) -> None:
        super().__init__(f"vonglau {' '.join(command)}: {reason}: {message}")
        self.reason = reason


def main() -> None:
    owner, person, camera, url = (os.environ[name] for name in ("OWNER", "PERSON", "CAMERA", "URL"))
    until = time.monotonic() + float(os.environ["SECONDS"])
    begun = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    repeat(until, lambda: register(owner, person, camera, url), "the camera is registered")
    before = objects(camera, person)
    try:
        repeat(until, lambda: recorded_s(camera, person, begun) >= 3, "it is recorded")
        repeat(until, lambda: objects(camera, person) > before, "a segment of it is stored, indexed and verified")
        tell(f"played: {clip_bytes(camera, person, begun)} bytes")
    finally:
        ask("camera", "suspend", camera, "--reason", "helm test has ended", "--as", person)


def register(owner: str, person: str, camera: str, url: str) -> bool:
    allowing("OWNER_ID_TAKEN", "owner", "add", owner, "--name", "helm test", "--admin", person, "--as", person)
    if not allowing("CAMERA_ID_TAKEN", "camera", "add", "--owner", owner, "--url", url, "--name", "helm test", "--id", camera, "--as", person):
        ask("camera", "resume", camera, "--as", person)
    return True


def recorded_s(camera: str, person: str, begun: str) -> float:
    found = ask("timeline", camera, "--from", begun, "--as", person)["stretches"]
    return float(sum(one["seconds"] for one in found if one["kind"] == "recorded"))


def objects(camera: str, person: str) -> int:
    """Stored, indexed, and each what was recorded. Raises: Failed (FINDINGS)."""
    checked = ask("verify", camera, "--as", person)
    if checked["findings"]:
        raise Failed(("verify", camera), "FINDINGS", json.dumps(checked["findings"]))
    return int(checked["objects_checked"])


def clip_bytes(camera: str, person: str, begun: str) -> int:
    with tempfile.TemporaryDirectory() as folder:
        files = ask("play", camera, "--from", begun, "--out", f"{folder}/clip.mp4", "--as", person)["files"]
        return sum(Path(one["path"]).stat().st_size for one in files)


def repeat(until: float, done: Any, what: str) -> None:
    """Until it is; services that are still starting are no failure. Raises: the last Failed, TimeoutError."""
    while True:
        failed: Failed | None = None
        try:
            if done():
                tell(what)
                return
        except Failed as error:
            failed = error
        if time.monotonic() > until:
            raise failed or TimeoutError(f"not in time: {what}")
        time.sleep(PAUSE_S)


def allowing(reason: str, *command: str) -> bool:
    """Whether it was done; False where that reason says that it had been done before."""
    try:
        ask(*command)
    except Failed as error:
        if error.reason != reason:
            raise
        return False
    return True


def ask(*command: str) -> Any:
    """The command's JSON. Raises: Failed."""
    result = subprocess.run(["vonglau", *command, "--json"], capture_output=True, text=True, timeout=60, check=False)  # noqa: S607
    if result.returncode == 0:
        return json.loads(result.stdout or "null")
    try:
        error = json.loads(result.stderr)["error"]
    except ValueError:
        raise Failed(command, "UNKNOWN", result.stderr[-2000:] or result.stdout[-2000:]) from None
    raise Failed(command, error["reason"], error["message"])


def tell(text: str) -> None:
    sys.stdout.write(f"{time.strftime('%H:%M:%SZ', time.gmtime())} {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
