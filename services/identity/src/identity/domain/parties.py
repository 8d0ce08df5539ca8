"""Relying parties: who may have people of this district signed in, and what each may learn or do with that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Scope(StrEnum):
    """What a relying party may ask for."""

    OPENID = "openid"
    #: Masked name, kind, roles and home district.
    PROFILE = "profile"
    #: Name and ID number in clear: for peers alone.
    IDENTITY = "identity"
    #: A refresh token, good as long as the session is.
    OFFLINE_ACCESS = "offline_access"
    #: To call the gateway as the person.
    API = "api"
    #: The same, and only to read.
    API_READ = "api.read"


#: With one of these a token is for the gateway too.
FOR_THE_GATEWAY = frozenset({Scope.API, Scope.API_READ})


@dataclass(frozen=True)
class RelyingParty:
    """An OAuth client that people sign in to (RFC 6749 section 2): the portal, a peer, another site of the district."""

    client_id: str
    #: `zh` and `en`, as pages show it.
    name: Mapping[str, str] = field(hash=False)
    #: Compared as strings, character by character (RFC 9700 section 2.1).
    redirect_uris: tuple[str, ...]
    scopes: frozenset[Scope]
    post_logout_redirect_uris: tuple[str, ...] = ()
    #: Where it is told that a session ended; empty: nowhere.
    backchannel_logout_uri: str = ""
    #: Public keys that its assertions are signed with, each a JSON Web Key; none: a public client, which proves nothing.
    keys: tuple[str, ...] = ()
    #: Within which people have one pairwise subject (OpenID Connect Core section 8.1); empty: their own subject.
    sector: str = ""
    #: Algorithm of its ID and logout tokens.
    signed_with: str = "EdDSA"

    @property
    def public(self) -> bool:
        return not self.keys


def granted_scope(party: RelyingParty, asked: str) -> str | None:
    """The scope in the order of `Scope`; None where it lacks `openid`, or asks for what this party may not have."""
    wanted = set(asked.split(" ")) - {""}
    if Scope.OPENID not in wanted or not wanted <= set(party.scopes):
        return None
    return " ".join(scope for scope in Scope if scope in wanted)
