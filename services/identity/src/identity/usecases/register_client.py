"""Register a machine that signs in by private_key_jwt."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from identity.domain.errors import ClientExists
from identity.domain.model import Client
from identity.domain.policies import check_client_id, client_roles
from identity.usecases.ports import Work


def register_client(work: Work, client_id: str, public_jwk: str, roles: Iterable[str], *, now: datetime) -> Client:
    """The client; the same id, key and roles again change nothing, so that a caller may repeat.

    `public_jwk` was read and written again by the caller (messages.py), so that equal keys are equal texts.
    Raises InvalidClient, RoleNotForClients, ClientExists.
    """
    check_client_id(client_id)
    client = Client(client_id, public_jwk, client_roles(roles), now)
    if work.clients.add(client):
        return client
    kept = work.clients.get(client_id)
    if kept is None or (kept.public_jwk, kept.roles) != (client.public_jwk, client.roles):
        raise ClientExists
    return kept
