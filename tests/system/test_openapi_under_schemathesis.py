"""Every operation of the public API under schemathesis: signed in as each role that may call it, and as those that may not.

Two parts. Each operation is called once by each of its roles on something real, and answers 2xx. Then schemathesis
takes it apart (https://schemathesis.readthedocs.io): the document's examples, every boundary and every violation of its
schemas, and some at random, the same ones each time. No answer is a 5xx while everything runs, and every answer is one
that the document describes.
"""

from __future__ import annotations

import json
import ssl
import urllib.request
from collections.abc import Iterator

import pytest

from tests.system.openapi_edge import API, GUARDED, OPERATIONS, PUBLIC, ROLES, Edge
from tests.system.openapi_things import things


@pytest.fixture(scope="module")
def edge(environment, gusu, tmp_path_factory) -> Iterator[Edge]:
    with things(environment, tmp_path_factory.mktemp("agreement")) as made:
        yield Edge(gusu.gateway, str(gusu.authority), made)


def test_the_document_that_is_served_is_the_one_that_is_kept(gusu) -> None:
    with urllib.request.urlopen(
        f"{gusu.gateway}/openapi.json", context=ssl.create_default_context(cafile=str(gusu.authority))
    ) as answer:
        assert json.load(answer) == API.raw_schema


def test_somebody_has_each_role(edge) -> None:
    assert set(edge.made.callers) == ROLES


@pytest.mark.parametrize(("operation", "role"), [(name, role) for name, roles in GUARDED.items() for role in roles])
def test_every_role_that_may_call_an_operation_gets_its_answer(edge, operation, role) -> None:
    case = edge.real(operation)
    answer = edge.call(case, role)
    assert 200 <= answer.status_code < 300, answer.text


@pytest.mark.parametrize("operation", [name for name in OPERATIONS if name not in GUARDED])
def test_what_needs_no_token_answers_without_one(edge, operation) -> None:
    case = edge.real(operation)
    assert edge.call(case).status_code == 200


@pytest.mark.parametrize("operation", GUARDED)
def test_every_other_role_is_refused_and_nobody_gets_anywhere_without_a_token(edge, operation) -> None:
    case = edge.real(operation)
    for role in sorted(ROLES - set(GUARDED[operation])):
        answer = edge.call(case, role)
        assert (answer.status_code, answer.json()["code"]) == (403, "request.role_missing"), role
    answer = edge.call(case)
    if operation in PUBLIC:
        assert answer.status_code == 200
        return
    assert (answer.status_code, answer.json()["code"]) == (401, "token.missing")


@API.parametrize()
def test_whatever_is_sent_the_answer_is_one_that_the_document_describes(case, edge) -> None:
    operation = case.operation.definition.raw["operationId"]
    edge.aim(case, operation)
    for role in (*GUARDED.get(operation, [""]), *([""] if operation in PUBLIC else [])):
        edge.call(case, role)
