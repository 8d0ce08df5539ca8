"""Let a client in whose assertion was verified: once."""

from __future__ import annotations

from datetime import datetime

from identity.domain.errors import ClientRefused
from identity.domain.model import Client
from identity.usecases.ports import Work


def accept_assertion(work: Work, client_id: str, jti: str, expires_at: datetime) -> Client:
    """The client. Raises ClientRefused where it is not enabled, or the assertion was used before (RFC 7523 section 3)."""
    client = work.clients.get(client_id)
    if client is None or not client.enabled or not work.clients.use_assertion(client_id, jti, expires_at):
        raise ClientRefused
    return client
