"""`make bench`: every bar beside its reference, as a table and as JSON. `--only NAME` picks one; the long ones run only so."""
from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import time
from importlib import import_module
from pathlib import Path

from tests.bench.figures import Figure

LONG = ("city", "faust")  # only by name: a quarter of an hour and more
BENCHES = ("eventlog", "quorum", "projection", "timeline", "registry_import", "stores", "record")
RESULTS = Path("build/bench.json")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=BENCHES + LONG, help="this one alone")
    chosen = parser.parse_args().only
    results: dict[str, object] = {"machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"}
    for name in [chosen] if chosen else BENCHES:
        began = time.monotonic()
        figures: list[Figure] = asyncio.run(import_module(f"tests.bench.{name}").main())
        print(f"{name} ({time.monotonic() - began:.0f} s)")
        for figure in figures:
            print(f"  {figure}")
        results[name] = [figure.to_json() for figure in figures]
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, ensure_ascii=False, indent=2), encoding="utf-8")
    print(f"written to {RESULTS}")


if __name__ == "__main__":
    main()
