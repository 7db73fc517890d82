"""Generate libs/vonglau/<context>/v1 from the .proto files beside this one; `--check` only compares and fails on a difference."""
from __future__ import annotations

import filecmp
import shutil
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

PROTO = Path(__file__).parent
LIBS = PROTO.parent / "libs"


def generate(target: Path) -> list[Path]:
    """Write the modules of every .proto file under target; the paths relative to it."""
    sources = sorted(PROTO.rglob("*.proto"))
    plugins = Path(sys.executable).parent
    stubs = [f"--plugin=protoc-gen-mypy_grpc={plugins / 'protoc-gen-mypy_grpc'}", f"--grpc_python_out={target}", f"--mypy_grpc_out=quiet:{target}"]
    services = [source for source in sources if source.name == "service.proto"]
    compile_protos([*includes(), f"--python_out={target}", f"--pyi_out={target}", *map(str, sources)])
    compile_protos([*includes(), *stubs, *map(str, services)])
    for folder in {source.relative_to(PROTO).parent for source in sources}:
        for package in (folder, folder.parent):
            (target / package / "__init__.py").touch()
    return sorted(path.relative_to(target) for path in target.rglob("*") if path.is_file())


def compile_protos(arguments: list[str]) -> None:
    if protoc.main(["protoc", *arguments]):
        sys.exit("protoc failed")


def includes() -> list[str]:
    """Where imports are found: here, in protobuf's own files, in google/api."""
    return [f"-I{PROTO}", f"-I{files('grpc_tools') / '_proto'}", f"-I{google_api_root()}"]


def google_api_root() -> Path:
    """The folder that holds google/api/*.proto (package googleapis-common-protos)."""
    import google.api.annotations_pb2 as anchor

    return Path(anchor.__file__).parents[2]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder)
        generated = generate(fresh)
        if "--check" in sys.argv[1:]:
            stale = [str(path) for path in generated if not same(fresh / path, LIBS / path)]
            if stale:
                sys.exit("not what the .proto files say (make proto): " + ", ".join(stale))
            return
        for path in generated:
            (LIBS / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(fresh / path, LIBS / path)


def same(fresh: Path, present: Path) -> bool:
    return present.is_file() and filecmp.cmp(fresh, present, shallow=False)


if __name__ == "__main__":
    main()
