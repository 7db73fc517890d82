"""Upstream's source package, which carries the tests that its wheel lacks: fetched by pip once, kept in pytest's cache."""

import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

VERSION = "0.15.3"


def unpacked(config: pytest.Config, folder: Path) -> Path:
    """The source tree below ``folder``, without upstream's package: the installed one is tested. Skips where it cannot be fetched."""
    cache = Path(config.cache.mkdir("faust-upstream")) if config.cache else folder / "sdist"
    if not list(cache.glob(f"*{VERSION}.tar.gz")):
        package = [f"faust-streaming=={VERSION}", "--no-deps", "--no-binary", "faust-streaming"]
        command = [sys.executable, "-m", "pip", "download", *package, "-q", "-d", str(cache)]
        fetched = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        if fetched.returncode:
            pytest.skip(f"upstream's source package cannot be fetched: {fetched.stderr[-300:]}")
    with tarfile.open(next(cache.glob(f"*{VERSION}.tar.gz"))) as packed:
        packed.extractall(folder, filter="data")
    source = folder / f"faust_streaming-{VERSION}"
    (source / "faust").rename(source / "their_package")
    return source
