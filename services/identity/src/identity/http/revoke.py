"""POST /revoke: a relying party gives back a refresh token, and with it everything that came of the same code (RFC 7009).

An access token cannot be taken back: it is good for its ten minutes wherever it is shown, or as long as the session.
"""

from __future__ import annotations

from dataclasses import dataclass

from authlib.oauth2.rfc6749 import InvalidRequestError, OAuth2Request, UnsupportedTokenTypeError
from authlib.oauth2.rfc7009 import RevocationEndpoint
from starlette.requests import Request
from starlette.responses import Response

from identity.adapters.storage import Storage
from identity.domain.errors import TokenRefused
from identity.domain.grants import Grant
from identity.domain.policies import secret_key
from identity.http.clients import know_peer
from identity.http.forms import read_form
from identity.http.oauth import Answer, FormRequest, PartyClient
from identity.http.oauth_errors import answered, refused
from identity.http.parts import Parts
from identity.http.provider import METHODS, Provider


@dataclass
class Given:
    """A refresh token that is known here."""

    grant: Grant

    def check_client(self, client: PartyClient) -> bool:
        return client.client_id == self.grant.client_id


class Revocation(RevocationEndpoint):  # type: ignore[misc]  # Authlib has no types
    """Answers 200 for what nobody was given, too: it is not good any more (section 2.2)."""

    CLIENT_AUTH_METHODS = METHODS
    server: Provider

    def check_params(self, request: OAuth2Request, client: PartyClient) -> None:
        """A hint about the token's kind may be wrong or missing (section 2.1); we look ourselves."""
        if not request.form.get("token"):
            raise InvalidRequestError("The token is missing.")

    def query_token(self, token: str, token_type_hint: str | None) -> Given | None:
        found = self.server.work.grants.by_refresh(secret_key(token))
        if found:
            return Given(found[0])
        try:
            self.server.parts.signer.believed(token, "at+jwt")
        except TokenRefused:
            return None
        raise UnsupportedTokenTypeError

    def revoke_token(self, token: Given, request: OAuth2Request) -> None:
        self.server.work.grants.save(token.grant.ended(self.server.now))


async def revoke(request: Request) -> Response:
    """200 with nothing, or OAuth's error."""
    parts = Parts.of(request)
    try:
        fields = await read_form(request)
        await know_peer(parts, fields)
        asked = FormRequest("POST", f"{parts.settings.issuer}/revoke", fields)

        def give_back(work: Storage) -> Answer:
            provider = Provider(parts, work)
            provider.register_endpoint(Revocation)
            made: Answer = provider.create_endpoint_response(Revocation.ENDPOINT_NAME, asked)
            return made

        return answered(await parts.within(give_back))
    except Exception as error:
        return refused(error)
