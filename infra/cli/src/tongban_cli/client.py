"""A person in front of a district's public pages and API: signs in as a browser does, and calls the gateway.

gusu = Person.of(environment["320508"], "citizen")
case = gusu.post("/v1/cases", {...}, key="…")
"""

from __future__ import annotations

import re
import ssl
import time
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import httpx
from tongban_local.installation import Installation

#: A token is asked for anew this long before it ends.
_MARGIN_S = 60
#: What a program sends in place of a form's token.
_PROGRAM = {"Tongban-CSRF": "1", "Accept": "application/problem+json"}
#: A firm that the page /acting-for offers: its subject, and its name.
_FIRM = re.compile(r'name="firm" value="([^"]+)".*?<label[^>]*>([^<]+?) <')


class Refused(Exception):
    """The gateway's or identity's problem body (RFC 9457), or OAuth's error: `status`, `code` and a sentence."""

    def __init__(self, answer: httpx.Response) -> None:
        try:
            problem = answer.json()
        except ValueError:
            problem = {}
        self.status = answer.status_code
        self.code = str(problem.get("code", ""))
        self.trace_id = str(problem.get("trace_id", ""))
        super().__init__(
            f"{answer.request.method} {answer.request.url.path}: {self.status} {self.code} "
            f"{problem.get('detail') or problem.get('error_description', '')}"
        )


class Person:
    """One signed-in account of one district."""

    def __init__(self, gateway: str, issuer: str, authority: Path, login: str, password: str) -> None:
        self._gateway, self._issuer = gateway, issuer
        self._login, self._password = login, password
        tls = ssl.create_default_context(cafile=str(authority))
        self._http = httpx.Client(verify=tls, timeout=20, trust_env=False)
        self._token, self._ends = "", 0.0

    @classmethod
    def of(cls, place: Installation, login: str) -> Person:
        """A sample account of a district that runs here."""
        password = place.district.secrets.people[login]
        return cls(place.gateway, place.issuer, place.authority, login, password)

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def get(self, path: str, **parameters: Any) -> Any:
        """The answer's JSON. Raises Refused."""
        return self._call("GET", path, params=parameters).json()

    def post(self, path: str, body: Any | None = None, *, key: str | None = None) -> Any:
        """The answer's JSON; `key` is the idempotency key, a fresh one unless given. Raises Refused."""
        return self._call("POST", path, json=body, headers={"Idempotency-Key": key or str(uuid4())}).json()

    def answer(self, method: str, path: str, **options: Any) -> httpx.Response:
        """The bare answer, whatever its status."""
        options["headers"] = {**options.get("headers", {}), "Authorization": f"Bearer {self.token()}"}
        return self._http.request(method, self._gateway + path, **options)

    def token(self) -> str:
        """An access token that is good for another minute at least."""
        if time.monotonic() > self._ends - _MARGIN_S:
            if not self._token:
                self._sign_in()
            token = self._grant()
            self._token, self._ends = token["access_token"], time.monotonic() + token["expires_in"]
        return self._token

    def firms(self) -> dict[str, str]:
        """Whom this person may act for, as the page offers it: subject → name. Raises Refused."""
        self.token()
        return dict(_FIRM.findall(self._sent(self._http.get(f"{self._issuer}/acting-for")).text))

    def act_for(self, firm: str) -> None:
        """From now on this person's tokens say that they act for that firm; "": for themself. Raises Refused."""
        self.choose("/acting-for", firm=firm)
        self._ends = 0.0

    def choose(self, path: str, **fields: str) -> None:
        """Sends a form of identity's pages. Raises Refused."""
        self.token()
        headers = _PROGRAM | {"Content-Type": "application/x-www-form-urlencoded"}  # also where no field is sent
        self._sent(self._http.post(self._issuer + path, data=fields, headers=headers))

    @staticmethod
    def _sent(answer: httpx.Response) -> httpx.Response:
        if answer.is_error:
            raise Refused(answer)
        return answer

    def _grant(self) -> dict[str, Any]:
        """A token for whoever is signed in here. Raises Refused."""
        fields, headers = {"grant_type": "urn:tongban:session"}, {"Tongban-CSRF": "1"}
        return self._redeemed(self._http.post(f"{self._issuer}/token", data=fields, headers=headers))

    @staticmethod
    def _redeemed(answer: httpx.Response) -> dict[str, Any]:
        found: dict[str, Any] = Person._sent(answer).json()
        return found

    def _call(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self._sent(self.answer(method, path, **options))

    def _sign_in(self) -> None:
        """Sends the sign-in form; the session cookie stays in this client."""
        fields = {"login": self._login, "password": self._password}
        self._sent(self._http.post(f"{self._issuer}/sign-in", data=fields, headers=_PROGRAM))
