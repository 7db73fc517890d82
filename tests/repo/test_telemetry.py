"""What telemetry declares is what the code records: a name that nothing uses promises a figure that never comes."""
from __future__ import annotations

import ast
from pathlib import Path

import pytest

from vonglau.telemetry import names
from vonglau.telemetry.names import LABELS, METRICS, SPANS

DECLARING = "libs/vonglau/telemetry/names.py"
SHIPPED = ("libs/", "services/", "operators/")


@pytest.fixture(scope="module")
def used(files: list[Path], root: Path) -> set[str]:
    """Every name that shipped code but the declaring module speaks; imports alone are no use."""
    shipped = [path for path in files if path.suffix == ".py" and (name := path.relative_to(root).as_posix()).startswith(SHIPPED) and name != DECLARING]
    nodes = [node for path in shipped for node in ast.walk(ast.parse(path.read_text("utf-8")))]
    return {node.id for node in nodes if isinstance(node, ast.Name)} | {node.attr for node in nodes if isinstance(node, ast.Attribute)}


def declared(values: tuple[object, ...]) -> list[str]:
    return [name for name, value in vars(names).items() if any(value is each for each in values)]


def test_each_declared_metric_and_span_is_recorded_somewhere(used: set[str]) -> None:
    wanted = declared((*METRICS, *SPANS))
    assert len(wanted) == len(METRICS) + len(SPANS)
    assert [name for name in wanted if name not in used] == []


def test_each_declared_label_is_given_a_value_somewhere(used: set[str]) -> None:
    wanted = [name for name, value in vars(names).items() if name.isupper() and isinstance(value, str) and value in LABELS]
    assert len(wanted) == len(LABELS)
    assert [name for name in wanted if name not in used] == []


def test_each_declared_label_belongs_to_a_metric_or_span() -> None:
    belonging = {label for metric in METRICS for label in metric.labels} | {span.attribute for span in SPANS}
    assert set(LABELS) == belonging


@pytest.mark.parametrize("helper", ["publishing", "processing"])
def test_what_times_a_message_is_called_and_not_only_offered(files: list[Path], root: Path, helper: str) -> None:
    callers = [
        path for path in files
        if path.suffix == ".py" and path.relative_to(root).as_posix().startswith(SHIPPED)
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == helper
    ]
    assert callers
