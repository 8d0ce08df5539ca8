"""The comparison with the registry finds what differs: else the federation's test of it proves nothing."""

import pytest
from tongban_observability.emitted import SeenSpan, metric_faults, samples_in, span_faults
from tongban_observability.registry import Registry

TABLE = {
    "processes": {"bus": ["hotline", "courier"]},
    "common_labels": ["service", "district"],
    "metrics": {
        "tongban_calls_total": {"type": "counter", "unit": "calls", "labels": ["method"], "by": "bus", "meaning": "…"},
        "tongban_waiting": {"type": "gauge", "unit": "rows", "labels": [], "by": "hotline", "meaning": "…"},
        "tongban_lost_total": {
            "type": "counter", "unit": "rows", "labels": ["why"], "by": "bus", "meaning": "…", "only_on_failure": "a::b",
        },
    },
    "foreign": {"up": "Prometheus"},
    "placeholders": {"method": "[a-z]+[.][a-z]+"},
    "resource": ["service.name", "district"],
    "spans": [
        {"name": "serve {method}", "kind": "server", "by": "bus", "attributes": ["rpc.method"], "may": ["rpc.more"], "meaning": "…"},
    ],
}  # fmt: skip
REGISTRY = Registry.of(TABLE)

CALLS = '# TYPE tongban_calls_total counter\ntongban_calls_total{service="hotline",district="1",method="a"} 1.0\n'
WAITING = '# TYPE tongban_waiting gauge\ntongban_waiting{service="hotline",district="1"} 0.0\n'


def metrics(text, process="hotline"):
    return metric_faults(REGISTRY, samples_in(process, text))


def test_what_is_as_registered_has_no_fault():
    assert metrics(CALLS + WAITING) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (WAITING, "nobody says tongban_calls_total"),
        (CALLS + WAITING + "# TYPE tongban_new gauge\ntongban_new 1.0\n", "hotline says tongban_new, which is not in the registry"),
        (CALLS.replace("counter", "gauge") + WAITING, "tongban_calls_total is a gauge, not a counter"),
        (CALLS.replace('method="a"', 'person="a"') + WAITING, "tongban_calls_total has the labels"),
    ],
)  # fmt: skip
def test_what_differs_is_said(text, fault):
    assert [fault in said for said in metrics(text)] == [True]


def test_who_counts_what_is_not_its_own_is_named_and_a_bare_zero_is_let_pass():
    faults = metric_faults(REGISTRY, [*samples_in("hotline", CALLS + WAITING), *samples_in("courier", WAITING)])
    assert faults == []
    counted = samples_in("courier", WAITING.replace("0.0", "3.0"))
    faults = metric_faults(REGISTRY, [*samples_in("hotline", CALLS + WAITING), *counted])
    assert faults == ["courier says tongban_waiting, which is not its own"]


def span(**changes):
    given = {
        "service": "hotline",
        "name": "serve hotline.x",
        "kind": "server",
        "attributes": frozenset({"rpc.method"}),
        "resource": frozenset({"service.name", "district"}),
    }
    return SeenSpan(**{**given, **changes})


@pytest.mark.parametrize(
    "changes",
    [{}, {"attributes": frozenset({"rpc.method", "rpc.more"})}, {"attributes": frozenset({"error.type"})}],
)
def test_a_span_as_registered_has_no_fault(changes):
    assert span_faults(REGISTRY, [span(**changes)]) == []


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"name": "serve Hotline!"}, "0 rows of the registry fit"),
        ({"kind": "client"}, "of kind client"),
        ({"service": "gateway"}, "which is not its own"),
        ({"attributes": frozenset()}, "lacks ['rpc.method']"),
        ({"attributes": frozenset({"rpc.method", "person"})}, "has ['person']"),
        ({"resource": frozenset({"service.name"})}, "the resource of"),
    ],
)
def test_a_span_that_differs_is_said(changes, fault):
    assert any(fault in said for said in span_faults(REGISTRY, [span(**changes)]))


def test_a_span_that_nobody_has_is_said():
    assert span_faults(REGISTRY, []) == ["no span is named 'serve {method}'"]
