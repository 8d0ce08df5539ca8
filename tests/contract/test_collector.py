"""The collector's configuration: keys that its components have, the registry's attributes and no others, and what is kept.

There is no collector binary here. The keys are those of the components' own documentation, as far as we use them; what the
sampling policies decide is worked out from the configuration by their documented meaning.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest
import yaml
from tongban_local.checkout import ROOT
from tongban_observability.registry import FOLDER, Registry

CONFIGURATION = yaml.safe_load((FOLDER / "collector" / "collector.yaml").read_text())
PROCESSORS = CONFIGURATION["processors"]
REGISTRY = Registry.load()

#: Component → the keys that it has, those inside a key below it; None: whatever one writes.
_HTTP_CLIENT = {"endpoint": None, "compression": None, "timeout": None, "headers": None}
_RETRY = {"enabled": None, "initial_interval": None, "max_interval": None, "max_elapsed_time": None}
_QUEUE = {"enabled": None, "num_consumers": None, "queue_size": None}
_CACHE = {"sampled_cache_size": None, "non_sampled_cache_size": None}
_POLICY = {
    "name": None,
    "type": None,
    "status_code": {"status_codes": None},
    "latency": {"threshold_ms": None, "upper_threshold_ms": None},
    "string_attribute": {"key": None, "values": None, "enabled_regex_matching": None, "cache_max_size": None},
    "ottl_condition": {"error_mode": None, "span": None, "spanevent": None},
    "probabilistic": {"sampling_percentage": None, "hash_salt": None},
}
KEYS: dict[str, Any] = {
    "receivers": {
        "otlp": {"protocols": {"http": {"endpoint": None, "max_request_body_size": None, "include_metadata": None}}}
    },
    "processors": {
        "memory_limiter": {"check_interval": None, "limit_percentage": None, "spike_limit_percentage": None},
        "transform": {"error_mode": None, "trace_statements": [{"context": None, "statements": None}]},
        "redaction": {"allow_all_keys": None, "allowed_keys": None, "blocked_values": None, "summary": None},
        "tail_sampling": {
            "decision_wait": None,
            "num_traces": None,
            "expected_new_traces_per_sec": None,
            "decision_cache": _CACHE,
            "policies": [_POLICY],
        },
        "batch": {"send_batch_size": None, "timeout": None},
    },
    "exporters": {"otlphttp": {**_HTTP_CLIENT, "retry_on_failure": _RETRY, "sending_queue": _QUEUE}},
    "extensions": {"health_check": {"endpoint": None}},
    "service": {
        "extensions": None,
        "pipelines": {"traces": {"receivers": None, "processors": None, "exporters": None}},
    },
}


def unknown(part: Any, known: Any, at: str = "") -> list[str]:
    """Keys that no documentation has, by their path; an instance `type/name` is of its type."""
    if known is None:
        return []
    if isinstance(known, list):
        return [found for number, each in enumerate(part) for found in unknown(each, known[0], f"{at}[{number}]")]
    found = [f"{at}.{key}" for key in part if key.partition("/")[0] not in known]
    for key in part.keys() - {path.rpartition(".")[2] for path in found}:
        found += unknown(part[key], known[key.partition("/")[0]], f"{at}.{key}")
    return found


def test_every_key_is_one_that_its_component_has() -> None:
    assert unknown(CONFIGURATION, KEYS) == []


def test_a_misspelt_key_is_found() -> None:
    wrong = {**CONFIGURATION, "processors": {**PROCESSORS, "batch": {"send_batchsize": 1}}}
    assert unknown(wrong, KEYS) == [".processors.batch.send_batchsize"]


def test_pipelines_use_everything_that_is_configured_and_nothing_else() -> None:
    service = CONFIGURATION["service"]
    for part in ("receivers", "processors", "exporters"):
        used = {name for pipeline in service["pipelines"].values() for name in pipeline[part]}
        assert used == set(CONFIGURATION[part])
    assert service["extensions"] == list(CONFIGURATION["extensions"])


def test_memory_is_limited_first_and_the_border_comes_before_anything_is_kept() -> None:
    order = CONFIGURATION["service"]["pipelines"]["traces"]["processors"]
    assert order == ["memory_limiter", "transform/border", "redaction/registry", "tail_sampling", "batch"]


def test_it_listens_where_services_send_and_speaks_what_tempo_takes() -> None:
    http = CONFIGURATION["receivers"]["otlp"]["protocols"]["http"]
    assert http["endpoint"].endswith(":4318")
    assert CONFIGURATION["exporters"]["otlphttp/tempo"]["endpoint"] == "${env:TEMPO_ENDPOINT}"


# What may pass ------------------------------------------------------------------------------------------------------------


def test_attributes_of_the_registry_pass_and_no_others() -> None:
    redaction = PROCESSORS["redaction/registry"]
    registered = {name for row in REGISTRY.spans for name in row.attributes | row.may}
    assert set(redaction["allowed_keys"]) == registered | REGISTRY.resource | {"error.type"}
    assert (redaction["allow_all_keys"], redaction["summary"]) == (False, "silent")


def test_baggage_ends_at_the_border() -> None:
    contexts = {each["context"]: each["statements"] for each in PROCESSORS["transform/border"]["trace_statements"]}
    for context in ("resource", "span", "spanevent"):
        (pattern,) = re.findall(r'delete_matching_keys\(attributes, "([^"]+)"\)', "\n".join(contexts[context]))
        for key in ("baggage", "baggage.user.id", "http.request.header.baggage", "Baggage"):
            assert re.search(pattern, key)
        assert not [name for name in REGISTRY.resource if re.search(pattern, name)]
    assert 'set(trace_state, "")' in contexts["span"]
    assert CONFIGURATION["receivers"]["otlp"]["protocols"]["http"]["include_metadata"] is False


def test_no_process_of_ours_reads_or_sends_baggage() -> None:
    sources = [*ROOT.glob("services/*/src/**/*.py")]
    assert len(sources) > 100
    assert [str(path) for path in sources if "baggage" in path.read_text().lower()] == []


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        ("310101199001011234", True),
        ("31010119900101123X", True),
        ("call 13912345678", True),
        ("320508-20261124-KPGCTK7T", False),
        ("0199b3c2-7a3e-7c54-9a31-139123456789", False),
        ("tongban.case_routing.v1.CaseProgressed", False),
    ],
)
def test_numbers_of_people_are_masked_and_our_own_are_not(value: str, masked: bool) -> None:
    patterns = PROCESSORS["redaction/registry"]["blocked_values"]
    assert any(re.search(pattern, value) for pattern in patterns) is masked


# What is kept -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Span:
    name: str
    milliseconds: int = 5
    failed: bool = False
    attributes: tuple[tuple[str, str], ...] = ()


def kept_by(trace: list[Span]) -> set[str]:
    """Names of the policies that keep a trace, apart from chance."""
    return {policy["name"] for policy in PROCESSORS["tail_sampling"]["policies"] if _keeps(policy, trace)}


def _keeps(policy: dict[str, Any], trace: list[Span]) -> bool:
    rule = policy[policy["type"]]
    match policy["type"]:
        case "status_code":
            return rule["status_codes"] == ["ERROR"] and any(span.failed for span in trace)
        case "latency":
            return max(span.milliseconds for span in trace) >= rule["threshold_ms"]
        case "string_attribute":
            values = [value for span in trace for key, value in span.attributes if key == rule["key"]]
            return any(re.search(pattern, value) for pattern in rule["values"] for value in values)
        case "ottl_condition":
            (pattern,) = re.findall(r'^IsMatch\(name, "(.+)"\)$', rule["span"][0])
            return any(re.search(pattern, span.name) for span in trace)
        case "probabilistic":
            return False
    raise AssertionError(policy["type"])


ORDINARY = [Span("answer GET /v1/items"), Span("call catalogue.find_items"), Span("serve catalogue.find_items")]


@pytest.mark.parametrize(
    ("span", "policy"),
    [
        (Span("serve hotline.get_ticket", failed=True), "errors"),
        (Span("serve hotline.get_ticket", milliseconds=1500), "slow"),
        (Span("send HandOverOffered"), "to-another-district"),
        (Span("take HandOverOffered", attributes=(("tongban.peer", "310101"),)), "from-another-district"),
        (Span("work case_routing.case", attributes=(("tongban.case_number", "320508-20261124-KPGCTK7T"),)), "cases"),
    ],
)
def test_what_matters_is_kept(span: Span, policy: str) -> None:
    assert kept_by([*ORDINARY, span]) == {policy}
    assert any(row.pattern.fullmatch(span.name) for row in REGISTRY.spans), "no such span is emitted"


def test_of_the_rest_a_share_is_kept() -> None:
    assert kept_by([*ORDINARY, Span("send mail")]) == set()
    (share,) = [one for one in PROCESSORS["tail_sampling"]["policies"] if one["type"] == "probabilistic"]
    assert 0 < share["probabilistic"]["sampling_percentage"] <= 50
