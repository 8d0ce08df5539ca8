"""Somebody's browser as the redirects of signing in need one: cookies by their rules, redirects followed, our form filled in."""

from __future__ import annotations

import ssl
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx

from .district import PASSWORD

_FAR = 20


class _Form(HTMLParser):
    """The hidden fields of a page's forms."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag == "input" and told.get("type") == "hidden" and told.get("name"):
            self.hidden[str(told["name"])] = told.get("value") or ""


class Browser(httpx.Client):
    """`stops_at`: an address of a party that no server listens at; the way ends before it."""

    def __init__(self, authority: Path, stops_at: str = "") -> None:
        context = ssl.create_default_context(cafile=str(authority))
        super().__init__(verify=context, headers={"Accept": "text/html"}, timeout=60, trust_env=False)
        self._stops_at = stops_at

    def go(self, url: str, method: str = "GET", **more: Any) -> httpx.Response:
        """Follows redirects until there is a page, or the address that nobody listens at; `history` has the way."""
        way: list[httpx.Response] = []
        answer = self.request(method, url, **more)
        while answer.next_request is not None and not (
            self._stops_at and self.leads_to(answer).startswith(self._stops_at)
        ):
            way.append(answer)
            assert len(way) < _FAR, [str(step.url) for step in way]
            answer = self.send(answer.next_request)
        answer.history = way
        return answer

    @staticmethod
    def leads_to(answer: httpx.Response) -> str:
        """Where a redirect leads."""
        assert answer.next_request is not None, (answer.status_code, str(answer.url), answer.text[-800:])
        return str(answer.next_request.url)

    def sign_in(self, page: httpx.Response, login: str = "citizen") -> httpx.Response:
        """At the form that `page` shows."""
        assert 'name="password"' in page.text, (page.status_code, str(page.url), page.text[-800:])
        form = _Form()
        form.feed(page.text)
        fields = form.hidden | {"login": login, "password": PASSWORD}
        return self.go(str(page.url.join("/sign-in")), "POST", data=fields)

    def open(self, issuer: str, login: str = "citizen") -> None:
        """Signs in at the provider itself."""
        assert self.sign_in(self.go(f"{issuer}/sign-in"), login).status_code == 200

    def sign_out(self, issuer: str) -> None:
        assert self.post(f"{issuer}/sign-out", headers={"Tongban-CSRF": "1"}).status_code == 303
