"""The OpenID provider of one request: Authlib's server and grants on the use cases, in one transaction.

What Authlib leaves open is closed here: PKCE with S256 for every client, exact redirect URIs, `iss` in every answer of the
authorization endpoint (RFC 9207), codes redeemed once, refresh tokens rotated, ID tokens that keep auth_time and sid.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from authlib.common.urls import add_params_to_uri
from authlib.oauth2.rfc6749 import (
    AuthorizationServer,
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
    OAuth2Request,
)
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, RefreshTokenGrant
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc7636.challenge import compare_s256_code_challenge

from identity.adapters.storage import Storage
from identity.adapters.token_keys import Holder, seconds_of
from identity.domain.errors import ClientRefused
from identity.domain.federation import home_of
from identity.domain.grants import CODE_LIFETIME, Code, Grant
from identity.domain.model import Account, Session
from identity.domain.parties import RelyingParty, Scope, granted_scope
from identity.domain.policies import secret_key
from identity.http.clients import proven_client
from identity.http.forms import new_secret
from identity.http.oauth import Answer, FormRequest, PartyClient
from identity.http.parts import Parts
from identity.usecases.act_for import firm_name
from identity.usecases.redeem_code import account_of, find_code, redeem_code
from identity.usecases.rotate_refresh import rotate_refresh

#: How a relying party may prove who it is.
METHODS = ["private_key_jwt", "none"]
_REFUSED = "It is unknown, used up or expired, was given to another client, or the person has signed out."


@dataclass(frozen=True)
class SignedIn:
    """Whose browser asks."""

    session: Session
    account: Account


class Provider(AuthorizationServer):  # type: ignore[misc]
    """Made for one request and its transaction."""

    def __init__(self, parts: Parts, work: Storage) -> None:
        super().__init__()
        self.parts, self.work, self.now = parts, work, parts.now()
        self.register_grant(CodeGrant, [S256(required=True)])
        self.register_grant(RefreshGrant)
        self.register_client_auth_method("private_key_jwt", self._by_key)

    def query_client(self, client_id: str) -> PartyClient | None:
        party = self.parts.party(self.work, client_id)
        return PartyClient(party) if party else None

    def create_oauth2_request(self, request: FormRequest) -> FormRequest:
        return request

    def save_token(self, token: dict[str, Any], request: OAuth2Request) -> None:
        """Nothing: access and ID tokens prove themselves, refresh tokens are kept where they are made."""

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""

    def handle_response(self, status: int, body: Any, headers: list[tuple[str, str]]) -> Answer:
        """Whatever goes back to a relying party's address names us (RFC 9207 section 2)."""
        answer = Answer(status, body, headers)
        if answer.location:
            issuer = self.parts.settings.issuer
            answer.headers = [("Location", add_params_to_uri(answer.location, [("iss", issuer)]))]
        return answer

    def tokens(
        self, party: RelyingParty, grant: Grant, account: Account, scope: str, nonce: str = ""
    ) -> dict[str, Any]:
        """What the token endpoint answers (OpenID Connect Core section 3.1.3.3)."""
        subject = self.parts.subject_for(party, account.subject)
        acting_for = self._acting_for(grant) if subject == account.subject else ""
        holder = Holder(
            subject=subject,
            client_id=party.client_id,
            roles=[role.value for role in account.roles],
            scope=scope,
            acr=grant.acr,
            signed_in_at=grant.auth_time,
            sid=grant.sid,
            grant=grant.id,
            acting_for=acting_for,
            home=home_of(account.subject),
            until=self.parts.until(self.work, grant.sid),
        )
        access_token = self.parts.signer.access_token(holder, self.now)
        claims: dict[str, Any] = {"auth_time": int(grant.auth_time.timestamp()), "acr": grant.acr, "sid": grant.sid}
        if acting_for:
            claims |= {
                "acting_for": acting_for,
                "acting_for_name": firm_name(self.work, account, acting_for, now=self.now),
            }
        id_token = self.parts.signer.id_token(
            party, subject, access_token, self.now, **claims, **({"nonce": nonce} if nonce else {})
        )
        answer = {
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": seconds_of(holder, self.now),
            "scope": scope,
            "id_token": id_token,
        }
        if Scope.OFFLINE_ACCESS in grant.scope.split():
            refresh_token = new_secret()
            self.work.grants.add_refresh(secret_key(refresh_token), grant, self.now)
            answer["refresh_token"] = refresh_token
        return answer

    def _acting_for(self, grant: Grant) -> str:
        """The firm that the person chose in this session; told to nobody who knows the person by another subject."""
        session = self.work.sessions.by_sid(grant.sid)
        return session.acting_for if session else ""

    def _by_key(self, _query: object, request: FormRequest) -> PartyClient | None:
        """Raises ClientRefused, also for a machine's client: that one has nobody's sign-in to redeem."""
        if not request.form.get("client_assertion") and not request.form.get("client_assertion_type"):
            return None
        client = proven_client(self.parts, self.work, request.form)
        if not isinstance(client, RelyingParty):
            raise ClientRefused
        return PartyClient(client)


