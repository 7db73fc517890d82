"""Alerts and dashboards ask for what the code declares, by the names that Prometheus gives it, and each alert says what to do."""
from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from vonglau.telemetry.names import METRICS, Kind, Metric

CHART = Path(__file__).parents[2] / "helm" / "vonglau"
ALERTS: list[dict[str, Any]] = yaml.safe_load((CHART / "files" / "alerts.yaml").read_text("utf-8"))
OBJECTIVES: dict[str, dict[str, str]] = yaml.safe_load((CHART / "files" / "objectives.yaml").read_text("utf-8"))
RECORDS: dict[str, str] = yaml.safe_load((CHART / "files" / "records.yaml").read_text("utf-8"))
DASHBOARDS = sorted((CHART / "dashboards").glob("*.json"))
WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
RECORDED = {*RECORDS, *(f"vonglau:{name}_missed:ratio_{window}" for name in OBJECTIVES for window in WINDOWS)}
UNITS = {"s": "_seconds", "By": "_bytes", "1": "_ratio"}
OF_PROMETHEUS = {"le", "job", "instance"}

METRIC = re.compile(r"\b(?:vonglau|rpc|messaging)[_:][a-z0-9_:]+\b")
NO_METRIC = re.compile(r"\{[^}]*\}|\bby \([^)]*\)")
LABEL = re.compile(r"([a-z_]+)\s*(?:=~|!~|!=|=)\s*\"")
SERVICE, JOB = re.compile(r'^SERVICE = "(.+)"$', re.MULTILINE), re.compile(r'timers\.every\(f"\{SERVICE\}-([a-z-]+)"')
GROUPED = re.compile(r"\bby \(([^)]*)\)")


def spelt(metric: Metric) -> set[str]:
    """As OpenTelemetry's rules for Prometheus spell it: dots to underscores, the unit behind, _total behind a counter."""
    name = metric.name.replace(".", "_") + UNITS.get(metric.unit, "")
    if metric.kind is Kind.COUNTER:
        return {f"{name}_total"}
    return {f"{name}_{part}" for part in ("bucket", "count", "sum")} if metric.kind is Kind.HISTOGRAM else {name}


def asked_of(expression: str) -> set[str]:
    return set(METRIC.findall(NO_METRIC.sub("", expression)))


DECLARED = {name: metric for metric in METRICS for name in spelt(metric)}


def expressions() -> Iterator[tuple[str, str]]:
    """Where it stands, PromQL."""
    for alert in ALERTS:
        yield alert["alert"], alert["expr"]
    for name, objective in OBJECTIVES.items():
        yield name, objective["ratio"]
    yield from RECORDS.items()
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text("utf-8"))["panels"]:
            for target in panel["targets"]:
                yield f"{path.stem}: {panel['title']}", target["expr"]


EXPRESSIONS = list(expressions())


@pytest.mark.parametrize(("where", "expression"), EXPRESSIONS, ids=[where for where, _ in EXPRESSIONS])
def test_a_rule_asks_for_metrics_that_the_code_declares(where: str, expression: str) -> None:
    asked = asked_of(expression)
    assert asked, where
    assert asked - DECLARED.keys() - RECORDED == set()


@pytest.mark.parametrize(("where", "expression"), EXPRESSIONS, ids=[where for where, _ in EXPRESSIONS])
def test_a_rule_asks_for_labels_that_its_metrics_have(where: str, expression: str) -> None:
    metrics = [DECLARED[name] for name in asked_of(expression) if name in DECLARED]
    had = {label.replace(".", "_") for metric in metrics for label in metric.labels} | OF_PROMETHEUS
    grouped = {label.strip() for group in GROUPED.findall(expression) for label in group.split(",")}
    assert (set(LABEL.findall(expression)) | grouped) - had == set(), where


def test_a_metric_that_is_not_declared_would_be_noticed() -> None:
    assert asked_of('sum by (x) (rate(vonglau_nobody_counts_total{x="1"}[5m]))') == {"vonglau_nobody_counts_total"}


def test_every_alert_has_its_page_and_every_page_its_alert() -> None:
    alerts = {alert["alert"] for alert in ALERTS} | {objective["alert"] for objective in OBJECTIVES.values()}
    assert {path.stem for path in (CHART / "runbooks").glob("*.md")} == alerts


@pytest.mark.parametrize("page", sorted((CHART / "runbooks").glob("*.md")), ids=lambda path: path.stem)
def test_a_page_says_what_it_means_what_to_look_at_and_what_to_do(page: Path) -> None:
    headings = re.findall(r"^## (.+)$", page.read_text("utf-8"), re.MULTILINE)
    assert headings == ["What it means", "Look", "Do"]


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboard_lets_its_reader_choose_prometheus_and_its_panels_do_not_overlap(path: Path) -> None:
    board = json.loads(path.read_text("utf-8"))
    assert {panel["datasource"]["uid"] for panel in board["panels"]} == {"${source}"}
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells


