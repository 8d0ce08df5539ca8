"""Makes, signs and reads the two kinds of signed file: the registry of districts, and an agreement between two of them.

    member(code, …) → Member             one district, for a registry
    sign_registry(registry, root)        → text of the file
    read_registry(text, root_public)     → Registry, once the root's signature holds
    sign_agreement(agreement, key, text) → text; the second party signs the first one's text
    read_agreement(text, registry)       → Agreement, once both parties' signatures hold

Both are a JWS in general JSON serialisation (RFC 7515, section 7.2.1) over canonical JSON, at most 1 MiB.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from courier.adapters import jose
from courier.domain import agreements as agreement_rules
from courier.domain import registry as registry_rules
from courier.domain.agreements import Agreement, parties_of
from courier.domain.canonical import parse_canonical
from courier.domain.envelope import MAX_ENVELOPE
from courier.domain.errors import Malformed, TrustError
from courier.domain.registry import Key, Member, Registry, Relation, State
from courier.keys import RootKey


def member(
    code: str,
    *,
    name_zh: str,
    name_en: str,
    broker: str,
    issuer: str,
    keys: Iterable[Key],
    relation: str = "alliance",
    linked_to: Iterable[str] = (),
    state: str = "active",
) -> Member:
    """One district; `broker` is host:port of its courier's AMQPS listener."""
    return Member(
        code, name_zh, name_en, Relation(relation), frozenset(linked_to), State(state), broker, issuer, tuple(keys)
    )


def registry(members: Iterable[Member], *, version: int, now: datetime, days: int = 90) -> Registry:
    """A version of the registry that counts from `now` for `days`."""
    return Registry(version, now, now + timedelta(days=days), {item.code: item for item in members})


def succeed(previous: Registry, members: Iterable[Member], *, now: datetime, days: int = 90) -> Registry:
    """The version after `previous`: what `members` names replaces or joins; keys that left it stay, ended now, for ever."""
    kept = dict(previous.members)
    for fresh in members:
        old = kept.get(fresh.code)
        named = {key.kid for key in fresh.keys}
        retired = [_ended(key, now) for key in (old.keys if old else ()) if key.kid not in named]
        kept[fresh.code] = Member(**{**vars(fresh), "keys": (*retired, *fresh.keys)})
    return Registry(previous.version + 1, now, now + timedelta(days=days), kept)


def sign_registry(made: Registry, root: RootKey) -> str:
    """The file's text. It shows the root's public key; who has that key from elsewhere should bring it all the same."""
    payload = registry_rules.to_payload(made)
    return _text(jose.signed_document(payload, root.private, root.kid, root.alg, shown=root.public))


def shown_root(text: str) -> dict[str, Any]:
    """The root key that a registry shows of itself. Raises TrustError where it shows none."""
    key = jose.shown_key(parse_signed(text))
    if key is None:
        raise TrustError("no_root_key", "the file shows none: bring the root's public key")
    return key


def read_registry(text: str, root_public: Mapping[str, Any]) -> Registry:
    """The registry in `text`. Raises Malformed, or TrustError where the root did not sign it."""
    document = parse_signed(text)
    if not jose.signed_by(document, root_public, root_public["kid"], root_public["alg"]):
        raise TrustError("registry_not_signed_by_root")
    return registry_rules.from_payload(parse_canonical(jose.document_payload(document), MAX_ENVELOPE))


def agreement(
    one: str,
    other: str,
    *,
    version: int,
    opens: Mapping[str, Iterable[str]],
    valid_from: datetime,
    valid_until: datetime | None = None,
    notice_starts: str = "handling",
) -> Agreement:
    """An agreement; `opens` says per giving district what it may open at the other (item codes, `kiosk`, `ticket`, `*`)."""
    allowed = {giver: frozenset(what) for giver, what in opens.items()}
    return Agreement(parties_of(one, other), version, valid_from, valid_until, allowed, notice_starts)


def sign_agreement(made: Agreement, signing_jwk: Mapping[str, Any], earlier: str = "") -> str:
    """The file's text with this party's signature, after the one that `earlier` already has over the same agreement."""
    payload = agreement_rules.to_payload(made)
    others: list[Any] = []
    if earlier:
        document = parse_signed(earlier)
        if parse_canonical(jose.document_payload(document), MAX_ENVELOPE) != payload:
            raise TrustError("agreements_differ")
        others = document["signatures"]
    return _text(jose.signed_document(payload, signing_jwk, signing_jwk["kid"], signing_jwk["alg"], others=others))


def read_agreement(text: str, known: Registry) -> Agreement:
    """The agreement in `text`. Raises Malformed, or TrustError unless both parties signed it with keys they had."""
    document = parse_signed(text)
    made = agreement_rules.from_payload(parse_canonical(jose.document_payload(document), MAX_ENVELOPE))
    for code in made.parties:
        party = known.members.get(code)
        keys = [key for key in party.keys if key.use == "sig"] if party else []
        if not any(jose.signed_by(document, key.public, key.kid, key.alg) for key in keys):
            raise TrustError("agreement_not_signed", code)
    return made


def installed_agreement(text: str) -> Agreement:
    """An agreement whose signatures were checked when it was installed."""
    return agreement_rules.from_payload(unsigned_payload(text))


def unsigned_payload(text: str) -> Any:
    """What a file says, whoever signed it: for showing only."""
    return parse_canonical(jose.document_payload(parse_signed(text)), MAX_ENVELOPE)


def parse_signed(text: str) -> Any:
    """The signed document in `text`, its signatures not yet looked at. Raises Malformed."""
    document = parse(text)
    jose.document_payload(document)  # says whether it has the form of one
    return document


def parse(text: str) -> Any:
    """The object in `text`, signed or not yet. Raises Malformed."""
    if len(text) > MAX_ENVELOPE:
        raise Malformed("too_large")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise Malformed("not_json") from None
    if not isinstance(document, dict):
        raise Malformed("not_a_signed_document")
    return document


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def _ended(key: Key, now: datetime) -> Key:
    until = now if key.valid_until is None else min(now, key.valid_until)
    return Key(key.use, key.kid, key.alg, key.public, key.valid_from, until)
