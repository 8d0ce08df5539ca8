"""The other districts as this provider knows them: from the newest registry that the alliance's root key signed.

Each is a home that people may be known at, and a relying party of this provider under its division code; no file names it.
"""

from __future__ import annotations

import json
from datetime import datetime

from joserfc.jwk import OKPKey

from identity.adapters.homes import Homes
from identity.adapters.registry_copy import kept_copy
from identity.adapters.storage import Storage
from identity.domain.errors import NotAPeer, RegistryExpired
from identity.domain.parties import RelyingParty, Scope
from identity.domain.registry import District, Named, Registry

#: What a peer may ask for: who somebody is, to sign them in there, and a refresh token to confirm that by.
PEER_SCOPES = frozenset({Scope.OPENID, Scope.PROFILE, Scope.IDENTITY, Scope.OFFLINE_ACCESS})
#: Stands in for keys that were not read yet: nobody has its private half, so nothing is believed.
_NOBODY = json.dumps(OKPKey.generate_key("Ed25519", private=True).as_dict(private=False))


class Peers:
    """Reads the registry once a version."""

    def __init__(self, here: str, homes: Homes) -> None:
        self._here, self._homes = here, homes
        self._read: tuple[int, Registry] | None = None

    def look(self, work: Storage) -> None:
        """Reads the newest registry, for names."""
        self._registry(work)

    def named(self, code: str) -> Named:
        """What people call that district, as the registry read last has it; nothing is asked, so also while the database is away."""
        return self._read[1].named(code) if self._read else Named(code, code)

    def all(self, work: Storage, now: datetime) -> list[District]:
        """Every open peer, by code; none without a registry that counts."""
        registry = self._registry(work)
        return registry.peers(self._here, now) if registry else []

    def of(self, work: Storage, code: str, now: datetime) -> District:
        """Raises NotAPeer, RegistryExpired."""
        registry = self._registry(work)
        if registry is None:
            raise NotAPeer
        return registry.peer(self._here, code, now)

    def by_issuer(self, work: Storage, issuer: str, now: datetime) -> District:
        """Raises NotAPeer."""
        found = next((peer for peer in self.all(work, now) if peer.issuer == issuer), None)
        if found is None:
            raise NotAPeer
        return found

    def party(self, work: Storage, client_id: str, now: datetime) -> RelyingParty | None:
        """The peer as a relying party; None where it is none. Its keys are those that were read last (`know_peer`)."""
        try:
            peer = self.of(work, client_id, now)
        except (NotAPeer, RegistryExpired):
            return None
        keys = tuple(json.dumps(dict(key)) for key in self._homes.known_keys(peer))
        return RelyingParty(
            client_id=peer.code,
            name={"zh": peer.name_zh, "en": peer.name_en},
            redirect_uris=(f"{peer.issuer}/federation/callback",),
            scopes=PEER_SCOPES,
            backchannel_logout_uri=f"{peer.issuer}/federation/backchannel-logout",
            keys=keys or (_NOBODY,),
            sector=peer.code,
        )

    def _registry(self, work: Storage) -> Registry | None:
        newest = work.registry.newest()
        if newest is None:
            return None
        if self._read is None or self._read[0] != newest[0]:
            self._read = newest[0], kept_copy(newest[1])
        return self._read[1]
