"""A relying party's request that waits while somebody signs in: sealed into the address, so that nothing of it can be changed.

Where the browser goes after the sign-in is always our own /authorize, which checks the request again: no address that comes
in with a form or a query is ever gone to.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from chassis.sealed import FieldCipher, FieldKeys, SealBroken

#: How long somebody may take to sign in; after that they begin again at the site they came from.
LASTS = timedelta(minutes=30)
FIELD = "pending"
_PLACE = "authorize/pending"
LONGEST = 12_000


@dataclass(frozen=True)
class Pending:
    """The request's fields, and when it came."""

    fields: Mapping[str, str]
    asked_at: datetime

    @property
    def prompts(self) -> frozenset[str]:
        """What the request says of pages (OpenID Connect Core section 3.1.2.1)."""
        return frozenset(self.fields.get("prompt", "").split())

    @property
    def wants_sign_in(self) -> bool:
        """Whether only a sign-in since the request answers it. An account is selected by signing in with it."""
        return not self.prompts.isdisjoint({"login", "select_account"})


class PendingRequests:
    """Seals and opens them, with keys that only this district's web processes have."""

    def __init__(self, keys: FieldKeys) -> None:
        self._cipher = FieldCipher(keys)

    def seal(self, pending: Pending) -> str:
        text = json.dumps([pending.asked_at.timestamp(), dict(pending.fields)])
        return base64.urlsafe_b64encode(self._cipher.seal(text, _PLACE)).decode()

    def open(self, sealed: str, now: datetime) -> Pending | None:
        """None where it is none of ours, or too old."""
        try:
            asked, fields = json.loads(self._cipher.open(base64.urlsafe_b64decode(sealed[:LONGEST]), _PLACE))
        except (SealBroken, ValueError):
            return None
        asked_at = datetime.fromtimestamp(asked, UTC)
        return Pending(fields, asked_at) if asked_at <= now < asked_at + LASTS else None


def sign_in_address(sealed: str) -> str:
    """The page that signs somebody in and then goes on with the request."""
    return f"/sign-in?{urlencode({FIELD: sealed})}"


def going_on(sealed: str) -> str:
    """Where a browser goes once somebody has signed in: on with the request, or to the page that says who is signed in."""
    return f"/authorize?{urlencode({FIELD: sealed})}" if sealed else "/sign-in"
