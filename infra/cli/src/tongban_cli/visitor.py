"""A person at a district's web pages, without a browser: follows where pages lead, and signs in at the form as anybody does.

with Visitor.of(environment["320508"], "citizen") as citizen:
    citizen.post("/v1/cases", {...})                    # at the API, as the one who is signed in at the pages
    citizen.switch(environment["310101"])               # by the header's link, with nothing to fill in
    citizen.at(environment["310101"]).get("/v1/cases")  # at the API there, by the session that came of it
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
import time
from copy import copy
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import OKPKey
from tongban_local.installation import Installation

from tongban_cli.client import Person

#: What only a portal's page for somebody whom it knows has: the form that signs out.
_SIGNED_IN = 'action="/sign-out"'
_HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)"')
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_PAGES = {"Accept": "text/html"}


class Asked(Exception):
    """Somebody is not known at a page where they should have been."""


class Visitor(Person):
    """Signed in at the district's portal; tokens for the API come by code and PKCE, as the portal's own do."""

    def __init__(self, place: Installation, login: str) -> None:
        password = place.district.secrets.people[login]
        super().__init__(place.gateway, place.issuer, place.authority, login, password)
        self._place = place

    @classmethod
    def of(cls, place: Installation, login: str) -> Visitor:
        """A sample account of a district that runs here."""
        return cls(place, login)

    def open(self, url: str) -> httpx.Response:
        """The page that `url` leads to. Raises Refused."""
        return self._sent(self._http.get(url, headers=_PAGES, follow_redirects=True))

    def switch(self, to: Installation) -> httpx.Response:
        """Follows the link to the other district's pages. Raises Asked where anything stands between, Refused."""
        self.token()
        home = self.open(self._place.portal)
        link = re.search(rf'href="({re.escape(to.portal)}/[^"]*)"', home.text)
        if link is None:
            raise Asked(f"the pages of {self._place.code} have no link to {to.code}")
        page = self.open(unescape(link[1]))
        if not str(page.url).startswith(to.portal) or _SIGNED_IN not in page.text:
            raise Asked(f"{page.url.copy_with(query=None)} does not know who is signed in in {self._place.code}")
        return page

    def at(self, place: Installation) -> Visitor:
        """The same browser at a district that it switched to: its pages and API there. Closed with this one."""
        there = copy(self)
        there._place, there._gateway, there._issuer = place, place.gateway, place.issuer
        there._ends = 0.0  # the token held is another district's
        return there

    def _sign_in(self) -> None:
        """From the portal's link to identity's form, and back."""
        form = self.open(f"{self._place.portal}/sign-in?to=%2F")
        fields = {name: unescape(value) for name, value in _HIDDEN.findall(form.text)}
        fields |= {"login": self._login, "password": self._password}
        page = self._http.post(f"{self._issuer}/sign-in", data=fields, headers=_PAGES, follow_redirects=True)
        if not str(self._sent(page).url).startswith(self._place.portal) or _SIGNED_IN not in page.text:
            raise Asked(f"{page.url.copy_with(query=None)} is not the pages of somebody who signed in")

    def _grant(self) -> dict[str, Any]:
        """Asks who is signed in with no page of its own, and redeems the code with the portal's key. Raises Refused, Asked."""
        verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
        back = f"{self._place.portal}/signed-in"
        asked = {
            "response_type": "code",
            "client_id": "portal",
            "redirect_uri": back,
            "scope": "openid api",
            "state": state,
            "nonce": secrets.token_urlsafe(16),
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
            "prompt": "none",
        }
        answer = self._http.get(f"{self._issuer}/authorize?{urlencode(asked)}", headers=_PAGES)
        told = parse_qs(urlsplit(answer.headers.get("location", "")).query)
        if told.get("state") != [state] or told.get("iss") != [self._issuer] or "code" not in told:
            raise Asked(f"/authorize: {answer.status_code} {told.get('error', ['no code'])[0]}")
        fields = {
            "grant_type": "authorization_code",
            "code": told["code"][0],
            "redirect_uri": back,
            "code_verifier": verifier,
            "client_id": "portal",
            "client_assertion_type": _ASSERTION,
            "client_assertion": self._assertion(),
        }
        return self._redeemed(self._http.post(f"{self._issuer}/token", data=fields))

    def _assertion(self) -> str:
        """RFC 7523: who redeems is the portal, whose key lies in the district's folder."""
        key = OKPKey.import_key(json.loads(self._place.portal_key.read_text()))
        now = int(time.time())
        claims: dict[str, Any] = {"iss": "portal", "sub": "portal", "aud": self._issuer}
        claims |= {"jti": secrets.token_urlsafe(16), "iat": now, "exp": now + 60}
        return jwt.encode({"alg": "EdDSA", "kid": str(key.kid)}, claims, key, algorithms=["EdDSA"])


def _challenge(verifier: str) -> str:
    """RFC 7636 section 4.2, S256."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
