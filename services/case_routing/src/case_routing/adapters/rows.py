"""Rows of the tables ↔ the domain; seals what is personal to its row."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from typing import Any

from chassis.sealed import FieldCipher
from sqlalchemy import Row

from case_routing.domain.model import (
    Act,
    Applicant,
    ApplicantKind,
    Case,
    Custody,
    Decision,
    Entry,
    Handler,
    Item,
    Material,
    Mode,
    Purpose,
    Responsibility,
    State,
    Trace,
)
from case_routing.domain.policies import due_act

Columns = dict[str, Any]


def case_columns(case: Case, cipher: FieldCipher) -> Columns:
    person, held, decision = case.applicant, case.responsibility, case.decision
    identity = {"name": person.name, "id_number": person.id_number, "handler": person.handler.name}
    return {
        "number": case.number,
        "item_code": case.item.code,
        "item_name_zh": case.item.name_zh,
        "item_name_en": case.item.name_en,
        "item_mode": case.item.mode.value,
        "item_provenance": case.item.provenance,
        "intake": case.intake,
        "handling": case.handling,
        "applicant_subject": person.subject,
        "applicant_peer_subject": person.peer_subject,
        "applicant_home": person.home,
        "applicant_acr": person.acr,
        "applicant_sealed": cipher.seal(json.dumps(identity, ensure_ascii=False), f"cases.applicant/{case.number}"),
        "applicant_kind": person.kind.value,
        "handler_subject": person.handler.subject,
        "handler_peer_subject": person.handler.peer_subject,
        "kiosk_id": case.kiosk_id,
        "state": case.state.value,
        "holder": held.holder,
        "turn": held.turn,
        "offered_to": held.offered_to,
        "purpose": held.purpose.value if held.purpose else "",
        "offer_id": case.offer_id,
        "version": case.version,
        "granted": decision and decision.granted,
        "reasons_sealed": decision and cipher.seal(decision.reasons, f"cases.reasons/{case.number}"),
        "document_no": decision and decision.document_no,
        "decided_at": decision and decision.decided_at,
        "decided_by": decision and decision.district,
        "submitted_at": case.submitted_at,
        "received_at": case.received_at,
        "accepted_at": case.accepted_at,
        "closed_at": case.closed_at,
        "updated_at": case.updated_at,
        "attention": case.attention,
        "due_act": due_act(case),
    }


def case_of(row: Row[Any], cipher: FieldCipher, here: str) -> Case:
    """The case without what stands in tables of their own."""
    identity = json.loads(cipher.open(row.applicant_sealed, f"cases.applicant/{row.number}"))
    return Case(
        here=here,
        number=row.number,
        item=Item(row.item_code, row.item_name_zh, row.item_name_en, Mode(row.item_mode), row.item_provenance),
        intake=row.intake,
        handling=row.handling,
        applicant=Applicant(
            identity["name"],
            identity["id_number"],
            row.applicant_acr,
            row.applicant_home,
            row.applicant_subject,
            row.applicant_peer_subject,
            ApplicantKind(row.applicant_kind),
            Handler(identity.get("handler", ""), row.handler_subject, row.handler_peer_subject),
        ),
        materials=(),
        state=State(row.state),
        responsibility=Responsibility(
            row.holder, row.turn, row.offered_to, Purpose(row.purpose) if row.purpose else None
        ),
        submitted_at=row.submitted_at,
        updated_at=row.updated_at,
        kiosk_id=row.kiosk_id,
        version=row.version,
        decision=_decision_of(row, cipher),
        received_at=row.received_at,
        accepted_at=row.accepted_at,
        closed_at=row.closed_at,
        attention=row.attention,
        offer_id=row.offer_id,
    )


def _decision_of(row: Row[Any], cipher: FieldCipher) -> Decision | None:
    if row.granted is None:
        return None
    reasons = cipher.open(row.reasons_sealed, f"cases.reasons/{row.number}")
    return Decision(row.granted, reasons, row.document_no, row.decided_at, row.decided_by)


def entry_columns(number: str, entry: Entry) -> Columns:
    return {
        "number": number,
        "district": entry.district,
        "version": entry.version,
        "turn": entry.turn,
        "act": entry.act.value,
        "at": entry.at,
        "note": entry.note,
        "state": entry.state.value if entry.state else "",
        "trace": entry.trace,
    }


def entry_of(row: Row[Any]) -> Entry:
    state = State(row.state) if row.state else None
    return Entry(row.district, row.version, row.turn, Act(row.act), row.at, row.note, state, row.trace)


def material_columns(number: str, position: int, material: Material, cipher: FieldCipher) -> Columns:
    content = material.content
    return {
        "number": number,
        "key": material.key,
        "position": position,
        "name_sealed": cipher.seal(material.name, f"case_material.name/{number}/{material.key}"),
        "media_type": material.media_type,
        "size": material.size,
        "sha256": material.sha256,
        "content_sealed": None
        if content is None
        else cipher.seal(b64encode(content).decode(), f"case_material.content/{number}/{material.key}"),
    }


def material_of(row: Row[Any], cipher: FieldCipher) -> Material:
    """The material without its content."""
    name = cipher.open(row.name_sealed, f"case_material.name/{row.number}/{row.key}")
    return Material(row.key, name, row.media_type, row.size, row.sha256)


def open_content(number: str, key: str, sealed: bytes | None, cipher: FieldCipher) -> bytes | None:
    """A material's content; None where this district has the digest only."""
    return b64decode(cipher.open(sealed, f"case_material.content/{number}/{key}")) if sealed is not None else None


def movement_columns(number: str, moved: Custody) -> Columns:
    return {
        "number": number,
        "material_key": moved.material_key,
        "turn": moved.turn,
        "from_district": moved.from_district,
        "to_district": moved.to_district,
        "at": moved.at,
        "sha256": moved.sha256,
    }


def movement_of(row: Row[Any]) -> Custody:
    return Custody(row.material_key, row.from_district, row.to_district, row.at, row.sha256, row.turn)


def trace_columns(number: str, position: int, trace: Trace) -> Columns:
    return {
        "number": number,
        "position": position,
        "trace": trace.trace,
        "district": trace.district,
        "act": trace.act,
        "at": trace.at,
    }


def trace_of(row: Row[Any]) -> Trace:
    return Trace(row.trace, row.district, row.act, row.at)
