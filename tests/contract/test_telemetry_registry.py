"""infra/observability/telemetry.yaml says what the code declares, and rules and dashboards ask for nothing else."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from chassis.telemetry import names
from chassis.telemetry.metrics import SECONDS
from tongban_local.checkout import ROOT
from tongban_local.programs import SERVICES, SINKS
from tongban_observability.__main__ import DASHBOARDS
from tongban_observability.alerts import rules
from tongban_observability.registry import Registry

REGISTRY = Registry.load()
_MAKERS = {"counter": "counter", "gauge": "gauge", "histogram": "histogram", "Counter": "counter"}
#: Of the process, by the Prometheus client library: nothing of ours declares them.
_LIBRARY = re.compile(r"process_[a-z_]+")
_TEXT, _LABELS, _GROUPING = (
    re.compile(r'"[^"]*"'),
    re.compile(r"\{[^}]*\}"),
    re.compile(r"\b(?:by|on)\s*\([^)]*\)"),
)
_NAME = re.compile(r"(?<![\w.:$])[a-zA-Z_:][a-zA-Z0-9_:]*")
_PROMQL = {
    *("sum", "max", "min", "avg", "rate", "increase", "avg_over_time", "histogram_quantile", "label_replace", "time"),
    *("or", "and", "unless", "offset", "bool", "on", "by"),
}


def declared() -> Iterator[tuple[str, str, frozenset[str]]]:
    """Name, type and labels of every metric that our sources declare."""
    for path in [*ROOT.glob("services/*/src/**/*.py"), *ROOT.glob("infra/observability/src/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _MAKERS:
                name, *labels = _texts(node)
                if name.startswith("tongban_"):
                    kind = _MAKERS[node.func.id]
                    suffix = "_total" if kind == "counter" and not name.endswith("_total") else ""
                    yield name + suffix, kind, frozenset(labels)


def _texts(call: ast.Call) -> list[str]:
    """A declaration's name and labels; the second argument is its meaning."""
    given = [*call.args[:1], *call.args[2:]]
    flat = [part for one in given for part in (one.elts if isinstance(one, ast.List) else [one])]
    return [part.value for part in flat if isinstance(part, ast.Constant)] or [""]


def asked(query: str) -> set[str]:
    """The series that a PromQL expression reads."""
    bare = _GROUPING.sub(" ", _LABELS.sub(" ", _TEXT.sub(" ", query)))
    return set(_NAME.findall(re.sub(r"\[[^]]*\]", " ", bare))) - _PROMQL


def dashboard_queries() -> Iterator[str]:
    for path in sorted(DASHBOARDS.glob("*.json")):
        for panel in json.loads(path.read_text())["panels"]:
            yield from (target["expr"] for target in panel.get("targets", ()))


def queries() -> list[str]:
    return [*(rule["expr"] for _, rule in rules()), *dashboard_queries()]


def test_the_registry_holds_every_metric_that_the_code_declares_and_no_other() -> None:
    ours = {row.name: (row.type, row.own_labels) for row in REGISTRY.metrics.values()}
    code = {name: (kind, labels) for name, kind, labels in declared()}
    assert len(code) > 30
    assert code == {name: row for name, row in ours.items() if not _LIBRARY.fullmatch(name)}


def test_the_registry_holds_every_span_verb_and_attribute_that_may_leave_a_process_and_no_other() -> None:
    assert {row.verb for row in REGISTRY.spans} == set(names.VERBS)
    attributes = {name for row in REGISTRY.spans for name in row.attributes | row.may}
    assert attributes | {"error.type"} == set(names.ATTRIBUTES)


def test_only_processes_that_exist_emit() -> None:
    rows = [*REGISTRY.metrics.values(), *REGISTRY.spans]
    assert {process for row in rows for process in row.by} <= {*SERVICES, *SINKS}


@pytest.mark.parametrize(
    "row",
    [row for row in (*REGISTRY.metrics.values(), *REGISTRY.spans) if row.shown_by],
    ids=lambda row: row.name,
)
def test_what_an_ordinary_run_does_not_show_is_shown_by_the_test_that_it_names(row) -> None:
    """It must speak of the metric, or of the span's verb, and not only exist; or call what does, in the same file."""
    path, _, name = row.shown_by.partition("::")
    text = Path(ROOT, path).read_text()
    functions = {one.name: one for one in ast.parse(text).body if isinstance(one, ast.FunctionDef)}
    speak = {
        one
        for one, tree in functions.items()
        if getattr(row, "verb", row.name) in (ast.get_source_segment(text, tree) or "")
    }
    called = {node.id for node in ast.walk(functions[name]) if isinstance(node, ast.Name)}
    assert speak & {name, *called}


def test_rules_and_dashboards_ask_only_for_what_somebody_emits() -> None:
    recorded = {rule["record"] for _, rule in rules() if "record" in rule}
    assert {name for query in queries() for name in asked(query)} - REGISTRY.series() - recorded == set()


def test_every_metric_of_ours_is_watched_by_a_rule_or_a_dashboard() -> None:
    seen = {name for query in queries() for name in asked(query)}
    watched = {re.sub(r"_(bucket|count|sum)$", "", name) for name in seen} | seen
    unwatched = {row.name for row in REGISTRY.metrics.values() if row.name.startswith("tongban_")} - watched
    # The receiver that stands in for a tracing backend on one machine has nobody who watches it.
    assert {name for name in unwatched if "spans" not in REGISTRY.metrics[name].by} == set()


def test_a_limit_in_a_query_is_the_edge_of_a_bucket() -> None:
    limits = {limit for query in queries() for limit in re.findall(r'le="([^"]+)"', query)}
    assert limits
    assert limits <= {str(float(edge)) for edge in SECONDS}


def test_queries_name_only_labels_that_their_series_carry() -> None:
    for query in queries():
        for name, matchers in re.findall(r"(tongban_[a-z_]+)\{([^}]*)\}", query):
            row = REGISTRY.metrics[re.sub(r"_(bucket|count|sum)$", "", name)]
            used = set(re.findall(r"([a-z_]+)\s*(?:=~|!~|!=|=)", _TEXT.sub("", matchers)))
            assert used <= row.labels | {"le", "instance", "job"}, query
