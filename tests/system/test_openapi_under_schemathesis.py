"""Every operation of the public API under schemathesis: signed in as each role that may call it, and as those that may not.

Two parts. Each operation is called once by each of its roles on something real, and answers 2xx. Then schemathesis
takes it apart (https://schemathesis.readthedocs.io): the document's examples, every boundary and every violation of its
schemas, and some at random, the same ones each time. No answer is a 5xx while everything runs, and every answer is one
that the document describes.
"""

from __future__ import annotations

import itertools
import json
import ssl
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from schemathesis import APIOperation, Case
from schemathesis.core.parameters import ParameterLocation
from tongban_local.checkout import ROOT

from tests.system.openapi_things import Things, things

#: Beside the examples and boundaries of each operation.
EXAMPLES_AT_RANDOM = 12
_CONFIG = schemathesis.Config.from_dict(
    {
        "seed": 320508,
        "generation": {
            "deterministic": True,
            "max-examples": EXAMPLES_AT_RANDOM,
            "with-security-parameters": False,
            "database": "none",
        },
        "checks": {
            # The schema cannot say that an item exists or that a material is one the item asks for: domain refusals are 422.
            "positive_data_acceptance": {"expected-statuses": ["2xx", "304", "404", "409", "412", "422"]},
        },
        "warnings": False,
    }
)
#: Kept beside the gateway; that it is the one served here is the first test.
API = schemathesis.openapi.from_path(ROOT / "services" / "gateway" / "openapi.json", config=_CONFIG)
OPERATIONS: dict[str, APIOperation] = {
    operation.definition.raw["operationId"]: operation
    for operation in (found.ok() for found in API.get_all_operations())
}
GUARDED = {
    name: sorted(op.definition.raw["x-roles"]) for name, op in OPERATIONS.items() if "x-roles" in op.definition.raw
}
ROLES = {role for roles in GUARDED.values() for role in roles}


class Edge:
    """Gusu's gateway, called by anybody."""

    def __init__(self, gateway: str, authority: str, made: Things) -> None:
        self.made, self._gateway = made, gateway
        self._session = requests.Session()
        self._session.trust_env = False
        self._options = {"verify": authority, "timeout": 20}
        self._turns: dict[str, Iterator[int]] = {}

    def call(self, case: Case, role: str = "") -> schemathesis.Response:
        """The answer, once every check of schemathesis has passed."""
        headers = {"Authorization": f"Bearer {self.made.callers[role].token()}"} if role else None
        return case.call_and_validate(self._gateway, self._session, headers, **self._options)

    def real(self, operation: str) -> Case:
        """A case on something real: ids of what is there, and the document's own example of a body."""
        made, target = self.made, OPERATIONS[operation]
        ids = made.ids.get(operation, [{}])
        parts: dict[str, Any] = {"path_parameters": dict(ids[0]), "query": made.queries.get(operation, {})}
        if body := target.definition.raw.get("requestBody"):
            schema = body["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
            example = API.raw_schema["components"]["schemas"][schema]["examples"][0]
            parts |= {"body": made.bodies.get(operation, example), "media_type": "application/json"}
        if any(parameter.get("name") == "Idempotency-Key" for parameter in target.definition.raw.get("parameters", ())):
            parts["headers"] = {"Idempotency-Key": f"{operation}-{next(self._turn(operation))}"}
        return target.Case(**parts)

    def aim(self, case: Case, operation: str) -> None:
        """Every other case whose path fits the document is sent to something that is there."""
        ids = self.made.ids.get(operation)
        part = case.meta.components.get(ParameterLocation.PATH) if case.meta else None
        if ids and part is not None and part.mode.is_positive and next(self._turn(operation)) % 2:
            case.path_parameters.update(ids[0])

    def _turn(self, operation: str) -> Iterator[int]:
        return self._turns.setdefault(operation, itertools.count(1))


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
    assert (answer.status_code, answer.json()["code"]) == (401, "token.missing")


@API.parametrize()
def test_whatever_is_sent_the_answer_is_one_that_the_document_describes(case, edge) -> None:
    operation = case.operation.definition.raw["operationId"]
    edge.aim(case, operation)
    for role in GUARDED.get(operation, [""]):
        edge.call(case, role)
