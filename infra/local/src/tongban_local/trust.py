"""The alliance on one machine: a root key, the registry it signs, and agreements that both parties sign.

In the field the alliance signs the registry elsewhere and each pair of districts signs its agreement; here one folder holds
every key. What services get are the same signed files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path

from courier import keys, registry_file
from courier.domain.agreements import ANYTHING
from courier.domain.registry import Member, Registry

from tongban_local.account import own, own_folder
from tongban_local.installation import Installation

#: A registry that ends sooner is signed again.
_RENEW = timedelta(days=30)


class Trust:
    """The folder `alliance` of an environment."""

    def __init__(self, environment: Path) -> None:
        self.folder = own_folder(environment / "alliance")
        self.registry = self.folder / "registry.json"
        self.root_public = self.folder / "root.pub.jwk"

    def agreement(self, one: str, other: str) -> Path:
        """The signed agreement of two districts."""
        low, high = sorted((one, other))
        return self.folder / f"agreement-{low}-{high}.json"

    def agreements_of(self, code: str) -> list[Path]:
        """Every agreement that `code` is a party of."""
        return sorted(path for path in self.folder.glob("agreement-*.json") if code in path.stem.split("-"))

    def sign(self, places: Sequence[Installation]) -> bool:
        """Signs what is new: a member, an address, a key, an agreement. Returns whether anything was."""
        root = keys.make_root(self.folder)
        now = datetime.now(UTC).replace(microsecond=0)
        for place in places:
            keys.make_district_keys(place.courier_keys, now)
        fresh = self._sign_registry([self._member(place, now) for place in places], root, now)
        for one, other in combinations(places, 2):
            if one.facts.is_linked(other.facts) and not self.agreement(one.code, other.code).exists():
                self._sign_agreement(one, other, now)
                fresh = True
        own(self.folder, *(place.courier_keys for place in places))
        return fresh

    def _sign_registry(self, members: Sequence[Member], root: keys.RootKey, now: datetime) -> bool:
        previous = self._previous(root)
        if previous is None:
            made = registry_file.registry(members, version=1, now=now)
        else:
            same = all(_alike(previous.members.get(member.code), member) for member in members)
            if same and previous.expires_at > now + _RENEW:
                return False
            made = registry_file.succeed(previous, members, now=now)
        self.registry.write_text(registry_file.sign_registry(made, root))
        return True

    def _previous(self, root: keys.RootKey) -> Registry | None:
        return registry_file.read_registry(self.registry.read_text(), root.public) if self.registry.exists() else None

    def _member(self, place: Installation, now: datetime) -> Member:
        shown = list(keys.public_keys(place.courier_keys))
        # Everybody's listener is verified with the authority that issued its certificate.
        shown.append(keys.tls_key(place.authority.read_text(), now))
        return registry_file.member(
            place.code,
            name_zh=place.facts.name_zh,
            name_en=place.facts.name_en,
            broker=place.courier_address,
            issuer=place.issuer,
            keys=shown,
            relation=place.facts.relation,
            linked_to=place.facts.linked_to,
        )

    def _sign_agreement(self, one: Installation, other: Installation, now: datetime) -> None:
        """Either may open anything at the other, as an agreement for trying things out says."""
        opens = {place.code: [ANYTHING] for place in (one, other)}
        made = registry_file.agreement(one.code, other.code, version=1, opens=opens, valid_from=now - keys.MARGIN)
        text = ""
        for place in (one, other):
            text = registry_file.sign_agreement(made, _signing_key(place), text)
        self.agreement(one.code, other.code).write_text(text)


def _signing_key(place: Installation) -> dict[str, object]:
    return next(key for key in keys.read_district_keys(place.courier_keys) if key["use"] == keys.SIGNING)


def _alike(known: Member | None, fresh: Member) -> bool:
    """Whether nothing but dates differs, and every key shown now was shown before."""
    if known is None or replace(known, keys=()) != replace(fresh, keys=()):
        return False
    return {key.kid for key in fresh.keys} <= {key.kid for key in known.keys if key.valid_until is None}
