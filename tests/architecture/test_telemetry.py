"""Every span name and attribute that our code writes stands in the registry."""

from __future__ import annotations

import importlib
import re

from .conftest import ROOT, sources

names = importlib.import_module("chassis.telemetry.names")

_SPAN = re.compile(r"\bspan\(\s*f?[\"']([^\"']+)[\"']")
_SET = re.compile(r"\.set_attribute\(\s*[\"']([^\"']+)[\"']")
_KEY = re.compile(r"[\"']((?:rpc|messaging|error|tongban)\.[a-z0-9_.]+)[\"']\s*:")


def _found(pattern: re.Pattern[str]) -> dict[str, str]:
    """What `pattern` finds in our sources → where."""
    return {
        hit[1]: f"{path.relative_to(ROOT)}"
        for path in sources("services")
        if "telemetry" not in path.parts
        for hit in pattern.finditer(path.read_text())
    }


def test_every_span_begins_with_a_registered_verb() -> None:
    spans = _found(_SPAN)
    assert spans
    assert {name: where for name, where in spans.items() if name.split(" ")[0] not in names.VERBS} == {}


def test_every_attribute_set_on_a_span_is_registered() -> None:
    attributes = _found(_SET)
    assert {name: where for name, where in attributes.items() if name not in names.ATTRIBUTES} == {}


def test_every_attribute_given_to_a_span_is_registered() -> None:
    # AMQP headers of ours and codes of refusals have the same shape; these modules write those, not spans.
    headers = re.compile(r"/(outbox|ladder|wire|words)\.py$")
    given = {name: where for name, where in _found(_KEY).items() if not headers.search(where)}
    assert given
    assert {name: where for name, where in given.items() if name not in names.ATTRIBUTES} == {}
