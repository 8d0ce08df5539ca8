"""A call through the gateway, as a person would make it: for `helm test`, with nothing but the standard library.

Without an account it asks as a stranger and must be refused in the API's own words. With one (LOGIN and PASSWORD) it signs
in, gets a token and asks for items, which the gateway asks of the catalogue over the bus.
"""

from __future__ import annotations

import http.cookiejar
import json
import os
import ssl
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

PATIENCE_S = float(os.environ.get("PATIENCE_S", "120"))


class Wrong(Exception):
    """What was not as it should be."""


class Person:
    """A browser's worth: cookies, the header against forged forms, one authority."""

    def __init__(self, authority: str) -> None:
        context = ssl.create_default_context(cafile=authority)
        jar = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=context), urllib.request.HTTPCookieProcessor(jar)
        )

    def ask(self, url: str, form: dict[str, str] | None = None, token: str = "") -> tuple[int, Any]:
        """Status and body; a body that is no JSON is None."""
        headers = {"Tongban-CSRF": "1"} | ({"Authorization": f"Bearer {token}"} if token else {})
        data = urllib.parse.urlencode(form).encode() if form else None
        try:
            with self._opener.open(urllib.request.Request(url, data, headers), timeout=15) as answer:  # noqa: S310
                return answer.status, _json(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, _json(error.read())


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _has_items(page: Any) -> bool:
    return isinstance(page, dict) and isinstance(page.get("items"), list)


def check(gateway: str, issuer: str, person: Person, login: str, password: str) -> str:
    """What was found, as a sentence. Raises Wrong, OSError."""
    items = f"{gateway}/v1/items?size=1"
    status, page = person.ask(items)
    if status != 200 or not _has_items(page):
        raise Wrong(f"a stranger's look into the catalogue was answered {status}")
    status, problem = person.ask(f"{gateway}/v1/cases?size=1")
    if status != 401 or not isinstance(problem, dict) or problem.get("code") != "token.missing":
        raise Wrong(f"a stranger who asks for cases was answered {status}, not 401 token.missing")
    if not login:
        return "the catalogue answered through gateway and bus, and a stranger gets no cases; give the test an account to see it sign in"
    status, _ = person.ask(f"{issuer}/sign-in", {"login": login, "password": password})
    if status >= 400:
        raise Wrong(f"signing in was answered {status}")
    status, told = person.ask(f"{issuer}/token", {"grant_type": "urn:tongban:session"})
    if status != 200 or not isinstance(told, dict):
        raise Wrong(f"asking for a token was answered {status}")
    status, page = person.ask(items, token=told["access_token"])
    if status != 200 or not _has_items(page):
        raise Wrong(f"the signed-in call was answered {status}")
    return f"signed in, and the catalogue answered through gateway and bus with {len(page['items'])} items"


def main() -> int:
    """Asks until it is as it should be, or patience ends: a release that was just installed is still starting."""
    told = os.environ
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            person = Person(told["CA_FILE"])
            found = check(told["GATEWAY"], told["ISSUER"], person, told.get("LOGIN", ""), told.get("PASSWORD", ""))
            sys.stdout.write(f"{found}\n")
            return 0
        except (Wrong, OSError) as error:
            if time.monotonic() >= until:
                sys.stderr.write(f"{error}\n")
                return 1
            time.sleep(2)


if __name__ == "__main__":
    sys.exit(main())
