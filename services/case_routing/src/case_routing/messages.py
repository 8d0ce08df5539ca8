"""The contract of cases ↔ the domain; the only module that knows generated code."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from chassis.contracts import EnumWords, moment, timestamp, word_of
from chassis.errors import Fault, Kind
from chassis.paging import Page, Wish, wish
from chassis.sealed import mask_id_number, mask_name
from chassis.telemetry import trace_id_of
from google.protobuf.message import Message
from tongban.case_routing.v1 import case_routing_pb2 as pb
from tongban.catalogue.v1 import catalogue_pb2 as catalogue
from tongban.common.v1 import common_pb2 as common
from tongban.courier.v1.courier_pb2 import AgreementInstalled, MessageRefused
from tongban.identity.v1 import identity_pb2 as identity

from case_routing.domain import events, model
from case_routing.domain.errors import BadLetter, ItemNotOffered
from case_routing.domain.materials import Upload
from case_routing.domain.model import (
    Act,
    ApplicantKind,
    Case,
    Decision,
    Entry,
    Material,
    Mode,
    Purpose,
    State,
    is_number,
)
from case_routing.domain.policies import due_act, may_open_materials
from case_routing.usecases.prepare_application import Submission
from case_routing.usecases.take_back_refused import Refusal

__all__ = ["CONTRACT", "AgreementInstalled", "MessageRefused"]

CONTRACT = pb.DESCRIPTOR.services_by_name["CaseRoutingService"]

HandOverOffered = pb.HandOverOffered
HandOverTaken = pb.HandOverTaken
HandOverDeclined = pb.HandOverDeclined
HandOverRecallAsked = pb.HandOverRecallAsked
HandOverRecallAnswered = pb.HandOverRecallAnswered
CaseActed = pb.CaseActed
WithdrawalAsked = pb.WithdrawalAsked
WithdrawalAnswered = pb.WithdrawalAnswered

_STATE = EnumWords(State, pb.CaseState, "CASE_STATE")
_MODE = EnumWords(Mode, catalogue.CrossProvinceMode, "CROSS_PROVINCE_MODE")
NOTE_LIMIT = 500


# Requests and answers ------------------------------------------------------------------------------------------------


def submission(request: pb.SubmitCaseRequest, person: model.Acting) -> Submission:
    uploads = [Upload(m.key, m.name, m.media_type, m.content, m.sha256) for m in request.materials]
    return Submission(request.item_code, uploads, person, request.kiosk_id)


def case_wish(request: common.PageRequest) -> Wish:
    """A page of a list of cases, which is ordered by (submitted_at, number). Raises Fault `request.bad_page`."""
    wanted = wish(request, str, str)
    if wanted.after is None:
        return wanted
    try:
        submitted_at = datetime.fromisoformat(wanted.after[0])
        if submitted_at.tzinfo is None:
            raise ValueError("without time zone")
    except ValueError:
        sentence = "The cursor is not one that this list gave out; start again without it."
        raise Fault("request.bad_page", Kind.INVALID, sentence, {"field": "cursor"}) from None
    return Wish(wanted.size, (submitted_at, wanted.after[1]))


def case_to_wire(case: Case) -> pb.Case:
    """What people see of a case: personal data masked, contents left out."""
    wire = _common(case)
    wire.responsibility.CopyFrom(_responsibility(case.responsibility))
    wire.version = case.version
    _show_applicant(wire, case.applicant)
    wire.materials.extend(_material(material, with_content=False) for material in case.materials)
    wire.custody.extend(map(_custody, case.custody))
    wire.due_act = due_act(case)
    wire.attention = case.attention
    wire.materials_open = may_open_materials(case)
    wire.updated_at.CopyFrom(timestamp(case.updated_at))
    for field in ("received_at", "accepted_at", "closed_at"):
        if (stamp := timestamp(getattr(case, field))) is not None:
            getattr(wire, field).CopyFrom(stamp)
    return wire


def _show_applicant(wire: pb.Case, who: model.Applicant) -> None:
    """A person masked; a firm as the public register has it, with who acted for it masked."""
    firm = who.kind is ApplicantKind.FIRM
    wire.applicant_kind = who.kind
    wire.applicant_name_masked = who.name if firm else mask_name(who.name)
    wire.applicant_id_masked = who.id_number if firm else mask_id_number(who.id_number)
    wire.handler_name_masked = mask_name(who.handler.name)


def material_to_wire(material: Material) -> pb.Material:
    return _material(material, with_content=True)


def cases_to_wire(page: Page[Case]) -> pb.ListCasesResponse:
    return pb.ListCasesResponse(cases=page.map(case_to_wire), page=common.PageInfo(next=page.next))


def timeline(case: Case) -> pb.GetTimelineResponse:
    return pb.GetTimelineResponse(entries=[_timeline_entry(entry) for entry in case.history])


def traces(case: Case) -> pb.GetCaseTracesResponse:
    found = [
        pb.CaseTrace(trace_id=trace_id_of(each.trace), district=each.district, event=each.act, at=timestamp(each.at))
        for each in case.traces
    ]
    return pb.GetCaseTracesResponse(traces=found, districts=sorted({entry.district for entry in case.history}))


# Other services ------------------------------------------------------------------------------------------------------


GuideAnswer = catalogue.Item
ApplicantAnswer = identity.Applicant


def guide_question(item_code: str) -> catalogue.GetItemRequest:
    return catalogue.GetItemRequest(code=item_code)


def guide(wire: catalogue.Item) -> model.Guide:
    """A published item. Raises ItemNotOffered where it does not say how it is handled."""
    mode = _MODE.word(wire.mode, lambda _: ItemNotOffered(wire.code))
    provenance = word_of(common.Provenance, wire.provenance, "PROVENANCE")
    item = model.Item(wire.code, wire.name_zh, wire.name_en, mode, provenance)
    required = frozenset(material.key for material in wire.materials if material.required)
    optional = frozenset(material.key for material in wire.materials) - required
    return model.Guide(item, wire.handling_district, required, optional)


def applicant_question(person: model.Acting, peer: str) -> identity.GetApplicantRequest:
    subject, handler = (person.firm, person.subject) if person.firm else (person.subject, "")
    return identity.GetApplicantRequest(subject=subject, pairwise_for_district=peer, handler_subject=handler)


def party(wire: identity.Applicant, person: model.Acting) -> model.Party:
    kind, handler = ApplicantKind.PERSON, model.Handler()
    if person.firm:
        kind = ApplicantKind.FIRM
        handler = model.Handler(wire.handler_name, person.subject, wire.handler_pairwise_subject)
    who = model.Applicant(
        wire.name, wire.id_number, wire.acr, person.home, wire.subject, wire.pairwise_subject, kind, handler
    )
    return model.Party(who, model.Reader(wire.subject, frozenset(wire.item_codes)))


# Facts and letters on their way out ----------------------------------------------------------------------------------


def progressed(fact: events.Progressed) -> pb.CaseProgressed:
    case, entry = fact.case, fact.entry
    return pb.CaseProgressed(
        number=case.number,
        item_code=case.item.code,
        item_name_zh=case.item.name_zh,
        item_name_en=case.item.name_en,
        intake_district=case.intake,
        handling_district=case.handling,
        state=_STATE.number(entry.state or case.state),
        acting_district=entry.district,
        event=entry.act,
        at=timestamp(entry.at),
        version=case.version,
        # Only the home district can reach the person; a pairwise subject names nobody to it.
        applicant_subject=case.applicant.to_tell if case.applicant.home == case.here else "",
        item_provenance=_provenance(case),
    )


def _provenance(case: model.Case) -> common.Provenance:
    return common.Provenance.Value(f"PROVENANCE_{case.item.provenance.upper()}")


def letter_to_wire(letter: events.Letter) -> Message:
    """The courier message of a letter."""
    wire: Message
    match letter:
        case events.Offered(number, turn, purpose, file):
            wire = pb.HandOverOffered(number=number, turn=turn, purpose=purpose, file=_file(file, purpose))
        case events.Taken(number, turn, entry):
            wire = pb.HandOverTaken(number=number, turn=turn, entry=_entry(entry))
        case events.Declined(number, turn, code, reason):
            wire = pb.HandOverDeclined(number=number, turn=turn, code=code, reason=reason)
        case events.RecallAsked(number, turn, entry):
            wire = pb.HandOverRecallAsked(number=number, turn=turn, entry=_entry(entry))
        case events.RecallAnswered(number, turn, back, answer):
            wire = pb.HandOverRecallAnswered(number=number, turn=turn, given_back=back, entry=_entry(answer))
        case events.Acted(number, entry, decision):
            wire = pb.CaseActed(number=number, entry=_entry(entry), decision=_decision(decision))
        case events.WithdrawalAsked(number, entry):
            wire = pb.WithdrawalAsked(number=number, entry=_entry(entry))
        case events.WithdrawalAnswered(number, withdrawn, code, answer):
            wire = pb.WithdrawalAnswered(number=number, withdrawn=withdrawn, code=code, entry=_entry(answer))
    return wire


def pack(letter: events.Letter) -> tuple[str, bytes]:
    """A letter to be kept: its type and its binary form."""
    wire = letter_to_wire(letter)
    return wire.DESCRIPTOR.name, wire.SerializeToString()


def unpack(type: str, body: bytes, reader: str) -> events.Letter:
    """The letter that `pack` wrote."""
    return letter_of(getattr(pb, type).FromString(body), reader)


# Letters as they arrive ----------------------------------------------------------------------------------------------


def letter_of(wire: Any, reader: str) -> events.Letter:
    """The letter in a courier message, for the district `reader`. Raises BadLetter."""
    if not is_number(wire.number):
        raise BadLetter("it names no case")
    return _READERS[wire.DESCRIPTOR.name](wire, reader)


def refusal_of(wire: MessageRefused) -> Refusal:
    """What came of a message that the link refused; its subject is `case/<number>`. Raises BadLetter."""
    number = wire.subject.removeprefix(SUBJECT)
    if not is_number(number):
        raise BadLetter("it is about no case")
    return Refusal(
        number, wire.message_id, wire.type == pb.HandOverOffered.DESCRIPTOR.full_name, wire.code[:NOTE_LIMIT]
    )


#: What the messages of a case are about: they arrive in the order in which they were sent.
SUBJECT = "case/"


def _turn_of(wire: Any) -> int:
    if wire.turn < 1:
        raise BadLetter("it names no turn")
    return wire.turn


def _offered(wire: pb.HandOverOffered, reader: str) -> events.Offered:
    try:
        purpose = Purpose(wire.purpose)
    except ValueError:
        raise BadLetter("its purpose is unknown") from None
    return events.Offered(wire.number, _turn_of(wire), purpose, _case_of(wire.number, wire.file, reader))


_READERS: dict[str, Callable[[Any, str], events.Letter]] = {
    "HandOverOffered": _offered,
    "HandOverTaken": lambda wire, _: events.Taken(wire.number, _turn_of(wire), _entry_of(wire.entry)),
    "HandOverDeclined": lambda wire, _: events.Declined(
        wire.number, _turn_of(wire), wire.code[:NOTE_LIMIT], wire.reason[:NOTE_LIMIT]
    ),
    "HandOverRecallAsked": lambda wire, _: events.RecallAsked(wire.number, _turn_of(wire), _entry_of(wire.entry)),
    "HandOverRecallAnswered": lambda wire, _: events.RecallAnswered(
        wire.number, _turn_of(wire), wire.given_back, _entry_if_any(wire)
    ),
    "CaseActed": lambda wire, _: events.Acted(wire.number, _entry_of(wire.entry), _decision_of(wire)),
    "WithdrawalAsked": lambda wire, _: events.WithdrawalAsked(wire.number, _entry_of(wire.entry)),
    "WithdrawalAnswered": lambda wire, _: events.WithdrawalAnswered(
        wire.number, wire.withdrawn, wire.code[:NOTE_LIMIT], _entry_if_any(wire)
    ),
}


def _entry_if_any(wire: Any) -> Entry | None:
    return _entry_of(wire.entry) if wire.HasField("entry") else None


def _entry_of(wire: pb.CaseEntry) -> Entry:
    told = wire.entry
    if not told.district or told.version < 1 or wire.turn < 1 or not told.HasField("at"):
        raise BadLetter("an entry lacks its district, version, turn or time")
    try:
        act = Act(told.event)
    except ValueError:
        raise BadLetter("an act is unknown") from None
    return Entry(
        district=told.district,
        version=told.version,
        turn=wire.turn,
        act=act,
        at=moment(told.at),
        note=told.note[:NOTE_LIMIT],
        state=_STATE.word(wire.state, BadLetter) if wire.state else None,
        trace=wire.traceparent if trace_id_of(wire.traceparent) else "",
    )


def _decision_of(wire: Any) -> Decision | None:
    if not wire.HasField("decision"):
        return None
    told = wire.decision
    return Decision(told.granted, told.reasons, told.document_no, moment(told.decided_at), told.district)


def _case_of(number: str, file: pb.CaseFile, reader: str) -> Case:
    told = file.case
    history = tuple(sorted(map(_entry_of, file.history), key=lambda entry: entry.place))
    if told.number != number or not history or history[0].act is not Act.SUBMITTED:
        raise BadLetter("its file is of another case, or does not begin with its submission")
    try:
        mode = Mode(told.item_mode)
    except ValueError:
        raise BadLetter("the item's mode is unknown") from None
    provenance = word_of(common.Provenance, told.item_provenance, "PROVENANCE")
    return Case(
        here=reader,
        number=number,
        item=model.Item(told.item_code, told.item_name_zh, told.item_name_en, mode, provenance),
        intake=told.intake_district,
        handling=told.handling_district,
        applicant=model.Applicant(
            file.applicant_name,
            file.applicant_id_number,
            file.applicant_acr,
            file.applicant_home,
            file.applicant_subject,
            kind=_kind_of(file.applicant_kind),
            handler=model.Handler(file.handler_name, file.handler_subject),
        ),
        materials=tuple(map(_material_of, file.materials)),
        state=State.SUBMITTED,
        responsibility=model.Responsibility(told.intake_district),
        submitted_at=moment(told.submitted_at),
        updated_at=moment(told.submitted_at),
        kiosk_id=told.kiosk_id,
        history=history,
        version=len(history),
        decision=_decision_of(told),
    )


def _kind_of(word: str) -> ApplicantKind:
    """A file of the previous release says nothing: a person's. Raises BadLetter."""
    try:
        return ApplicantKind(word or "person")
    except ValueError:
        raise BadLetter("the kind of the applicant is unknown") from None


