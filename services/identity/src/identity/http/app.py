"""The web process as an ASGI application: every endpoint on one page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chassis.edge import BehindProxies, envelope, health_page
from chassis.health import Checks
from starlette.applications import Starlette
from starlette.routing import Route

from identity.http import (
    account_sessions,
    acting_for,
    authorize,
    end_session,
    federation_callback,
    federation_logout,
    firms,
    metadata,
    proofing,
    register,
    revoke,
    sign_in,
    sign_out,
    switch,
    token,
    userinfo,
)
from identity.http.confirmations import confirming
from identity.http.names import naming
from identity.http.parts import Parts
from identity.http.teller import telling


@asynccontextmanager
async def _work(parts: Parts) -> AsyncIterator[None]:
    """What goes on beside requests: parties are told of sessions that ended, homes are asked about their people's, names are read."""
    async with naming(parts), telling(parts), confirming(parts):
        yield


def build(parts: Parts) -> Starlette:
    checks: Checks = {"database": parts.database.ping}
    app = Starlette(
        routes=[
            Route("/sign-in", sign_in.SignIn),
            Route("/sign-out", sign_out.sign_out, methods=["POST"]),
            Route("/register", register.Register),
            Route("/registered", register.registered, methods=["GET"]),
            Route("/authorize", authorize.authorize, methods=["GET", "POST"]),
            Route("/proofing", proofing.Proofing),
            Route("/acting-for", acting_for.ActingFor),
            Route("/firms", firms.Firms),
            Route("/firms/{firm}/mandates", firms.give, methods=["POST"]),
            Route("/firms/{firm}/mandates/{mandate}/end", firms.end, methods=["POST"]),
            Route("/token", token.token, methods=["POST"]),
            Route("/revoke", revoke.revoke, methods=["POST"]),
            Route("/userinfo", userinfo.userinfo, methods=["GET", "POST"]),
            Route("/end-session", end_session.end_session, methods=["GET", "POST"]),
            Route("/account/sessions", account_sessions.listed, methods=["GET"]),
            Route("/account/sessions/{sid}/end", account_sessions.ended, methods=["POST"]),
            Route("/jwks.json", metadata.keys, methods=["GET"]),
            Route("/.well-known/openid-configuration", metadata.metadata, methods=["GET"]),
            Route("/.well-known/oauth-authorization-server", metadata.metadata, methods=["GET"]),
            Route("/federation/sign-in", switch.federation_sign_in, methods=["GET"]),
            Route(switch.CALLBACK, federation_callback.federation_callback, methods=["GET"]),
            Route("/federation/backchannel-logout", federation_logout.federation_logout, methods=["POST"]),
            *(Route(path, health_page(path, checks), methods=["GET"]) for path in ("/livez", "/readyz")),
        ],
        lifespan=lambda _: _work(parts),
    )
    app.router.redirect_slashes = False
    app.state.parts, app.state.checks = parts, checks
    app.state.key_guard = parts.key_guard()
    envelope(app)
    app.add_middleware(BehindProxies, trusted=parts.settings.trusted_proxies)
    return app
