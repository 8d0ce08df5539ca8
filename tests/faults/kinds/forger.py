"""The one who forges: envelopes as Gusu's courier makes them, each with something wrong."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from chassis.sealed import TransitSeal
from courier import keys, registry_file
from courier.adapters import jose
from courier.domain import envelope
from courier.domain.canonical import digest
from courier.domain.envelope import Claims, Head
from tongban.courier.v1.courier_pb2 import SealedBody
from tongban.hotline.v1 import hotline_pb2 as hotline

from tests.faults.journal import Attempt, an_id
from tests.faults.rig import Rig
from tests.faults.side import GUSU, HUANGPU
from tests.faults.trial import Trial

OFFER = "tongban.hotline.v1.TicketTransferOffered"
#: Numbers that no genuine message reaches, so that what a control lets through can be taken out again.
FAR = 900_000


@dataclass
class Forger:
    """Makes envelopes as Gusu's courier would, around tickets that nobody opened; knows whose attempt each of them is."""

    trial: Trial
    ids: dict[str, str] = field(default_factory=dict)
    _next: int = FAR

    def __post_init__(self) -> None:
        rig = self.trial.rig
        self.registry = newest_registry(rig)
        self.key = keys.read_district_keys(rig.here.place.courier_keys)[0]
        self.epoch = rig.here.value("courier", "SELECT head_epoch FROM state")
        self.head = Head(*rig.here.rows("courier", "SELECT head_epoch, head_seq, head_hash FROM state")[0])
        ask = "SELECT id::text, body FROM outbox WHERE type = %s ORDER BY written_at DESC LIMIT 1"
        ((id, body),) = rig.here.rows("hotline", ask, OFFER)
        transit = TransitSeal.of(rig.here.place.district.secrets.transit_key)
        self._offer = hotline.TicketTransferOffered.FromString(transit.open(bytes(body), id=id, type=OFFER))

    def claims(self, attempt: Attempt) -> tuple[Claims, bytes]:
        """Everything right, with a number of its own; and the body that it is about."""
        self._next += 1
        offer = hotline.TicketTransferOffered()
        offer.CopyFrom(self._offer)
        offer.ticket.number = f"{GUSU}-{attempt.id}"
        offer.ticket.case_number = attempt.id
        id = uuid4()
        self.ids[str(id)] = attempt.id
        made = Claims(
            id=id, source=GUSU, target=HUANGPU, epoch=self.epoch, number=self._next,
            subject=f"ticket/{offer.ticket.number}", subject_seq=1, type=OFFER, schema=1, time=datetime.now(UTC), agreement=1,
            head=self.head, body="",
        )  # fmt: skip
        return made, offer.SerializeToString()

    def seal(self, body: bytes) -> str:
        """Anybody can: the target's sealing key is public."""
        content = SealedBody(opens="ticket", message=body).SerializeToString()
        if self.trial.control:
            return base64.urlsafe_b64encode(content).decode()
        key = self.registry.members[HUANGPU].current("enc", datetime.now(UTC))
        assert key is not None
        return jose.seal(content, key.public, key.kid)

    def sign(self, claims: Claims, *, kid: str = "") -> str:
        """With Gusu's own key."""
        payload = envelope.encode(claims)
        if self.trial.control:
            return ".".join(("", base64.urlsafe_b64encode(payload).decode(), ""))
        return jose.sign(payload, self.key, kid or self.key["kid"], "EdDSA")

    def genuine(self, attempt: Attempt) -> tuple[Claims, str, str]:
        """Claims, signature and seal of an envelope in which nothing is wrong."""
        claims, body = self.claims(attempt)
        sealed = self.seal(body)
        claims = replace(claims, body=digest(sealed.encode("ascii")))
        return claims, self.sign(claims), sealed

    def altered(self, attempt: Attempt, **changes: Any) -> bytes:
        """One in which fields were changed after it was signed."""
        claims, jws, sealed = self.genuine(attempt)
        changed = replace(claims, **changes)
        self.ids[str(changed.id)] = attempt.id
        header, _, signature = jws.split(".")
        payload = base64.urlsafe_b64encode(envelope.encode(changed)).decode()
        return envelope.join(
            ".".join((header, payload if self.trial.control else payload.rstrip("="), signature)), sealed
        )

    def other_body(self, attempt: Attempt) -> bytes:
        """The signature of one, around another's body."""
        _, jws, _ = self.genuine(attempt)
        _, body = self.claims(attempt)
        return envelope.join(jws, self.seal(body))

    def flipped(self, attempt: Attempt) -> bytes:
        """One bit of the signature is another."""
        _, jws, sealed = self.genuine(attempt)
        header, payload, signature = jws.split(".")
        wrong = ("B" if signature[:1] == "A" else "A") + signature[1:]
        return envelope.join(".".join((header, payload, wrong if signature else "")), sealed)

    def under_key(self, attempt: Attempt, kid: str) -> bytes:
        """Signed, and said to be signed with another key."""
        claims, _, sealed = self.genuine(attempt)
        return envelope.join(self.sign(claims, kid=kid), sealed)

    def without_signature(self, attempt: Attempt) -> bytes:
        """`alg: none`."""
        _, jws, sealed = self.genuine(attempt)
        header = (
            base64.urlsafe_b64encode(json.dumps({"alg": "none", "kid": self.key["kid"]}).encode()).decode().rstrip("=")
        )
        payload = jws.split(".")[1]
        return envelope.join(jws if self.trial.control else f"{header}.{payload}.", sealed)


class TrueForger(Forger):
    """Signs and seals in controls too: the suspension is what they lack."""

    def seal(self, body: bytes) -> str:
        content = SealedBody(opens="ticket", message=body).SerializeToString()
        key = self.registry.members[HUANGPU].current("enc", datetime.now(UTC))
        assert key is not None
        return jose.seal(content, key.public, key.kid)

    def sign(self, claims: Claims, *, kid: str = "") -> str:
        return jose.sign(envelope.encode(claims), self.key, kid or self.key["kid"], "EdDSA")


def newest_registry(rig: Rig) -> Any:
    return registry_file.read_registry(rig.trust.registry.read_text(), json.loads(rig.trust.root_public.read_text()))


def alterations(forger: Forger) -> Sequence[Callable[[Attempt], bytes]]:
    """Every field of the envelope, one at a time."""
    their_kid = keys.read_district_keys(forger.trial.rig.there.place.courier_keys)[0]["kid"]
    now = datetime.now(UTC)
    changes: list[Mapping[str, Any]] = [
        {"source": HUANGPU},
        {"target": "330102"},
        {"epoch": forger.epoch + 1},
        {"number": FAR + 90_000},
        {"subject": f"ticket/{GUSU}-OTHER-{an_id()}"},
        {"subject_seq": 2},
        {"type": "tongban.hotline.v1.TicketAnswered"},
        {"schema": 2},
        {"time": now - timedelta(days=1)},
        {"agreement": 2},
        {"head": Head(forger.head.epoch, forger.head.seq + 7, "0" * 64)},
        {"body": "0" * 64},
        {"valid_until": now + timedelta(days=1), "subject_seq": 0},
        {"answers_to": UUID(int=7)},
    ]

    def changed(change: Mapping[str, Any]) -> Callable[[Attempt], bytes]:
        return lambda attempt: forger.altered(attempt, **change)

    return [
        lambda attempt: forger.altered(attempt, id=uuid4()),
        *(changed(change) for change in changes),
        forger.other_body,
        forger.flipped,
        forger.without_signature,
        lambda attempt: forger.under_key(attempt, their_kid),
        lambda attempt: forger.under_key(attempt, "nobodys"),
    ]