def _material_of(wire: pb.Material) -> Material:
    return Material(wire.key, wire.name, wire.media_type, wire.size, wire.sha256, wire.content or None)


# Parts ---------------------------------------------------------------------------------------------------------------


def _common(case: Case) -> pb.Case:
    """What answers and case files share."""
    return pb.Case(
        number=case.number,
        item_code=case.item.code,
        item_name_zh=case.item.name_zh,
        item_name_en=case.item.name_en,
        item_mode=case.item.mode,
        item_provenance=_provenance(case),
        intake_district=case.intake,
        handling_district=case.handling,
        state=_STATE.number(case.state),
        decision=_decision(case.decision),
        submitted_at=timestamp(case.submitted_at),
        kiosk_id=case.kiosk_id,
    )


def _file(case: Case, purpose: Purpose) -> pb.CaseFile:
    """The whole of what the taker needs. On the way back it has the contents already."""
    person, with_content = case.applicant, purpose is Purpose.HANDLE
    return pb.CaseFile(
        case=_common(case),
        applicant_subject=person.subject,
        applicant_name=person.name,
        applicant_id_number=person.id_number,
        applicant_acr=person.acr,
        applicant_home=person.home,
        applicant_kind=person.kind,
        handler_subject=person.handler.subject,
        handler_name=person.handler.name,
        materials=[_material(material, with_content=with_content) for material in case.materials],
        history=[_entry(entry) for entry in case.history],
    )