@pytest.mark.backends
def test_burn_rates_look_at_a_long_and_a_short_window_and_wake_only_for_the_fast_ones(render: Callable[..., Any]) -> None:
    rules = [rule for group in rule_groups(render) if group["name"] == "vonglau-objective-recorded" for rule in group["rules"] if "alert" in rule]
    assert [rule["labels"] for rule in rules] == [
        {"severity": "page", "window": "1h"},
        {"severity": "page", "window": "6h"},
        {"severity": "ticket", "window": "1d"},
        {"severity": "ticket", "window": "3d"},
    ]
    assert rules[0]["expr"] == (
        "vonglau:recorded_missed:ratio_1h > 14.4 * (1 - 99.5 / 100) and vonglau:recorded_missed:ratio_5m > 14.4 * (1 - 99.5 / 100)"
    )


@pytest.mark.backends
def test_every_alert_leads_to_its_page(render: Callable[..., Any]) -> None:
    alerts = [rule for group in rule_groups(render) for rule in group["rules"] if "alert" in rule]
    assert len(alerts) == len(ALERTS) + 4 * len(OBJECTIVES)
    for rule in alerts:
        assert rule["annotations"]["runbook_url"] == f"https://runbooks.city.example/vonglau/{rule['alert']}.md"


@pytest.mark.backends
def test_prometheus_reads_the_rules(render: Callable[..., Any], tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed")
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": rule_groups(render)}), "utf-8")
    checked = subprocess.run([promtool, "check", "rules", str(tmp_path / "rules.yaml")], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


BOTH_RECORD = "10x30"  # one value a minute
GONE = "10x30 stale"


@pytest.mark.backends
@pytest.mark.parametrize(
    ("first", "second", "ratio", "alarm"),
    [
        (BOTH_RECORD + " 10x60", BOTH_RECORD + " 10x60", 1, False),
        (BOTH_RECORD + " 10x60", GONE, 0.5, True),  # a process died, and nobody has taken its cameras
        (BOTH_RECORD + " 20x60", GONE, 1, False),  # another one has
        (BOTH_RECORD + " 20x60", BOTH_RECORD + " 10x60", 1, False),  # both record what moves
        (BOTH_RECORD + " 10x60", BOTH_RECORD + " 4x60", 0.7, True),  # some send nothing, or are selected no more
        (GONE, GONE, 0, True),
    ],
)
def test_the_objective_falls_with_every_camera_that_is_meant_to_be_recorded_and_is_not(
    render: Callable[..., Any], tmp_path: Path, first: str, second: str, ratio: float, alarm: bool
) -> None:
    series = [(f"vonglau_ingest_recorded_cameras{{instance='{name}'}}", values) for name, values in (("a", first), ("b", second))]
    meant = [(f"vonglau_ingest_meant_cameras{{instance='{name}'}}", values.partition(" ")[0].replace("10x", "20x") + (" stale" if values == GONE else " 20x60"))
             for name, values in (("a", first), ("b", second))]
    fires = {"exp_labels": {"severity": "page", "window": "1h"}}
    played(render, tmp_path, {
        "input_series": [{"series": name, "values": values} for name, values in (*series, *meant)],
        "promql_expr_test": [sample("vonglau:cameras_recorded:ratio", at, share) for at, share in (("20m", 1), ("60m", ratio))],
        "alert_rule_test": [{"eval_time": "43m", "alertname": "VonglauCamerasNotRecorded", "exp_alerts": [fires] if alarm else []}],
    })  # fmt: skip


@pytest.mark.backends
def test_cameras_that_no_pool_selects_wake_somebody_within_minutes(render: Callable[..., Any], tmp_path: Path) -> None:
    alarm = {"exp_labels": {"severity": "page"}}
    played(render, tmp_path, {
        "input_series": [{"series": f"vonglau_ingest_unselected_cameras{{instance='{name}'}}", "values": "0x30 3x30"} for name in "ab"],
        "alert_rule_test": [
            {"eval_time": at, "alertname": "VonglauCamerasUnselected", "exp_alerts": alarms} for at, alarms in (("30m", []), ("40m", [alarm]))
        ],
    })  # fmt: skip


@pytest.mark.backends
def test_a_view_that_moves_and_falls_behind_is_an_alarm_whichever_replica_runs_it(render: Callable[..., Any], tmp_path: Path) -> None:
    labels = "vonglau_projection='timelines',vonglau_stream='FACT_INGEST'"
    alarm = {"exp_labels": {"severity": "ticket", "vonglau_projection": "timelines", "vonglau_stream": "FACT_INGEST"}}
    played(render, tmp_path, {
        "input_series": [
            {"series": f"vonglau_projection_age_seconds{{instance='a',{labels}}}", "values": "0x5 stale"},
            {"series": f"vonglau_projection_age_seconds{{instance='b',{labels}}}", "values": "_x5 10+10x60"},
        ],
        "alert_rule_test": [
            {"eval_time": at, "alertname": "VonglauProjectionBehind", "exp_alerts": alarms} for at, alarms in (("10m", []), ("30m", [alarm]))
        ],
    })  # fmt: skip


@pytest.mark.backends
@pytest.mark.parametrize(
    ("job", "told", "at", "alarm"),
    [
        ("retention-archive", {"a": "0+60x600"}, "121m", False),  # it fails for ever, every 10 minutes at last: too seldom for VonglauLoopFailing
        ("retention-archive", {"a": "0+60x600"}, "137m", True),
        ("recording-gap-watch", {"a": "0+60x60 stale", "b": "_x60 3660+60x600"}, "137m", True),  # whoever holds the lease
        ("registry-log-walk", {"a": "0+60x600"}, "137m", True),
        ("recording-log-walk", {"a": "0+60x60 " * 10}, "400m", False),  # hourly
        ("retention-delete", {"a": "0+60x600"}, "137m", True),
        ("retention-delete", {"a": "0+60x128 0+60x400"}, "137m", False),  # late, but it has succeeded
    ],
)
def test_a_job_that_fails_for_ever_is_an_alarm_and_one_that_waits_for_its_turn_is_none(
    render: Callable[..., Any], tmp_path: Path, job: str, told: dict[str, str], at: str, alarm: bool
) -> None:
    fires = {"exp_labels": {"severity": "ticket", "vonglau_loop": job}}
    played(render, tmp_path, {
        "input_series": [
            {"series": f"vonglau_timers_since_success_seconds{{instance='{name}',vonglau_loop='{job}'}}", "values": values} for name, values in told.items()
        ],
        "alert_rule_test": [{"eval_time": at, "alertname": "VonglauJobOverdue", "exp_alerts": [fires] if alarm else []}],
    })  # fmt: skip


@pytest.mark.backends
def test_retention_that_nobody_runs_is_an_alarm_although_nothing_fails(render: Callable[..., Any], tmp_path: Path) -> None:
    fires = {"exp_labels": {"severity": "ticket", "vonglau_loop": "retention-delete"}}
    played(render, tmp_path, {
        "input_series": [
            {"series": "vonglau_timers_since_success_seconds{vonglau_loop='retention-delete'}", "values": "0x60 stale"},
            {"series": "vonglau_timers_since_success_seconds{vonglau_loop='recording-gap-watch'}", "values": "0x200"},
        ],
        "alert_rule_test": [
            {"eval_time": when, "alertname": "VonglauRetentionAbsent", "exp_alerts": alarms} for when, alarms in (("60m", []), ("85m", []), ("95m", [fires]))
        ],
    })  # fmt: skip


def test_the_page_of_jobs_names_each_and_an_alert_asks_for_one_that_there_is() -> None:
    wiring = [path.read_text("utf-8") for path in (CHART.parents[1] / "services").rglob("__main__.py")]
    jobs = {f"{SERVICE.search(text)[1]}-{job}" for text in wiring for job in JOB.findall(text)}  # type: ignore[index]
    named = {job for alert in ALERTS for job in re.findall(r'vonglau_timers_since_success_seconds\{vonglau_loop="([^"]+)"', alert["expr"])}
    page = (CHART / "runbooks" / "VonglauJobOverdue.md").read_text("utf-8")
    assert named
    assert named <= jobs
    assert {job for job in jobs if f"`{job}`" not in page} == set()


def sample(expression: str, at: str, value: float) -> dict[str, Any]:
    return {"expr": expression, "eval_time": at, "exp_samples": [{"labels": expression, "value": value}]}


def played(render: Callable[..., Any], folder: Path, test: dict[str, Any]) -> None:
    """As Prometheus would have seen the series."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed")
    groups = rule_groups(render)
    for group in groups:
        for rule in group["rules"]:
            rule.pop("annotations", None)  # whose words are not what is asked here
    (folder / "rules.yaml").write_text(yaml.safe_dump({"groups": groups}), "utf-8")
    whole = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": [{"interval": "1m", **test}]}
    (folder / "test.yaml").write_text(yaml.safe_dump(whole), "utf-8")
    done = subprocess.run([promtool, "test", "rules", str(folder / "test.yaml")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def rule_groups(render: Callable[..., Any]) -> list[dict[str, Any]]:
    (rules,) = [each for each in render("city-three-zones") if each["kind"] == "PrometheusRule"]
    groups: list[dict[str, Any]] = rules["spec"]["groups"]
    return groups