class S256(CodeChallenge):  # type: ignore[misc]
    """PKCE as it has to be: always, and never `plain` (RFC 7636 section 4.2, RFC 9700 section 2.1.1)."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)
    CODE_CHALLENGEMETHODS = {"S256": compare_s256_code_challenge}  # noqa: RUF012  Authlib's own name

    def validate_code_challenge(self, grant: CodeGrant, redirect_uri: str) -> None:
        fields = grant.request.payload.data
        if fields.get("code_challenge_method") != "S256" or len(fields.get("code_challenge", "")) != 43:
            raise InvalidRequestError("A code_challenge with code_challenge_method S256 is needed.")
        super().validate_code_challenge(grant, redirect_uri)

    def get_authorization_code_challenge(self, authorization_code: Redeemed) -> str:
        return authorization_code.code.challenge

    def get_authorization_code_challenge_method(self, authorization_code: Redeemed) -> str:
        return "S256"


@dataclass
class Redeemed:
    """An authorization code that came back."""

    grant: Grant
    code: Code

    def get_redirect_uri(self) -> str:
        return self.code.redirect_uri

    def get_scope(self) -> str:
        return self.grant.scope


class CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]
    """The only way to have a person signed in (RFC 6749 section 4.1)."""

    TOKEN_ENDPOINT_AUTH_METHODS = METHODS
    server: Provider

    @staticmethod
    def validate_authorization_redirect_uri(request: OAuth2Request, client: PartyClient) -> str:
        uri: str = request.payload.redirect_uri or ""
        if not client.check_redirect_uri(uri):
            raise InvalidRequestError("The redirect_uri is none that this client registered.")
        return uri

    def generate_authorization_code(self) -> str:
        return new_secret()

    def save_authorization_code(self, code: str, request: OAuth2Request) -> None:
        signed_in: SignedIn = request.user
        now, fields = self.server.now, request.payload.data
        grant = Grant(
            id=secrets.token_urlsafe(16),
            client_id=request.client.client_id,
            sid=signed_in.session.sid,
            subject=signed_in.account.subject,
            scope=request.scope,
            acr=signed_in.account.acr.value,
            auth_time=signed_in.session.signed_in_at,
            begun_at=now,
        )
        kept = Code(
            key=secret_key(code),
            redirect_uri=request.payload.redirect_uri,
            challenge=fields["code_challenge"],
            nonce=fields.get("nonce", ""),
            expires_at=now + CODE_LIFETIME,
        )
        self.server.work.grants.add(grant, kept)

    def query_authorization_code(self, code: str, client: PartyClient) -> Redeemed | None:
        found = find_code(self.server.work, code, client.client_id, now=self.server.now)
        return Redeemed(*found) if found else None

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        kept: Redeemed = self.request.authorization_code
        redeemed = redeem_code(self.server.work, kept.grant, now=self.server.now, silence=self.server.parts.silence)
        if redeemed is None:
            raise InvalidGrantError(_REFUSED)
        grant, account = redeemed
        return 200, self.server.tokens(self.request.client.party, grant, account, grant.scope, kept.code.nonce), []


class RefreshGrant(RefreshTokenGrant):  # type: ignore[misc]
    """A next token for the one before, as long as the session is open (RFC 6749 section 6)."""

    TOKEN_ENDPOINT_AUTH_METHODS = METHODS
    server: Provider

    def validate_token_request(self) -> None:
        self.request.client = self._validate_request_client()
        token = self.request.form.get("refresh_token")
        if not token:
            raise InvalidRequestError("The refresh_token is missing.")
        grant = rotate_refresh(self.server.work, token, self.request.client.client_id, now=self.server.now)
        account = (
            account_of(self.server.work, grant, now=self.server.now, silence=self.server.parts.silence)
            if grant
            else None
        )
        if grant is None or account is None:
            raise InvalidGrantError(_REFUSED)
        self.request.refresh_token, self.request.user = grant, account

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        grant: Grant = self.request.refresh_token
        party: RelyingParty = self.request.client.party
        scope = grant.scope
        if asked := self.request.payload.scope:
            narrowed = granted_scope(party, asked)
            if narrowed is None or not set(narrowed.split()) <= set(grant.scope.split()):
                raise InvalidScopeError
            scope = narrowed
        self.server.work.grants.save(grant)
        return 200, self.server.tokens(party, grant, self.request.user, scope), []
