"""The districts whose people may be known here: from the registry that the alliance's root key signed.

A registry that expired works for 24 hours with an alarm, then no other district is believed until the next version is installed;
a suspended district is believed no longer from the moment its version is here (shared with the courier's link).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from identity.domain.errors import NotAPeer, RegistryDiffers, RegistryExpired

#: How long an expired registry is still worked with.
GRACE = timedelta(hours=24)

_ISSUER = re.compile(r"https://[^/?#@\s]+")


@dataclass(frozen=True)
class District:
    """A member of the registry, as far as signing in cares. `issuer` is its provider's."""

    code: str
    name_zh: str
    name_en: str
    issuer: str
    #: Whether it takes part now.
    active: bool
    #: None: linked with the whole alliance; else a bilateral partner of the districts named.
    linked_to: frozenset[str] | None

    @property
    def has_provider(self) -> bool:
        """Whether its issuer is an https origin without a path, as every district's provider has."""
        return _ISSUER.fullmatch(self.issuer) is not None


@dataclass(frozen=True)
class Named:
    """What people call a district."""

    zh: str
    en: str


@dataclass(frozen=True)
class Registry:
    """One version."""

    version: int
    expires_at: datetime
    districts: Mapping[str, District]

    def closed(self, now: datetime) -> bool:
        """Whether it expired too long ago to be worked with."""
        return now >= self.expires_at + GRACE

    def peers(self, home: str, now: datetime) -> list[District]:
        """Every other district whose people may be known at `home` now, by code."""
        if self.closed(now):
            return []
        return [self.districts[code] for code in sorted(self.districts) if self._open(home, code)]

    def peer(self, home: str, code: str, now: datetime) -> District:
        """That district. Raises RegistryExpired, NotAPeer."""
        if self.closed(now):
            raise RegistryExpired
        if not self._open(home, code):
            raise NotAPeer
        return self.districts[code]

    def named(self, code: str) -> Named:
        """The member of that code, whatever its state; the code itself where it is none."""
        found = self.districts.get(code)
        return Named(found.name_zh, found.name_en) if found else Named(code, code)

    def _open(self, home: str, code: str) -> bool:
        one, other = self.districts.get(home), self.districts.get(code)
        if one is None or other is None or home == code or not (one.active and other.active and other.has_provider):
            return False
        return all(this.linked_to is None or that.code in this.linked_to for this, that in ((one, other), (other, one)))


def may_replace(kept: tuple[int, str] | None, offered: int, text: str) -> bool:
    """Whether a version whose signature holds replaces the `kept` one (version, text): only a higher one does.

    Raises RegistryDiffers where the root signed two texts under one number.
    """
    if kept is None or offered > kept[0]:
        return True
    if offered == kept[0] and text != kept[1]:
        raise RegistryDiffers(offered)
    return False
