"""Identity and gateway as the portal's tests have them: small servers that are strict about what they are sent.

The provider checks what a real one checks (PKCE, the client's assertion, one use of a code and of a refresh token). The
gateway answers in the shapes of the public API's own schemas, so that it cannot promise what the API does not give.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from chassis.clock import FixedClock
from gateway.attachments import attached
from gateway.rules import RULES
from gateway.schemas.cases import Case, Timeline
from gateway.schemas.common import Page
from gateway.schemas.items import Item
from gateway.schemas.notices import InAppMessage
from joserfc import jwt
from joserfc.jwk import KeySet, OKPKey
from portal.adapters.tokens import at_hash
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from tongban.case_routing.v1 import case_routing_pb2

ISSUER = "https://identity.gusu.test"
GATEWAY = "https://gateway.gusu.test"
PORTAL = "https://portal.gusu.test"
CITIZEN = {"sub": "subject-1", "name": "样***", "roles": ["citizen"], "acr": "L4"}
CLERK = {"sub": "subject-2", "name": "窗***", "roles": ["clerk"], "acr": "L5"}


@dataclass
class TestProvider:
    """An OpenID provider for one relying party; `person` is whoever is signed in there, None for nobody."""

    client_key: OKPKey
    clock: FixedClock
    person: dict[str, Any] | None = field(default_factory=lambda: dict(CITIZEN))
    key: OKPKey = field(default_factory=lambda: OKPKey.generate_key("Ed25519", {"kid": "now"}))
    claims: dict[str, Any] = field(default_factory=dict)
    answer: dict[str, str] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    refreshed: int = 0
    refuses: str = ""
    away: bool = False
    sessions: list[dict[str, Any]] = field(default_factory=list)

    __test__ = False

    def __post_init__(self) -> None:
        self._codes: dict[str, dict[str, str]] = {}
        self._jtis: set[str] = set()
        self._count = 0
        self.refresh = ""
        self.app = Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._metadata),
                Route("/jwks.json", self._keys),
                Route("/authorize", self._authorize),
                Route("/token", self._token, methods=["POST"]),
                Route("/userinfo", self._userinfo),
                Route("/end-session", self._end_session),
                Route("/account/sessions", self._sessions),
                Route("/account/sessions/{id}/end", self._end, methods=["POST"]),
            ]
        )

    def _next(self, what: str) -> str:
        self._count += 1
        return f"{what}-{self._count}"

    async def _metadata(self, _: Request) -> Response:
        if self.away:
            return Response(status_code=503)
        names = {
            "authorization_endpoint": "authorize",
            "token_endpoint": "token",
            "userinfo_endpoint": "userinfo",
            "jwks_uri": "jwks.json",
            "end_session_endpoint": "end-session",
        }
        return JSONResponse({"issuer": ISSUER, **{name: f"{ISSUER}/{path}" for name, path in names.items()}})

    async def _keys(self, _: Request) -> Response:
        return JSONResponse(KeySet([self.key]).as_dict(private=False))

    async def _authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        self.asked.append(asked)
        assert asked["response_type"] == "code"
        assert asked["redirect_uri"] == f"{PORTAL}/signed-in"
        assert asked["code_challenge_method"] == "S256"
        told = {"state": asked["state"], "iss": ISSUER}
        if self.person is None:
            told["error"] = "login_required"
        else:
            told["code"] = self._next("code")
            self._codes[told["code"]] = asked
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode({**told, **self.answer})}", 303)

    async def _token(self, request: Request) -> Response:
        if self.away:
            return Response(status_code=503)
        sent = dict((await request.form()).items())
        claims = jwt.decode(str(sent["client_assertion"]), self.client_key, algorithms=["EdDSA"]).claims
        assert (claims["iss"], claims["sub"], claims["aud"]) == ("portal", "portal", ISSUER)
        assert claims["jti"] not in self._jtis
        self._jtis.add(claims["jti"])
        if self.refuses:
            return JSONResponse({"error": self.refuses}, 400)
        if sent["grant_type"] == "authorization_code":
            asked = self._codes.pop(str(sent["code"]), None)
            digest = hashlib.sha256(str(sent["code_verifier"]).encode()).digest()
            shown = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            if asked is None or asked["code_challenge"] != shown:
                return JSONResponse({"error": "invalid_grant"}, 400)
            return JSONResponse(self._answer(asked["nonce"]))
        if sent["refresh_token"] != self.refresh:
            return JSONResponse({"error": "invalid_grant"}, 400)
        self.refreshed += 1
        return JSONResponse(self._answer(None))

    def _answer(self, nonce: str | None) -> dict[str, Any]:
        access, self.refresh = self._next("access"), self._next("refresh")
        claims = {"nonce": nonce} if nonce else {}
        token = self.id_token(access, **claims)
        return {"access_token": access, "token_type": "Bearer", "expires_in": 600, "refresh_token": self.refresh} | (
            {"id_token": token}
        )

    def id_token(self, access: str, **more: Any) -> str:
        assert self.person is not None
        now = int(self.clock.now().timestamp())
        claims = {"iss": ISSUER, "sub": self.person["sub"], "aud": "portal", "iat": now, "exp": now + 600}
        claims |= {name: self.person[name] for name in ("acting_for", "acting_for_name") if name in self.person}
        claims |= {"sid": "sid-1", "acr": self.person["acr"], "at_hash": at_hash(access), **more, **self.claims}
        return self.sign({"typ": "JWT"}, {name: value for name, value in claims.items() if value is not None})

    def logout_token(self, **more: Any) -> str:
        now = int(self.clock.now().timestamp())
        claims = {"iss": ISSUER, "aud": "portal", "iat": now, "exp": now + 120, "jti": self._next("logout")}
        claims |= {"sid": "sid-1", "events": {"http://schemas.openid.net/event/backchannel-logout": {}}, **more}
        claims = {name: value for name, value in claims.items() if value is not None}
        return self.sign({"typ": "logout+jwt"}, claims)

    def sign(self, header: dict[str, str], claims: dict[str, Any], key: OKPKey | None = None) -> str:
        return jwt.encode({"alg": "EdDSA", "kid": "now", **header}, claims, key or self.key, algorithms=["EdDSA"])

    async def _userinfo(self, request: Request) -> Response:
        assert request.headers["authorization"].startswith("Bearer access-")
        return JSONResponse(self.person)

    async def _end_session(self, request: Request) -> Response:
        asked = dict(request.query_params)
        assert asked["client_id"] == "portal"
        assert asked["id_token_hint"]
        return RedirectResponse(f"{asked['post_logout_redirect_uri']}?{urlencode({'state': asked['state']})}", 303)

    async def _sessions(self, _: Request) -> Response:
        return JSONResponse({"sessions": self.sessions})

    async def _end(self, request: Request) -> Response:
        before = len(self.sessions)
        self.sessions = [row for row in self.sessions if row["sid"] != request.path_params["id"]]
        return Response(status_code=204 if len(self.sessions) < before else 404)


def moment(text: str = "2026-11-23T01:00:00+00:00") -> str:
    return text


def an_item(**changes: Any) -> dict[str, Any]:
    item = {
        "code": "310101-5c1dcf41",
        "handling_district": "310101",
        "name_zh": "房产公证",
        "name_en": "notarisation of real estate",
        "audience": "person",
        "theme": "notary",
        "mode": "fully_online",
        "statutory_limit_days": 20,
        "promised_limit_days": 10,
        "materials": [
            {"key": "application_form", "name_zh": "申请表", "name_en": "application form", "required": True},
            {"key": "photo", "name_zh": "照片", "name_en": "photo", "required": False},
        ],
        "source": "a list",
        "provenance": "recalled",
        "terms_provenance": "sample",
        "version": 1,
        "published_at": moment(),
    }
    return Item.model_validate(item | changes).model_dump(mode="json")


def a_case(**changes: Any) -> dict[str, Any]:
    case = {
        "number": "320508-20261123-ABCDEFGH",
        "item_code": "310101-5c1dcf41",
        "item_name_zh": "房产公证",
        "item_name_en": "notarisation of real estate",
        "item_provenance": "recalled",
        "item_mode": "fully_online",
        "intake_district": "320508",
        "handling_district": "310101",
        "state": "received",
        "responsibility": {"holder": "320508", "state": "offered", "offered_to": "310101", "turn": 1},
        "version": 3,
        "due_act": "",
        "attention": "",
        "applicant_kind": "person",
        "applicant_name_masked": "样***",
        "handler_name_masked": "",
        "applicant_id_masked": "1101**********0011",
        "materials": [
            {"key": "application_form", "name": "申请表.txt", "media_type": "text/plain", "size": 6, "sha256": "a" * 64}
        ],
        "materials_open": True,
        "custody": [],
        "decision": None,
        "kiosk_id": "",
        "submitted_at": moment(),
        "received_at": moment(),
        "accepted_at": None,
        "closed_at": None,
        "updated_at": moment(),
    }
    return Case.model_validate(case | changes).model_dump(mode="json")


def a_timeline() -> dict[str, Any]:
    entries = [
        {"at": moment(), "district": "320508", "event": "submitted", "note": "", "version": 1},
        {"at": moment("2026-11-23T01:00:05+00:00"), "district": "310101", "event": "hand_over_taken", "note": "", "version": 2},
    ]  # fmt: skip
    return Timeline.model_validate({"items": entries}).model_dump(mode="json")


def a_message(**changes: Any) -> dict[str, Any]:
    message = {
        "id": "m-1",
        "title": "您的办件已受理 / Your application was accepted",
        "body": "您的办件已受理。\n\nYour application was accepted.",
        "created_at": moment(),
        "read": False,
        "about": "320508-20261123-ABCDEFGH",
    }
    return InAppMessage.model_validate(message | changes).model_dump(mode="json")


def a_file(**changes: Any) -> Response:
    """A material as the API gives it out."""
    material = {
        "name": "申请表.txt",
        "media_type": "text/plain",
        "content": "材料".encode(),
        "sha256": "a" * 64,
    } | changes
    return attached(case_routing_pb2.Material(**material))


def page_of(*rows: dict[str, Any], next: str | None = None) -> dict[str, Any]:
    return Page[dict].model_validate({"items": list(rows), "next": next}).model_dump(mode="json")


def problem(status: int, code: str, detail: str = "Do it otherwise.") -> Response:
    return JSONResponse({"code": code, "detail": detail, "details": {}, "errors": []}, status)


@dataclass
class TestGateway:
    """The public API with canned answers, by "METHOD path"; `calls` is what it was sent."""

    answers: dict[str, Any] = field(default_factory=dict)
    calls: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)

    __test__ = False

    def __post_init__(self) -> None:
        self.app = Starlette(routes=[Route("/{path:path}", self._answer, methods=["GET", "POST"])])
        number = a_case()["number"]
        self.answers |= {
            "GET /v1/items": page_of(an_item()),
            f"GET /v1/items/{an_item()['code']}": an_item(),
            "GET /v1/cases": page_of(a_case()),
            "POST /v1/cases": a_case(),
            f"GET /v1/cases/{number}": a_case(),
            f"GET /v1/cases/{number}/timeline": a_timeline(),
            f"POST /v1/cases/{number}/withdraw": a_case(state="withdrawn"),
            f"GET /v1/cases/{number}/materials/application_form": a_file(),
            "GET /v1/messages": page_of(a_message()),
            "POST /v1/messages/m-1/read": a_message(read=True),
            "GET /v1/worklist": page_of(a_case(due_act="accept")),
        }

    async def _answer(self, request: Request) -> Response:
        body = await request.body()
        name = f"{request.method} {request.url.path}"
        headers = {key: value for key, value in request.headers.items() if key in WANTED}
        self.calls.append((name, headers | dict(request.query_params), json.loads(body) if body else None))
        shown = request.headers.get("authorization")
        if not (shown or "").startswith("Bearer access-") and (shown is not None or not PUBLIC.fullmatch(name)):
            return problem(401, "token.missing")
        found = self.answers.get(name)
        if found is None:
            return problem(404, "case_routing.unknown_case")
        return found if isinstance(found, Response) else JSONResponse(found)

    def sent(self, name: str) -> list[tuple[dict[str, str], Any]]:
        """What was sent to one address: headers and parameters, and the body."""
        return [(headers, body) for called, headers, body in self.calls if called == name]


#: What the gateway's table lets anybody read.
PUBLIC = re.compile("|".join(row.replace("{code}", "[^/]+") for row, rule in RULES.items() if rule.anybody))
WANTED = ("authorization", "idempotency-key", "if-match", "traceparent")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
