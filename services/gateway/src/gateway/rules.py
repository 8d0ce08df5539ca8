"""Who may call what: one table route × roles. What is not in it is refused, and a route without a row does not start.

A row is necessary, not sufficient: the service behind it checks the same person again and owns the rights per object
(own cases, the holder's clerks, this kiosk).
"""

from __future__ import annotations

from collections.abc import Iterable

CITIZEN, CLERK, OPERATOR, AGENT = "citizen", "clerk", "operator", "agent"
FLEET_MANAGER, PUBLISHER, KIOSK, PARTNER = "fleet_manager", "publisher", "kiosk", "partner"

#: The whole set of roles that a token may carry.
ROLES = frozenset({CITIZEN, CLERK, OPERATOR, AGENT, FLEET_MANAGER, PUBLISHER, KIOSK, PARTNER})

#: No token needed.
OPEN: frozenset[str] = frozenset()

#: "METHOD path" → the roles of which the caller must hold one; OPEN only where written so.
RULES: dict[str, frozenset[str]] = {
    "GET /v1/items": ROLES,
    "GET /v1/items/{code}": ROLES,
    "PUT /v1/items/{code}": frozenset({PUBLISHER}),
    "POST /v1/cases": frozenset({CITIZEN}),
    "GET /v1/cases": frozenset({CITIZEN}),
    "GET /v1/worklist": frozenset({CLERK}),
    "GET /v1/cases/{number}": frozenset({CITIZEN, CLERK}),
    "GET /v1/cases/{number}/timeline": frozenset({CITIZEN, CLERK, OPERATOR}),
    "GET /v1/cases/{number}/trace": frozenset({OPERATOR}),
    "POST /v1/cases/{number}/receive": frozenset({CLERK}),
    "POST /v1/cases/{number}/accept": frozenset({CLERK}),
    "POST /v1/cases/{number}/grant": frozenset({CLERK}),
    "POST /v1/cases/{number}/refuse": frozenset({CLERK}),
    "POST /v1/cases/{number}/deliver": frozenset({CLERK}),
    "POST /v1/cases/{number}/withdraw": frozenset({CITIZEN}),
    "POST /v1/cases/{number}/hand-over": frozenset({CLERK}),
    "POST /v1/cases/{number}/recall": frozenset({CLERK}),
    "GET /v1/messages": frozenset({CITIZEN}),
    "POST /v1/messages/{id}/read": frozenset({CITIZEN}),
    "GET /v1/deliveries": frozenset({OPERATOR}),
    "POST /v1/kiosks": frozenset({FLEET_MANAGER}),
    "GET /v1/kiosks": frozenset({FLEET_MANAGER, CLERK, OPERATOR}),
    "GET /v1/kiosks/{id}": frozenset({FLEET_MANAGER, CLERK, OPERATOR}),
    "POST /v1/kiosks/{id}/heartbeats": frozenset({KIOSK}),
    "POST /v1/tickets": frozenset({CITIZEN, AGENT}),
    "GET /v1/tickets": frozenset({CITIZEN, AGENT}),
    "GET /v1/tickets/{number}": frozenset({CITIZEN, AGENT}),
    "POST /v1/tickets/{number}/transfer": frozenset({AGENT}),
    "POST /v1/tickets/{number}/answer": frozenset({AGENT}),
    "POST /v1/tickets/{number}/bounce": frozenset({AGENT}),
    "GET /v1/links": frozenset({OPERATOR}),
    "GET /v1/links/{peer}/messages": frozenset({OPERATOR}),
    "GET /v1/quarantine": frozenset({OPERATOR}),
    "POST /v1/accounts/{subject}/disable": frozenset({OPERATOR}),
    "GET /livez": OPEN,
    "GET /readyz": OPEN,
    "GET /openapi.json": OPEN,
}


class RuleMissingError(Exception):
    """A route that the table does not name; the process must not start."""


def rule_for(methods: Iterable[str], path: str) -> frozenset[str]:
    """The row of a route. Raises RuleMissingError when there is none, or when the route answers to several methods."""
    names = [f"{method} {path}" for method in sorted(methods)]
    if len(names) != 1 or names[0] not in RULES:
        raise RuleMissingError(f"{' / '.join(names)}: no row in gateway.rules.RULES")
    return RULES[names[0]]
