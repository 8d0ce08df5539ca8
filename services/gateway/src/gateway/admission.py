"""Whether a rule lets somebody in, and as what: pure decisions over a token that was already believed."""

from __future__ import annotations

from dataclasses import replace

from chassis.assertion import Actor
from chassis.errors import Fault, Kind

from gateway.refusals import acr_too_low, scope_missing
from gateway.rules import CITIZEN, Acr, Rule, Scope

_STRENGTH = {"": 0} | {str(acr): rank for rank, acr in enumerate(Acr, start=1)}


def let_in(rule: Rule, actor: Actor, scopes: frozenset[str], district: str) -> Actor:
    """`actor` with only the roles that `rule` lets in at `district`.

    Raises Fault `request.scope_missing`, `request.role_missing`, `request.own_people_only`, `request.acr_too_low`.
    """
    if scopes.isdisjoint({rule.scope, Scope.API}):
        raise scope_missing(rule.scope)
    roles = actor.roles & rule.roles
    if actor.district != district:
        roles = _of_a_visitor(rule, roles)
    if not roles:
        raise Fault(
            "request.role_missing", Kind.FORBIDDEN, f"This needs one of the roles {', '.join(sorted(rule.roles))}."
        )
    strong = frozenset(role for role in roles if _is_strong_enough(actor.acr, rule.least_acr(role)))
    if not strong:
        raise acr_too_low(min(rule.least_acr(role) for role in roles))
    return replace(actor, roles=strong)


def _of_a_visitor(rule: Rule, roles: frozenset[str]) -> frozenset[str]:
    """What somebody whom another district knows may be here: a citizen. Raises Fault `request.own_people_only`."""
    if not rule.visitors and CITIZEN in roles:
        raise Fault("request.own_people_only", Kind.FORBIDDEN, "This is for people of this district; ask your own.")
    return roles & {CITIZEN}


def _is_strong_enough(acr: str, least: str) -> bool:
    """What is no strength that we know is none."""
    return _STRENGTH.get(acr, 0) >= _STRENGTH[least]
