"""The OpenAPI document is complete: statuses, rights, examples and links for every operation."""

from __future__ import annotations

import pytest
from gateway.openapi import document
from gateway.rules import OPEN, RULES


@pytest.fixture
def api(gateway) -> dict:
    return document(gateway.app)


def operations(api):
    return [
        (f"{method.upper()} {path}", op) for path, methods in api["paths"].items() for method, op in methods.items()
    ]


def test_every_operation_says_who_may_call_it_and_what_it_may_answer(api) -> None:
    assert api["openapi"] == "3.1.0"
    assert {name for name, _ in operations(api)} == set(RULES)
    for name, op in operations(api):
        assert op["summary"] and op["operationId"], name
        if RULES[name] is OPEN:
            assert "security" not in op
            continue
        rule = RULES[name]
        needed = [{"token": [rule.scope]}, *([{}] if rule.anybody else [])]
        assert (op["security"], op["x-scope"]) == (needed, rule.scope)
        assert (op["x-roles"], op["x-objects"]) == (sorted(rule.roles), rule.whose)
        assert op["x-visitors"] is rule.visitors
        assert f"cope `{rule.scope}`" in op["description"]
        assert rule.anybody or all(f"`{role}`" in op["description"] for role in rule.roles)
        expected = {"401", "403", "422", "429", "503"} | ({"408", "413", "415"} if "requestBody" in op else set())
        assert expected <= op["responses"].keys(), name
        for status, response in op["responses"].items():
            if not status.startswith(("2", "3")):
                assert list(response["content"]) == ["application/problem+json"], (name, status)


def test_operation_ids_are_unique_and_links_lead_somewhere(api) -> None:
    ids = [op["operationId"] for _, op in operations(api)]
    assert len(ids) == len(set(ids))
    links = [
        link for _, op in operations(api) for r in op["responses"].values() for link in r.get("links", {}).values()
    ]
    assert links
    assert {link["operationId"] for link in links} <= set(ids)


def test_every_body_has_an_example(api) -> None:
    for name, op in operations(api):
        if "requestBody" in op:
            reference = op["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
            assert api["components"]["schemas"][reference]["examples"], name


def test_no_schema_is_left_that_nothing_uses(api) -> None:
    text = repr(api)
    for name in api["components"]["schemas"]:
        assert f"#/components/schemas/{name}'" in text, name
