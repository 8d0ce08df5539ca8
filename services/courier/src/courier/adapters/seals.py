"""This district's keys at work: signs with the key that the registry shows as valid, seals to the peers' newest keys."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from courier import messages
from courier.adapters import jose
from courier.domain.envelope import MAX_ENVELOPE, Claims, decode, split
from courier.domain.errors import Malformed, Rejected, Unauthenticated
from courier.domain.manifest import Manifest, cut
from courier.domain.registry import Registry
from courier.domain.rules import check_addressed, signing_key
from courier.usecases.ports import Opened, Outbound


class JoseSeals:
    """Signing and sealing under one version of the registry."""

    def __init__(self, home: str, registry: Registry, private_keys: Sequence[Mapping[str, Any]]) -> None:
        self._home = home
        self._registry = registry
        self._private = {key["kid"]: key for key in private_keys}

    def sign(self, payload: bytes, now: datetime, *, longest_known: bool = False) -> str:
        kid, alg = self._own("sig", now, longest_known=longest_known)
        return jose.sign(payload, self._private[kid], kid, alg)

    def payload(self, jws: str) -> bytes:
        return jose.unverified_payload(jws, MAX_ENVELOPE)

    def seal(self, peer: str, opens: str, body: bytes, now: datetime, manifest: Manifest | None = None) -> str:
        member = self._registry.members.get(peer)
        key = member.current("enc", now) if member else None
        if key is None:
            raise Rejected("no_key", peer)
        return jose.seal(messages.pack_body(opens, body, manifest), key.public, key.kid)

    def seal_piece(self, peer: str, piece: bytes, now: datetime) -> str:
        return self.seal(peer, "", messages.chunk(piece), now)

    def unseal_piece(self, sealed: str) -> bytes:
        return messages.piece_of(self.unseal(sealed).message)

    def unseal(self, sealed: str) -> Opened:
        return messages.unpack_body(jose.unseal(sealed, list(self._private.values())))

    def verify(self, jws: str, source: str, signed_at: datetime, *, limit: int = 16 * 1024) -> bytes:
        """What `source` signed, once it is sure that it did. Raises Malformed or Unauthenticated."""
        key = signing_key(self._registry, self._home, source, jose.kid_of(jws, limit), signed_at)
        return jose.verify(jws, key.public, key.alg)

    def open_envelope(self, wire: bytes) -> tuple[Claims, str, str]:
        """Claims, JWS and sealed body of what arrived and is authentic. Raises Malformed or Unauthenticated."""
        jws, sealed = split(wire)
        claims = decode(jose.unverified_payload(jws))
        self.verify(jws, claims.source, claims.time)
        check_addressed(claims, self._home, sealed)
        return claims, jws, sealed

    def seal_to_self(self, message: Outbound) -> str:
        *_, kid = (kid for kid, key in self._private.items() if key["use"] == "enc")  # the newest stands last
        headers, body = messages.pack_outbound(message)
        parts = [json.dumps(headers).encode(), *cut(body)]
        return "\n".join(jose.seal(part, self._private[kid], kid) for part in parts)

    def unseal_own(self, sealed: str) -> Outbound:
        first, *rest = (jose.unseal(part, list(self._private.values())) for part in sealed.split("\n"))
        headers = json.loads(first)
        if "headers" in headers:  # as it was kept before bodies could be larger than one seal
            return messages.outbound(headers["headers"], base64.b64decode(headers["body"]))
        return messages.outbound(headers, b"".join(rest))

    def _own(self, use: str, now: datetime, *, longest_known: bool = False) -> tuple[str, str]:
        """Id and algorithm of our newest key that the registry knows and whose private half is here, or of our oldest."""
        member = self._registry.members.get(self._home)
        keys = [key for key in (member.keys if member else ()) if key.use == use and key.kid in self._private]
        valid = [key for key in keys if key.valid_at(now)]
        if not valid:
            raise Rejected("no_own_key", use)
        by_age = sorted(valid, key=lambda key: key.valid_from)
        chosen = by_age[0 if longest_known else -1]
        return chosen.kid, chosen.alg


class BareSeals(JoseSeals):
    """Signs nothing, seals nothing and checks nothing: what the link costs without its protection.

    Only a test build that says `without=security` has it, and only where settings say trial.
    """

    def sign(self, payload: bytes, now: datetime, *, longest_known: bool = False) -> str:
        return ".".join(("", base64.urlsafe_b64encode(payload).decode(), ""))

    def payload(self, jws: str) -> bytes:
        try:
            return base64.urlsafe_b64decode(jws.split(".")[1])
        except (ValueError, IndexError):
            raise Malformed("not_an_envelope") from None

    def seal(self, peer: str, opens: str, body: bytes, now: datetime, manifest: Manifest | None = None) -> str:
        return base64.urlsafe_b64encode(messages.pack_body(opens, body, manifest)).decode()

    def unseal(self, sealed: str) -> Opened:
        try:
            return messages.unpack_body(base64.urlsafe_b64decode(sealed))
        except ValueError:
            raise Malformed("bad_body") from None

    def verify(self, jws: str, source: str, signed_at: datetime, *, limit: int = 16 * 1024) -> bytes:
        return self.payload(jws)

    def open_envelope(self, wire: bytes) -> tuple[Claims, str, str]:
        jws, sealed = split(wire)
        claims = decode(self.payload(jws))
        if claims.source not in self._registry.members:
            raise Unauthenticated("no_link", claims.source)
        return claims, jws, sealed
