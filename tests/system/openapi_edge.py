"""The public API as its document describes it, and a gateway to hold against it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import requests
import schemathesis
from schemathesis import APIOperation, Case
from schemathesis.core.parameters import ParameterLocation
from tongban_local.checkout import ROOT

from tests.system.openapi_things import ONLINE, Things

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
#: What is read without a token too.
PUBLIC = {name for name in GUARDED if {} in OPERATIONS[name].definition.raw["security"]}
ROLES = {role for roles in GUARDED.values() for role in roles}


class Edge:
    """Gusu's gateway, called by anybody."""

    def __init__(self, gateway: str, authority: str, made: Things) -> None:
        self.made, self._gateway = made, gateway
        self._session = requests.Session()
        self._session.trust_env = False
        self._options = {"verify": authority, "timeout": 20}
        self._turns: dict[str, Iterator[int]] = {}

    def call(self, case: Case, role: str = "", **options: Any) -> schemathesis.Response:
        """The answer, once every check of schemathesis has passed."""
        headers = {"Authorization": f"Bearer {self.made.callers[role].token()}"} if role else None
        return case.call_and_validate(self._gateway, self._session, headers, **self._options, **options)

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
        """Every other case that fits the document is sent to something that is there, so that it gets past 404."""
        turn = next(self._turn(operation))
        if case.meta is None or turn % 2:
            return
        fits = {place for place, part in case.meta.components.items() if part.mode.is_positive}
        if ParameterLocation.PATH in fits and (ids := self.made.ids.get(operation)):
            case.path_parameters.update(ids[turn // 2 % len(ids)])
        if ParameterLocation.BODY in fits and operation == "submit_case":
            case.body = {**case.body, "item_code": ONLINE, "materials": self._only_the_form(case.body["materials"])}

    @staticmethod
    def _only_the_form(materials: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**material, "key": "form"} for material in materials[:1]]

    def _turn(self, operation: str) -> Iterator[int]:
        return self._turns.setdefault(operation, itertools.count(1))
