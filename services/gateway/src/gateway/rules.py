"""Who may call what: one table role × route × object. What is not in it is refused, and a route without a row does not start.

A row says whose things each role reaches by the route and which method on the bus holds it to that. The gateway checks
token, scope, role, strength of sign-in and home district; the service behind asks again for the role and owns the object.
Only the roles that a row let in travel on, so a clerk's own application is not seen with a clerk's eyes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

CITIZEN, CLERK, OPERATOR, AGENT = "citizen", "clerk", "operator", "agent"
FLEET_MANAGER, PUBLISHER, KIOSK, PARTNER = "fleet_manager", "publisher", "kiosk", "partner"

#: Machines sign in by a key and carry no `acr`.
MACHINES = frozenset({KIOSK, PARTNER})
STAFF = frozenset({CLERK, OPERATOR, AGENT, FLEET_MANAGER, PUBLISHER})
#: The whole set of roles that a token may carry.
ROLES = frozenset({CITIZEN}) | STAFF | MACHINES


class Acr(StrEnum):
    """How strongly a person's identity was proven, weakest to strongest."""

    L2 = "L2"  # format only
    L3 = "L3"  # two elements checked
    L4 = "L4"  # person, name and document matched
    L5 = "L5"  # certificate, or at a window


#: Staff act in the district's name, so nobody does on a sign-in weaker than this.
STAFF_ACR = Acr.L4


class Whose(StrEnum):
    """The object of a route, seen from the caller."""

    PUBLIC = "public"  # what everybody may know
    OWN = "own"  # what the caller brought about, or is about the caller
    DISTRICT = "district"  # what stands in this district's books; another district's books are not reached from here


class Scope(StrEnum):
    """What a token must be made for (RFC 6749 section 3.3)."""

    READ = "api.read"  # GET only; `api` includes it
    API = "api"


@dataclass(frozen=True, slots=True)
class Rule:
    """One row. OPEN, with no role in it, and rows for `anybody` are the only ones that need no token."""

    #: Role → whose things it reaches. The caller holds at least one.
    whose: Mapping[str, Whose] = field(default_factory=dict)
    #: The methods on the bus that the route calls and that hold each role to its objects.
    at: tuple[str, ...] = ()
    scope: Scope = Scope.API
    #: Least strength of a citizen's sign-in; staff needs STAFF_ACR, a machine has none.
    acr: Acr = Acr.L2
    #: Whether a person whom another district knows may; as a citizen only, whatever their home says they are.
    visitors: bool = False
    #: Whether somebody may who does not say who they are: only to read what is public (infra/adr/0025).
    anybody: bool = False

    @property
    def roles(self) -> frozenset[str]:
        return frozenset(self.whose)

    def least_acr(self, role: str) -> str:
        """The weakest `acr` with which `role` gets in; "" where none is needed."""
        return "" if self.anybody or role in MACHINES else max(STAFF_ACR if role in STAFF else Acr.L2, self.acr).value


def _reads(whose: Mapping[str, Whose], *at: str, visitors: bool = False) -> Rule:
    return Rule(whose, at, Scope.READ, visitors=visitors)


def _acts(whose: Mapping[str, Whose], at: str, *, acr: Acr = Acr.L2, visitors: bool = False) -> Rule:
    return Rule(whose, (at,), acr=acr, visitors=visitors)


#: No token needed.
OPEN = Rule()


def _public(*at: str) -> Rule:
    """What everybody may read; who shows a token is counted by it, and it has to be a good one."""
    return Rule(dict.fromkeys(sorted(ROLES), Whose.PUBLIC), at, Scope.READ, visitors=True, anybody=True)


_OWN_CITIZEN = {CITIZEN: Whose.OWN}
_OWN_OR_AGENT = {CITIZEN: Whose.OWN, AGENT: Whose.DISTRICT}
_CLERK, _AGENT, _OPERATOR = {CLERK: Whose.DISTRICT}, {AGENT: Whose.DISTRICT}, {OPERATOR: Whose.DISTRICT}
_FLEET = {FLEET_MANAGER: Whose.DISTRICT}
_HALL = {FLEET_MANAGER: Whose.DISTRICT, CLERK: Whose.DISTRICT, OPERATOR: Whose.DISTRICT}

