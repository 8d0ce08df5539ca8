"""The web process as an ASGI application: every endpoint on one page."""

from __future__ import annotations

from chassis.edge import envelope, health_page
from chassis.health import Checks
from starlette.applications import Starlette
from starlette.routing import Route

from identity.http import (
    account_sessions,
    acting_for,
    authorize,
    end_session,
    firms,
    metadata,
    proofing,
    register,
    revoke,
    sign_in,
    sign_out,
    token,
    userinfo,
)
from identity.http.parts import Parts
from identity.http.teller import telling


def build(parts: Parts) -> Starlette:
    checks: Checks = {"database": parts.database.ping}
    app = Starlette(
        routes=[
            Route("/sign-in", sign_in.SignIn),
            Route("/sign-out", sign_out.sign_out, methods=["POST"]),
            Route("/register", register.Register),
            Route("/registered", register.registered, methods=["GET"]),
            Route("/authorize", authorize.authorize, methods=["GET"]),
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
            *(Route(path, health_page(path, checks), methods=["GET"]) for path in ("/livez", "/readyz")),
        ],
        lifespan=lambda _: telling(parts),
    )
    app.router.redirect_slashes = False
    app.state.parts, app.state.checks = parts, checks
    envelope(app)
    return app
