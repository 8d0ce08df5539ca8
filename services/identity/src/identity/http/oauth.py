"""Authlib's authorization server on Starlette: a request as it reads one, and an answer as it makes one.

Its server is synchronous, so an endpoint reads the form first and then runs it in a thread, in one transaction of the
database: what it decides is committed whether the answer is a token or OAuth's error, and undone by any other error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from authlib.oauth2.rfc6749 import ClientMixin, OAuth2Request
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload

from identity.domain.parties import RelyingParty, Scope, granted_scope

CODE_GRANT, REFRESH_GRANT = "authorization_code", "refresh_token"


class FormRequest(OAuth2Request):  # type: ignore[misc]  # Authlib has no types
    """The fields of a query or a form, each once (forms.py and authorize.py saw to that)."""

    def __init__(self, method: str, uri: str, fields: Mapping[str, str]) -> None:
        super().__init__(method, uri)
        self.payload = BasicOAuth2Payload(dict(fields))

    @property
    def form(self) -> Mapping[str, str]:
        found: Mapping[str, str] = self.payload.data
        return found

    args = form


@dataclass
class Answer:
    """Status, body and headers, to be made a response outside the thread."""

    status: int
    body: Any
    headers: Sequence[tuple[str, str]]

    @property
    def location(self) -> str:
        return next((value for name, value in self.headers if name.lower() == "location"), "")


class PartyClient(ClientMixin):  # type: ignore[misc]
    """A relying party, as Authlib asks for one."""

    def __init__(self, party: RelyingParty) -> None:
        self.party, self.client_id = party, party.client_id

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> None:
        """None: the request names one, whatever is registered (RFC 9700 section 4.1)."""

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri in self.party.redirect_uris

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        offline = grant_type == REFRESH_GRANT and Scope.OFFLINE_ACCESS in self.party.scopes
        return offline or grant_type == CODE_GRANT

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == ("none" if self.party.public else "private_key_jwt")

    def get_allowed_scope(self, scope: str | None) -> str | None:
        return granted_scope(self.party, scope or "")
