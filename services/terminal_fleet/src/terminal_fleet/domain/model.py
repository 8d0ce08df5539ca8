"""A kiosk: who owns it, where it stands, and whether it lives."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any


class Placement(StrEnum):
    """Whether the host district agrees to the kiosk in its hall."""

    OFFERED = "offered"
    CONFIRMED = "confirmed"
    DECLINED = "declined"


class Health(StrEnum):
    """What its heartbeats say of a kiosk."""

    NEVER_SEEN = "never_seen"
    ONLINE = "online"
    SILENT = "silent"


@dataclass(frozen=True)
class Kiosk:
    """A kiosk as `district` knows it; the host keeps a copy, which has no client id.

    `version` grows with every change but not with a plain heartbeat, so that a late report is known as one.
    """

    id: str
    district: str
    owner: str
    host: str
    name: str
    place: str
    placement: Placement
    registered_at: datetime
    client_id: str = ""
    #: RFC 7638 thumbprint of the key that its client signs with; "" in the host's copy, and where registered before it was kept.
    key_thumbprint: str = ""
    placement_reason: str = ""
    health: Health = Health.NEVER_SEEN
    last_heartbeat_at: datetime | None = None
    #: Counts the kiosk's heartbeats, by the kiosk.
    sequence: int = 0
    software_version: str = ""
    #: The message that offers the placement, as long as it can still be refused.
    offer_id: str = ""
    attention: str = ""
    version: int = 1

    @property
    def is_copy(self) -> bool:
        return self.owner != self.district

    @property
    def is_hosted_elsewhere(self) -> bool:
        return self.owner == self.district != self.host

    def changed(self, **changes: Any) -> Kiosk:
        """The kiosk after a change that others hear of: one version on."""
        return replace(self, version=self.version + 1, **changes)