#: "METHOD path" → its rule; OPEN only where written so.
RULES: dict[str, Rule] = {
    "GET /v1/items": _public("catalogue.find_items", "catalogue.list_items"),
    "GET /v1/items/{code}": _public("catalogue.get_item"),
    "PUT /v1/items/{code}": _acts({PUBLISHER: Whose.DISTRICT}, "catalogue.publish_item"),
    # An application has legal effect, so the name on it was checked at least against its number.
    "POST /v1/cases": _acts(_OWN_CITIZEN, "case_routing.submit_case", acr=Acr.L3, visitors=True),
    "GET /v1/cases": _reads(_OWN_CITIZEN, "case_routing.list_my_cases", visitors=True),
    "GET /v1/worklist": _reads(_CLERK, "case_routing.list_worklist"),
    "GET /v1/cases/{number}": _reads(_OWN_CITIZEN | _CLERK, "case_routing.get_case", visitors=True),
    "GET /v1/cases/{number}/materials/{key}": _reads(_OWN_CITIZEN | _CLERK, "case_routing.get_material", visitors=True),
    "GET /v1/cases/{number}/timeline": _reads(
        _OWN_CITIZEN | _CLERK | _OPERATOR, "case_routing.get_timeline", visitors=True
    ),
    "GET /v1/cases/{number}/trace": _reads(_OPERATOR, "case_routing.get_case_traces"),
    "POST /v1/cases/{number}/receive": _acts(_CLERK, "case_routing.receive_case"),
    "POST /v1/cases/{number}/accept": _acts(_CLERK, "case_routing.accept_case"),
    "POST /v1/cases/{number}/grant": _acts(_CLERK, "case_routing.grant_case"),
    "POST /v1/cases/{number}/refuse": _acts(_CLERK, "case_routing.refuse_case"),
    "POST /v1/cases/{number}/deliver": _acts(_CLERK, "case_routing.deliver_case"),
    "POST /v1/cases/{number}/withdraw": _acts(_OWN_CITIZEN, "case_routing.withdraw_case", acr=Acr.L3, visitors=True),
    "POST /v1/cases/{number}/hand-over": _acts(_CLERK, "case_routing.hand_over_case"),
    "POST /v1/cases/{number}/recall": _acts(_CLERK, "case_routing.recall_hand_over"),
    "GET /v1/messages": _reads(_OWN_CITIZEN, "notification.list_messages", visitors=True),
    "POST /v1/messages/{id}/read": _acts(_OWN_CITIZEN, "notification.mark_message_read", visitors=True),
    "GET /v1/deliveries": _reads(_OPERATOR, "notification.list_deliveries"),
    "POST /v1/kiosks": _acts(_FLEET, "terminal_fleet.register_kiosk"),
    "GET /v1/kiosks": _reads(_HALL, "terminal_fleet.list_kiosks"),
    "GET /v1/kiosks/{id}": _reads(_HALL, "terminal_fleet.get_kiosk"),
    "POST /v1/kiosks/{id}/heartbeats": _acts({KIOSK: Whose.OWN}, "terminal_fleet.record_heartbeat"),
    "POST /v1/tickets": _acts(_OWN_OR_AGENT, "hotline.open_ticket", visitors=True),
    "GET /v1/tickets": _reads(_OWN_OR_AGENT, "hotline.list_tickets", visitors=True),
    "GET /v1/tickets/{number}": _reads(_OWN_OR_AGENT, "hotline.get_ticket", visitors=True),
    "POST /v1/tickets/{number}/transfer": _acts(_AGENT, "hotline.transfer_ticket"),
    "POST /v1/tickets/{number}/answer": _acts(_AGENT, "hotline.answer_ticket"),
    "POST /v1/tickets/{number}/bounce": _acts(_AGENT, "hotline.bounce_ticket"),
    "GET /v1/links": _reads(_OPERATOR, "courier.list_links"),
    "GET /v1/links/{peer}/messages": _reads(_OPERATOR, "courier.list_messages"),
    "GET /v1/quarantine": _reads(_OPERATOR, "courier.list_quarantine"),
    "POST /v1/accounts/{subject}/disable": _acts(_OPERATOR, "identity.disable_account"),
    "POST /v1/proofs": _acts(_CLERK, "identity.record_proof"),
    "GET /livez": OPEN,
    "GET /readyz": OPEN,
    "GET /openapi.json": OPEN,
}


class RuleMissingError(Exception):
    """A route that the table does not name; the process must not start."""


def rule_for(methods: Iterable[str], path: str) -> Rule:
    """The row of a route. Raises RuleMissingError when there is none, or when the route answers to several methods."""
    names = [f"{method} {path}" for method in sorted(methods)]
    if len(names) != 1 or names[0] not in RULES:
        raise RuleMissingError(f"{' / '.join(names)}: no row in gateway.rules.RULES")
    return RULES[names[0]]


def table() -> str:
    """The rules as the README shows them."""
    lines = ["| route | scope | who reaches what, from which strength | visitors | held by |", "|---|---|---|---|---|"]
    for route, rule in RULES.items():
        if rule is OPEN:
            continue
        reach = ", ".join(_reach(rule, role) for role in sorted(rule.roles))
        if rule.anybody:
            reach = f"anybody, also without a token: {Whose.PUBLIC}"
        held = ", ".join(f"`{method}`" for method in rule.at)
        lines.append(f"| `{route}` | `{rule.scope}` | {reach} | {'yes' if rule.visitors else ''} | {held} |")
    return "\n".join(lines)


def _reach(rule: Rule, role: str) -> str:
    return " ".join(filter(None, (role, rule.whose[role].value, rule.least_acr(role))))
