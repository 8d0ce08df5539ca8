"""Who a client is: by the key that it signs with (private_key_jwt, RFC 7523), the only proof there is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from chassis.logs import get_logger

from identity.adapters.assertions import claimed_client, claimed_key, verify_assertion
from identity.adapters.storage import Storage
from identity.domain.errors import ClientRefused, HomeAnswerRefused, HomeAway, NotAPeer, RegistryExpired
from identity.domain.model import Client
from identity.domain.parties import RelyingParty
from identity.usecases.accept_assertion import accept_assertion

if TYPE_CHECKING:
    from identity.http.parts import Parts

log = get_logger(__name__)

_PEER = re.compile(r"[0-9]{6}")
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


async def know_peer(parts: Parts, fields: Mapping[str, str]) -> None:
    """Reads the keys of the peer that an assertion claims to be from, so that it can be proven; nothing is believed by that."""
    assertion = fields.get("client_assertion")
    if not assertion:
        return
    try:
        client_id = claimed_client(assertion)
        if not _PEER.fullmatch(client_id):
            return
        await parts.homes.key(await parts.peer(client_id), claimed_key(assertion))
    except (ClientRefused, HomeAway, HomeAnswerRefused, NotAPeer, RegistryExpired) as error:
        log.info("a peer's keys were not read", code=error.code)


def proven_client(parts: Parts, work: Storage, fields: Mapping[str, str]) -> Client | RelyingParty:
    """Whoever signed the assertion, which is used up by that. Raises ClientRefused."""
    if fields.get("client_assertion_type") != ASSERTION_TYPE:
        raise ClientRefused
    assertion = fields.get("client_assertion", "")
    client_id = claimed_client(assertion)
    if "\x00" in client_id or fields.get("client_id", client_id) != client_id:
        raise ClientRefused
    issuer = parts.settings.issuer
    party = parts.party(work, client_id)
    machine = None if party else work.clients.get(client_id)
    keys = party.keys if party else (machine.public_jwk,) if machine else ()
    audiences = (issuer, f"{issuer}/token", f"{issuer}/revoke")
    jti, expires = verify_assertion(assertion, client_id, keys, audiences=audiences, now=parts.now())
    if party is None:
        return accept_assertion(work, client_id, jti, expires)
    if not work.clients.use_assertion(client_id, jti, expires):
        raise ClientRefused
    return party
