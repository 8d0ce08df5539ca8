"""Cases of tests, two districts wide. Every name and number is made up."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count
from typing import Any

from case_routing.adapters.signed_copy import PartyKey
from case_routing.domain.agreements import Agreement
from case_routing.domain.events import Arrived, Offered, Send
from case_routing.domain.history import Moment, Step
from case_routing.domain.letters import Dossier, read
from case_routing.domain.materials import Upload
from case_routing.domain.model import Applicant, ApplicantKind, Case, Guide, Handler, Item, Material, Mode
from case_routing.domain.policies import Application, accept, receive, submit
from joserfc import jws
from joserfc.jwk import OKPKey

INTAKE, HANDLING = "320508", "310101"
START = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)

_numbers = count(1)


def a_number(intake: str = INTAKE) -> str:
    return f"{intake}-20261123-{next(_numbers):08d}"


def at(minutes: int = 0, trace: int = 0) -> Moment:
    traceparent = f"00-{trace:032x}-{1:016x}-01" if trace else ""
    return Moment(START + timedelta(minutes=minutes), traceparent)


def an_item(mode: Mode = Mode.FULLY_ONLINE, code: str = "social-security-card") -> Item:
    return Item(code, "社会保障卡申领", "Social security card", mode, "generated")


def a_material(key: str = "identity_card", content: bytes = b"scan of a card") -> Material:
    return Material(key, f"{key}.pdf", "application/pdf", len(content), sha256(content).hexdigest(), content)


def an_applicant(**changes: str) -> Applicant:
    values: dict[str, str] = {
        "name": "样本甲",
        "id_number": "320508199001010012",
        "acr": "L4",
        "home": INTAKE,
        "subject": "person-1",
        "peer_subject": "pairwise-1",
    }
    return Applicant(**(values | changes))


def a_firm(**changes: str) -> Applicant:
    """A firm, with a person who acts for it."""
    values: dict[str, Any] = {
        "name": "样例科技有限公司",
        "id_number": "91350100M000100Y43",
        "acr": "L4",
        "home": INTAKE,
        "subject": "firm-1",
        "peer_subject": "pairwise-firm-1",
        "kind": ApplicantKind.FIRM,
        "handler": Handler("经办甲", "handler-1", "pairwise-handler-1"),
    }
    return Applicant(**(values | changes))


def an_application(mode: Mode = Mode.FULLY_ONLINE, handling: str = HANDLING, number: str = "") -> Application:
    return Application(number or a_number(), an_item(mode), handling, an_applicant(), (a_material(),))


def submitted(mode: Mode = Mode.FULLY_ONLINE, handling: str = HANDLING, here: str = INTAKE) -> Step:
    """A case just submitted at the intake district."""
    return submit(an_application(mode, handling), here, at())


def under_review(mode: Mode = Mode.PROXY_COLLECTION) -> Case:
    """A case that one district takes in and handles, waiting for its decision."""
    case = submitted(mode, handling=INTAKE).case
    if mode is not Mode.FULLY_ONLINE:
        case = receive(case, at(1)).case
    return accept(case, at(2)).case


def forwarded(mode: Mode = Mode.PROXY_COLLECTION) -> tuple[Case, Case]:
    """The two copies of a case that the handling district has just taken: intake's (handing over), handling's."""
    step = submitted(mode)
    if mode is not Mode.FULLY_ONLINE:
        step = receive(step.case, at(1))
    offer = next(event.letter for event in step.events if isinstance(event, Send) and isinstance(event.letter, Offered))
    dossier, _ = read(Dossier(HANDLING, offer.number), Arrived(offer, INTAKE, "offer-1"), at(2))
    assert dossier.case is not None
    return step.case, dossier.case


def a_guide(handling: str = HANDLING, mode: Mode = Mode.FULLY_ONLINE) -> Guide:
    return Guide(an_item(mode), handling, frozenset({"identity_card"}), frozenset({"photo"}))


def an_upload(key: str = "identity_card", content: bytes = b"scan of a card", **changes: str) -> Upload:
    return Upload(**{"key": key, "name": f"{key}.pdf", "media_type": "application/pdf", "content": content} | changes)


# Agreements -------------------------------------------------------------------------------------------------------------

_SIGNING = {code: OKPKey.generate_key("Ed25519", {"kid": f"key of {code}"}) for code in (INTAKE, HANDLING)}


def an_agreement(**changes) -> Agreement:
    values = {
        "parties": tuple(sorted((INTAKE, HANDLING))),
        "version": 1,
        "valid_from": START - timedelta(days=1),
        "valid_until": None,
        "opens": {INTAKE: {"*"}},
    } | changes
    opens = {giver: frozenset(what) for giver, what in values["opens"].items()}
    return Agreement(**(values | {"opens": opens}))


def a_signed_copy(made: Agreement, *, signers: Sequence[str] = (INTAKE, HANDLING)) -> tuple[str, list[PartyKey]]:
    """The file that both parties' couriers install, and the keys that they are known by."""
    payload = {
        "format": "tongban-agreement/1",
        "notice_starts": "handling",
        "opens": {giver: sorted(what) for giver, what in made.opens.items()},
        "parties": list(made.parties),
        "valid_from": made.valid_from.isoformat().replace("+00:00", ".000000Z"),
        "valid_until": made.valid_until and made.valid_until.isoformat().replace("+00:00", ".000000Z"),
        "version": made.version,
    }
    body = json.dumps(payload, separators=(",", ":"), sort_keys=True).encode()
    signatures = []
    for code in signers:
        member = {"protected": {"alg": "EdDSA", "kid": f"key of {code}"}}
        signed = jws.serialize_json([member], body, _SIGNING[code], algorithms=["EdDSA"])
        signatures += signed["signatures"]
    encoded = base64.urlsafe_b64encode(body).rstrip(b"=").decode()
    keys = [
        PartyKey(code, f"key of {code}", "EdDSA", json.dumps(key.as_dict(private=False)))
        for code, key in _SIGNING.items()
    ]
    return json.dumps({"payload": encoded, "signatures": signatures}), keys