def _responsibility(held: model.Responsibility) -> pb.Responsibility:
    state = pb.RESPONSIBILITY_STATE_OFFERED if held.handing_over else pb.RESPONSIBILITY_STATE_HELD
    return pb.Responsibility(holder=held.holder, state=state, offered_to=held.offered_to, turn=held.turn)


def _material(material: Material, *, with_content: bool) -> pb.Material:
    return pb.Material(
        key=material.key,
        name=material.name,
        media_type=material.media_type,
        size=material.size,
        sha256=material.sha256,
        content=material.content if with_content and material.content else b"",
    )


def _custody(moved: model.Custody) -> pb.CustodyEntry:
    return pb.CustodyEntry(
        material_key=moved.material_key,
        from_district=moved.from_district,
        to_district=moved.to_district,
        at=timestamp(moved.at),
        sha256=moved.sha256,
    )


def _decision(decision: Decision | None) -> pb.Decision | None:
    if decision is None:
        return None
    return pb.Decision(
        granted=decision.granted,
        reasons=decision.reasons,
        document_no=decision.document_no,
        decided_at=timestamp(decision.decided_at),
        district=decision.district,
    )


def _timeline_entry(entry: Entry) -> common.TimelineEntry:
    return common.TimelineEntry(
        at=timestamp(entry.at), district=entry.district, event=entry.act, note=entry.note, version=entry.version
    )


def _entry(entry: Entry | None) -> pb.CaseEntry | None:
    if entry is None:
        return None
    state = _STATE.number(entry.state) if entry.state else pb.CASE_STATE_UNSPECIFIED
    return pb.CaseEntry(entry=_timeline_entry(entry), turn=entry.turn, state=state, traceparent=entry.trace)
