"""Installs registries and agreements: signed files that come by command or, a registry, from any member by courier."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Protocol

from courier.domain.agreements import Agreement
from courier.domain.errors import TrustError
from courier.domain.registry import Key, Registry, State, may_replace
from courier.domain.trust import Trust


class TrustWork(Protocol):
    """What installing needs of a transaction."""

    def add_registry(self, registry: Registry, text: str, now: datetime) -> None: ...

    def tell_registry(self, registry: Registry, text: str) -> None: ...

    def agreement_text(self, agreement: Agreement) -> str | None: ...

    def add_agreement(self, agreement: Agreement, text: str, now: datetime) -> None: ...

    def tell_agreement(self, agreement: Agreement, text: str, peer: str, keys: Iterable[tuple[str, Key]]) -> None: ...

    def agreement_texts(self) -> Iterable[tuple[Agreement, str]]:
        """Every installed version as it was signed."""

    def in_flight(self, peer: str) -> list[str]: ...


class LinkWork(Protocol):
    """What opening links needs of a transaction."""

    def open_link(self, peer: str, now: datetime) -> bool: ...

    def close_links(self, except_for: Iterable[str]) -> None: ...


def install_registry(
    work: TrustWork, installed: Registry | None, offered: Registry, text: str, *, tell: bool, now: datetime
) -> Mapping[str, list[str]] | None:
    """Keeps a registry whose signature was checked; None where this very version is installed already.

    Returns, for each member that it newly suspends, what is in flight with it. Raises TrustError for a lower version.
    `tell`: services of this district keep copies of their own and are told.
    """
    if not may_replace(installed, offered):
        return None
    work.add_registry(offered, text, now)
    if tell:
        work.tell_registry(offered, text)
    suspended = {code for code, member in offered.members.items() if member.state is State.SUSPENDED}
    before = {code for code, m in installed.members.items() if m.state is State.SUSPENDED} if installed else set()
    return {code: work.in_flight(code) for code in sorted(suspended - before)}


def install_agreement(
    work: TrustWork, home: str, made: Agreement, text: str, *, known: Registry, tell: bool, now: datetime
) -> bool:
    """Keeps an agreement whose signatures were checked by `known`; False where it is installed already. Raises TrustError.

    `tell`: services of this district keep copies of their own and are told.
    """
    if home not in made.parties:
        raise TrustError("agreement_of_others", "/".join(made.parties))
    kept = work.agreement_text(made)
    if kept == text:
        return False
    if kept is not None:
        raise TrustError("agreement_version_taken", str(made.version))
    work.add_agreement(made, text, now)
    if tell:
        _tell(work, home, made, text, known)
    return True


def tell_agreements(work: TrustWork, home: str, known: Registry) -> None:
    """Tells of everything installed once more: a service may be newer than the agreements, or have lost its copies."""
    for made, text in work.agreement_texts():
        if home in made.parties:
            _tell(work, home, made, text, known)


def _tell(work: TrustWork, home: str, made: Agreement, text: str, known: Registry) -> None:
    keys = [
        (code, key)
        for code in made.parties
        if code in known.members
        for key in known.members[code].keys
        if key.use == "sig"
    ]
    work.tell_agreement(made, text, made.parties[0] if made.parties[1] == home else made.parties[1], keys)


def open_links(work: LinkWork, trust: Trust, now: datetime) -> list[str]:
    """Opens what the registry says is open, and returns whom that is news for."""
    active = trust.active()
    work.close_links(except_for=active)
    return [peer for peer in active if work.open_link(peer, now)]
