"""Before any route runs: who is calling, may they call this, how often, and is the request one that this route knows.

A route is a `GuardedRoute`, made only with a row in rules.py. The order is fixed: token, session, scope, role, strength,
rate, query names, content type, body; so a stranger learns nothing about what a body should look like.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Annotated, Any

from chassis.assertion import Actor, sign_assertion
from chassis.clock import Clock
from chassis.edge import Rates, body_of
from chassis.errors import Fault, Kind
from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute
from google.protobuf.message import Message
from joserfc.jwk import OKPKey
from starlette.exceptions import HTTPException

from gateway.adapters.bus import Bus
from gateway.adapters.sessions import EndedSessions
from gateway.adapters.tokens import Tokens
from gateway.admission import let_in
from gateway.refusals import missing, session_ended
from gateway.rules import OPEN, Rule, rule_for

#: Seconds for which one signed assertion serves a person's calls; half of its life, so that a call never carries an old one.
REUSE_S = 30
_REMEMBERED = 10_000

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class Guard:
    """Admits requests and signs, for the bus, on whose behalf they are made."""

    def __init__(
        self, tokens: Tokens, ended: EndedSessions, rates: Rates, *, edge_key: OKPKey, clock: Clock, district: str
    ) -> None:
        self._tokens, self._ended, self._rates = tokens, ended, rates
        self._key, self._clock, self._district = edge_key, clock, district
        self._assertions: dict[Actor, tuple[str, float]] = {}

    async def admit(self, request: Request, rule: Rule) -> Actor | None:
        """The caller, as what `rule` lets them in; None for somebody who does not say who they are and need not.

        Raises Fault `token.…` where it is not known who calls, `request.…` where they may not (admission.py) or too often.
        """
        if rule.anybody and "authorization" not in request.headers:
            self._rates.take(f"nobody at {request.client.host if request.client else ''}")
            return None
        token = await self._tokens.check(_bearer(request))
        if token.session and self._ended.has(token.session):
            raise session_ended()
        actor = let_in(rule, token.actor, token.scopes, self._district)
        self._rates.take(actor.subject)
        return actor

    def assertion(self, actor: Actor) -> str:
        """The person's assertion for the bus, at most `REUSE_S` old."""
        now = self._clock.now().timestamp()
        signed, at = self._assertions.get(actor, ("", 0.0))
        if not signed or now - at >= REUSE_S:
            signed = sign_assertion(
                actor, self._key, clock=self._clock, audience=self._district, lifetime_s=2 * REUSE_S
            )
            if len(self._assertions) >= _REMEMBERED:
                self._assertions.clear()
            self._assertions[actor] = signed, now
        return signed


def _bearer(request: Request) -> str:
    values = request.headers.getlist("authorization")
    scheme, _, token = (values[0] if len(values) == 1 else "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise missing()
    return token.strip()


class GuardedRoute(APIRoute):
    """A route behind the guard. Raises RuleMissingError where rules.py has no row for it."""

    def get_route_handler(self) -> Handler:
        rule = rule_for(self.methods or (), self.path)
        known = {field.alias for field in _query_fields(self.dependant)}
        takes_body = self.body_field is not None
        answer = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            actor = None if rule is OPEN else await request.app.state.guard.admit(request, rule)
            request.state.actor = actor
            _check_query(request, known)
            if not takes_body:
                return await answer(request)
            _check_type(request)
            with request.app.state.room.take(request, actor.subject if actor else ""):
                await body_of(request)
                return await answer(request)

        return guarded


def _query_fields(dependant: Any) -> list[Any]:
    return [*dependant.query_params, *(field for inner in dependant.dependencies for field in _query_fields(inner))]


def _check_query(request: Request, known: set[str]) -> None:
    names = [name for name, _ in request.query_params.multi_items()]
    unknown = sorted(set(names) - known)
    if unknown:
        raise Fault(
            "request.unknown_parameter",
            Kind.INVALID,
            f"This address takes {', '.join(sorted(known)) or 'no parameters'}.",
        )
    if len(names) != len(set(names)):
        raise Fault("request.repeated_parameter", Kind.INVALID, "Give each parameter once.")


def _check_type(request: Request) -> None:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, headers={"Accept-Post": "application/json"})


Ask = Callable[[str, Message], Awaitable[Any]]


async def _asker(request: Request) -> Ask:  # async, or FastAPI would take a thread for it
    bus: Bus = request.app.state.bus
    actor: Actor | None = request.state.actor
    assertion = request.app.state.guard.assertion(actor) if actor else ""

    def ask(method: str, message: Message) -> Awaitable[Message]:
        return bus.call(method, message, assertion=assertion)

    return ask


#: In a route's signature: a call over the bus on behalf of whoever sent the request; of nobody, where they need not say who they are.
Asking = Annotated[Ask, Depends(_asker)]
