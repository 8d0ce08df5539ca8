"""The running service on a real broker and database, between its neighbours and across the link."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from case_routing.domain.agreements import Agreement
from case_routing.domain.events import Acted, Offered, RecallAsked, WithdrawalAsked
from case_routing.domain.letters import Dossier
from case_routing.domain.model import Mode, Purpose, State
from case_routing.domain.policies import accept, grant, refuse, submit
from chassis.database import Database
from chassis.errors import Fault, Kind
from tongban.case_routing.v1 import case_routing_pb2 as pb
from tongban.catalogue.v1 import catalogue_pb2 as catalogue
from tongban.common.v1 import common_pb2 as common
from tongban.courier.v1.courier_pb2 import AgreementInstalled, MessageRefused, PartyKey
from tongban.identity.v1 import identity_pb2 as identity

from tests.support.calls import BusClient, a_person, eventually

from ..factories import a_number, a_signed_copy, an_agreement, an_application, at
from .neighbours import Neighbour, OtherDistrict

pytestmark = pytest.mark.engines

HERE, THERE = "320508", "310101"
CITIZEN, CLERK, OPERATOR = (
    a_person("citizen"),
    a_person("clerk", subject="clerk-1"),
    a_person("operator", subject="op-1"),
)
MODES = {
    "online-there": (THERE, catalogue.CROSS_PROVINCE_MODE_FULLY_ONLINE),
    "window-there": (THERE, catalogue.CROSS_PROVINCE_MODE_PROXY_COLLECTION),
    "online-unagreed": (THERE, catalogue.CROSS_PROVINCE_MODE_FULLY_ONLINE),
    "window-unagreed": (THERE, catalogue.CROSS_PROVINCE_MODE_PROXY_COLLECTION),
    "elsewhere": ("340103", catalogue.CROSS_PROVINCE_MODE_FULLY_ONLINE),
    "online-here": (HERE, catalogue.CROSS_PROVINCE_MODE_FULLY_ONLINE),
    "window-here": (HERE, catalogue.CROSS_PROVINCE_MODE_PROXY_COLLECTION),
}


def an_item(body: bytes) -> catalogue.Item:
    code = catalogue.GetItemRequest.FromString(body).code
    if code == "away-at-first" and code not in MODES:
        raise Fault("database.unavailable", Kind.UNAVAILABLE, "come again")
    if code not in MODES:
        raise Fault("catalogue.item_not_found", Kind.NOT_FOUND, "no such item")
    handling, mode = MODES[code]
    return catalogue.Item(
        code=code,
        handling_district=handling,
        name_zh="社会保障卡申领",
        name_en="Social security card",
        mode=mode,
        provenance=common.PROVENANCE_RECALLED,
        materials=[
            catalogue.MaterialRequirement(key="identity_card", required=True),
            catalogue.MaterialRequirement(key="photo"),
        ],
    )


#: Handlers of the firm firm-1 → the items that their mandates are limited to, none: all.
MANDATES: dict[str, list[str]] = {}


def a_person_of(body: bytes) -> identity.Applicant:
    asked = identity.GetApplicantRequest.FromString(body)
    if asked.handler_subject:
        return a_firm_of(asked)
    pairwise = f"pairwise-{asked.subject}" if asked.pairwise_for_district else ""
    return identity.Applicant(
        subject=asked.subject, name="样本甲", id_number="320508199001010012", acr="L4", pairwise_subject=pairwise
    )


def a_firm_of(asked: identity.GetApplicantRequest) -> identity.Applicant:
    if asked.subject != "firm-1" or asked.handler_subject not in MANDATES:
        raise Fault("identity.no_mandate", Kind.FORBIDDEN, "choose again")
    return identity.Applicant(
        subject=asked.subject,
        name="样例科技有限公司",
        id_number="91350100M000100Y43",
        acr="L4",
        kind="firm",
        pairwise_subject=f"pairwise-{asked.subject}" if asked.pairwise_for_district else "",
        handler_name="经办甲",
        handler_pairwise_subject=f"pairwise-{asked.handler_subject}" if asked.pairwise_for_district else "",
        item_codes=MANDATES[asked.handler_subject],
    )


#: What both may open at each other while these tests run.
AGREED = an_agreement(valid_from=datetime(2020, 1, 1, tzinfo=UTC), opens={HERE: {"online-there", "window-there"}})


def tell_of(bus: BusClient, made: Agreement, **changes) -> str:
    """As the courier tells of an agreement that was installed."""
    text, keys = a_signed_copy(made, **changes)
    wire = [PartyKey(district=k.district, kid=k.kid, alg=k.alg, public_jwk=k.public) for k in keys]
    event = AgreementInstalled(peer=THERE, version=made.version, signed_agreement=text, keys=wire)
    return bus.tell(event, source="courier", subject=f"agreement/{THERE}")


def kept_versions(database) -> list[int]:
    store = Database(database.url)
    try:
        with store.transaction() as connection:
            return list(connection.exec_driver_sql("SELECT version FROM agreement ORDER BY version").scalars())
    finally:
        store.close()


@pytest.fixture(scope="module")
def bus(broker, database, service_process):
    with (
        Neighbour(broker, "catalogue", {"catalogue.get_item": an_item}),
        Neighbour(broker, "identity", {"identity.get_applicant": a_person_of}),
    ):
        # Spans go to a port where nobody listens: traces must not depend on a collector.
        service_process(
            "case_routing", database, TONGBAN_RETRY_LADDER="1", TONGBAN_OTLP_ENDPOINT=f"http://{broker.district.host}:9"
        )
        client = BusClient(broker)
        tell_of(client, AGREED)
        eventually(lambda: kept_versions(database) == [1])
        yield client


@pytest.fixture
def there(bus) -> OtherDistrict:
    other = OtherDistrict(bus, THERE)
    other._drain()
    return other


_keys = iter(range(10**6))


def a_key() -> str:
    return f"key-{next(_keys)}"


def submission(item: str, **changes) -> pb.SubmitCaseRequest:
    paper = pb.Material(key="identity_card", name="card.pdf", media_type="application/pdf", content=b"scan")
    return pb.SubmitCaseRequest(**{"item_code": item, "materials": [paper], "idempotency_key": a_key()} | changes)


def apply(bus, item: str, actor=CITIZEN, **changes) -> pb.Case:
    return bus.call("case_routing.submit_case", submission(item, **changes), pb.Case, actor=actor)


def act(bus, verb: str, number: str, actor=CLERK, **more) -> pb.Case:
    kind = pb.DecideCaseRequest if verb in ("grant_case", "refuse_case") else pb.ActOnCaseRequest
    request = kind(**{"number": number, "idempotency_key": a_key()} | more)
    return bus.call(f"case_routing.{verb}", request, pb.Case, actor=actor)


def get(bus, number: str, actor=CLERK) -> pb.Case:
    return bus.call("case_routing.get_case", pb.GetCaseRequest(number=number), pb.Case, actor=actor)


def material(bus, number: str, actor=CLERK, key: str = "identity_card") -> pb.Material:
    return bus.call(
        "case_routing.get_material", pb.GetMaterialRequest(number=number, key=key), pb.Material, actor=actor
    )


def not_opened(bus, number: str, actor=CLERK, **more) -> str:
    with pytest.raises(Fault) as caught:
        material(bus, number, actor, **more)
    return caught.value.code


def in_state(bus, number: str, state: int) -> pb.Case:
    return eventually(lambda: (case := get(bus, number)).state == state and case)


def events_of(bus, number: str) -> list[tuple[str, str]]:
    request = pb.GetCaseRequest(number=number)
    told = bus.call("case_routing.get_timeline", request, pb.GetTimelineResponse, actor=CLERK)
    return [(entry.district, entry.event) for entry in told.entries]


def worklist(bus) -> dict[str, str]:
    found, cursor = {}, ""
    while True:
        request = pb.ListWorklistRequest(page=common.PageRequest(size=2, cursor=cursor))
        page = bus.call("case_routing.list_worklist", request, pb.ListCasesResponse, actor=CLERK)
        found |= {case.number: case.due_act for case in page.cases}
        cursor = page.page.next
        if not cursor:
            return found


def refused(bus, verb: str, number: str, actor=CLERK, **more) -> Fault:
    with pytest.raises(Fault) as caught:
        act(bus, verb, number, actor, **more)
    return caught.value


# Agreements -----------------------------------------------------------------------------------------------------------


def acting_for_a_firm(subject: str):
    return replace(a_person("citizen", subject=subject), acting_for="firm-1")


@pytest.fixture
def mandates():
    MANDATES.clear()
    MANDATES["handler-1"] = []
    yield MANDATES
    MANDATES.clear()


def mine(bus, actor) -> list[str]:
    cases = bus.call("case_routing.list_my_cases", pb.ListMyCasesRequest(), pb.ListCasesResponse, actor=actor)
    return [case.number for case in cases.cases]


def test_a_firm_s_case_crosses_with_who_acted_and_every_handler_sees_it_and_no_one_else(bus, there, mandates) -> None:
    mandates["handler-2"] = []
    one, two = acting_for_a_firm("handler-1"), acting_for_a_firm("handler-2")
    case = apply(bus, "online-there", one)
    assert (case.applicant_kind, case.applicant_name_masked) == ("firm", "样例科技有限公司")
    assert (case.applicant_id_masked, case.handler_name_masked) == ("91350100M000100Y43", "经**")
    there.receive()
    copy = there.case(case.number).applicant
    assert (copy.kind, copy.name, copy.id_number) == ("firm", "样例科技有限公司", "91350100M000100Y43")
    assert copy.subject.endswith("pairwise-firm-1")
    assert (copy.handler.name, copy.handler.subject.endswith("pairwise-handler-1")) == ("经办甲", True)
    assert case.number in mine(bus, one)
    assert case.number in mine(bus, two)
    for other in (a_person("citizen", subject="handler-1"), a_person("citizen", subject="firm-2"), CITIZEN):
        assert case.number not in mine(bus, other)
        assert code_told(bus, "get_case", pb.GetCaseRequest(number=case.number), other) == "case_routing.not_yours"


def code_told(bus, method: str, request, actor) -> str:
    with pytest.raises(Fault) as error:
        bus.call(f"case_routing.{method}", request, pb.Case, actor=actor)
    return error.value.code


def test_a_mandate_that_ended_stops_at_once_whatever_the_token_says(bus, there, mandates) -> None:
    handler = acting_for_a_firm("handler-1")
    number = apply(bus, "online-there", handler).number
    there.receive()
    mandates.clear()
    on_it = pb.ActOnCaseRequest(number=number, idempotency_key=a_key())
    asked = {
        "submit_case": submission("online-there"),
        "get_case": pb.GetCaseRequest(number=number),
        "get_timeline": pb.GetCaseRequest(number=number),
        "list_my_cases": pb.ListMyCasesRequest(),
        "withdraw_case": on_it,
    }
    told = {method: code_told(bus, method, request, handler) for method, request in asked.items()}
    assert told == dict.fromkeys(asked, "identity.no_mandate")


def test_a_mandate_for_some_items_goes_no_further(bus, there, mandates) -> None:
    mandates["handler-1"], mandates["handler-2"] = ["window-there"], []
    limited, free = acting_for_a_firm("handler-1"), acting_for_a_firm("handler-2")
    number = apply(bus, "online-there", free).number
    assert code_told(bus, "submit_case", submission("online-there"), limited) == "case_routing.outside_mandate"
    assert code_told(bus, "get_case", pb.GetCaseRequest(number=number), limited) == "case_routing.not_yours"
    assert number not in mine(bus, limited)
    assert apply(bus, "window-there", limited).number in mine(bus, limited)


def test_the_same_key_for_oneself_and_for_the_firm_are_two_applications(bus, mandates) -> None:
    request = submission("window-here")
    both = [
        bus.call("case_routing.submit_case", request, pb.Case, actor=actor)
        for actor in (a_person("citizen", subject="handler-1"), acting_for_a_firm("handler-1"))
    ]
    assert [case.applicant_kind for case in both] == ["person", "firm"]
    assert both[0].number != both[1].number


@pytest.mark.parametrize("item", ["online-unagreed", "window-unagreed"])
def test_an_item_that_the_agreement_in_force_does_not_cover_is_refused_at_once(bus, there, item):
    with pytest.raises(Fault) as caught:
        apply(bus, item)
    assert (caught.value.code, caught.value.kind) == ("case_routing.not_agreed", Kind.CONFLICT)
    assert there._drain() == []


def test_an_item_of_a_district_without_an_agreement_is_refused_at_once(bus):
    with pytest.raises(Fault) as caught:
        apply(bus, "elsewhere")
    assert caught.value.code == "case_routing.no_agreement"


def test_a_copy_that_only_one_party_signed_is_never_kept_and_the_same_one_again_changes_nothing(bus, database):
    tell_of(bus, replace(AGREED, version=7), signers=[HERE])
    tell_of(bus, AGREED)
    case = apply(bus, "online-there")
    assert case.handling_district == THERE
    eventually(lambda: bus.parked("case_routing"))
    assert kept_versions(database) == [1]


# One district ---------------------------------------------------------------------------------------------------------


def test_a_case_of_one_district_is_received_accepted_granted_and_delivered_at_the_window(bus):
    case = apply(bus, "window-here")
    assert case.state == pb.CASE_STATE_SUBMITTED
    assert (case.intake_district, case.handling_district, case.item_provenance) == (
        HERE,
        HERE,
        common.PROVENANCE_RECALLED,
    )
    assert (case.applicant_name_masked, case.applicant_id_masked) == ("样**", "3205**********0012")
    assert worklist(bus)[case.number] == "receive"
    assert act(bus, "receive_case", case.number).state == pb.CASE_STATE_RECEIVED
    assert act(bus, "accept_case", case.number).state == pb.CASE_STATE_UNDER_REVIEW
    granted = act(bus, "grant_case", case.number)
    assert granted.state == pb.CASE_STATE_PRODUCED
    assert granted.decision.granted
    assert granted.decision.document_no
    closed = act(bus, "deliver_case", case.number)
    assert closed.state == pb.CASE_STATE_CLOSED
    assert closed.HasField("closed_at")
    assert case.number not in worklist(bus)
    assert [event for _, event in events_of(bus, case.number)] == [
        "submitted", "received", "accepted", "review_started", "granted", "produced", "delivered", "closed",
    ]  # fmt: skip


def test_an_online_case_of_one_district_closes_with_its_decision(bus):
    case = apply(bus, "online-here")
    act(bus, "accept_case", case.number)
    closed = act(bus, "refuse_case", case.number, reasons="does not qualify")
    assert (closed.state, closed.decision.reasons) == (pb.CASE_STATE_CLOSED, "does not qualify")


def test_the_same_key_twice_is_one_case_also_at_the_same_time_and_other_content_is_refused(bus):
    request = submission("window-here")
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda _: bus.call("case_routing.submit_case", request, pb.Case, actor=CITIZEN), range(8))
        )
    assert len({answer.number for answer in answers}) == 1
    request.materials[0].content = b"another scan"
    with pytest.raises(Fault) as caught:
        bus.call("case_routing.submit_case", request, pb.Case, actor=CITIZEN)
    assert caught.value.code == "request.key_reused"


def test_the_same_act_twice_under_one_key_acts_once(bus):
    case = apply(bus, "window-here")
    first = act(bus, "receive_case", case.number, idempotency_key="again-1")
    second = act(bus, "receive_case", case.number, idempotency_key="again-1")
    assert first == second
    assert refused(bus, "receive_case", case.number).code == "case_routing.out_of_order"


def test_of_two_clerks_with_the_same_version_one_is_told_to_read_again(bus):
    case = apply(bus, "window-here")
    with ThreadPoolExecutor(2) as pool:

        def try_it(_: int) -> str:
            try:
                act(bus, "receive_case", case.number, expected_version=case.version)
            except Fault as fault:
                return fault.code
            return "done"

        assert sorted(pool.map(try_it, range(2))) == ["case_routing.version_conflict", "done"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"item_code": "nothing"}, "case_routing.unknown_item"),
        ({"materials": []}, "case_routing.missing_material"),
        ({"idempotency_key": ""}, "request.key_missing"),
        ({"kiosk_id": "a\x00b"}, "case_routing.bad_kiosk"),
        (
            {
                "materials": [
                    pb.Material(key="identity_card", name="a", media_type="image/png", content=b"x" * (2**21 + 1))
                ]
            },
            "case_routing.material_too_large",
        ),
        (
            {
                "materials": [
                    pb.Material(key="identity_card", name="a", media_type="image/png", content=b"x", sha256="00")
                ]
            },
            "case_routing.digest_mismatch",
        ),
    ],
)
def test_what_is_wrong_with_an_application_is_named(bus, changes, code):
    with pytest.raises(Fault) as caught:
        apply(bus, **{"item": "window-here"} | changes) if "item_code" not in changes else apply(bus, "nothing")
    assert caught.value.code == code


@pytest.mark.parametrize("number", ["", "nonsense", "\x00", a_number(), "x" * 5000])
def test_an_unknown_number_is_told_as_such(bus, number):
    with pytest.raises(Fault) as caught:
        get(bus, number)
    assert (caught.value.code, caught.value.kind) == ("case_routing.unknown_case", Kind.NOT_FOUND)


def test_a_citizen_sees_and_withdraws_own_cases_only(bus):
    mine = apply(bus, "window-here")
    other = a_person("citizen", subject="person-2")
    for verb in ("get_case", "get_timeline"):
        with pytest.raises(Fault) as caught:
            bus.call(f"case_routing.{verb}", pb.GetCaseRequest(number=mine.number), pb.Case, actor=other)
        assert caught.value.code == "case_routing.not_yours"
    with pytest.raises(Fault) as caught:
        get(bus, mine.number, a_person("citizen", "operator", subject="person-4"))
    assert caught.value.code == "case_routing.not_yours"
    both = a_person("citizen", "clerk", subject="person-3")
    assert refused(bus, "withdraw_case", mine.number, other).code == "case_routing.not_yours"
    assert refused(bus, "withdraw_case", mine.number, both).code == "case_routing.not_yours"
    assert act(bus, "withdraw_case", mine.number, CITIZEN).state == pb.CASE_STATE_WITHDRAWN
    assert refused(bus, "receive_case", mine.number).code == "case_routing.already_closed"


@pytest.mark.parametrize(
    ("verb", "kind", "actor"),
    [
        ("submit_case", pb.SubmitCaseRequest, CLERK),
        ("receive_case", pb.ActOnCaseRequest, CITIZEN),
        ("grant_case", pb.DecideCaseRequest, CITIZEN),
        ("list_worklist", pb.ListWorklistRequest, CITIZEN),
        ("withdraw_case", pb.ActOnCaseRequest, CLERK),
        ("get_case_traces", pb.GetCaseRequest, CLERK),
        ("get_case", pb.GetCaseRequest, None),
        ("get_material", pb.GetMaterialRequest, OPERATOR),
        ("get_material", pb.GetMaterialRequest, None),
    ],
)
def test_each_role_may_do_its_own_acts_only(bus, verb, kind, actor):
    with pytest.raises(Fault) as caught:
        bus.call(f"case_routing.{verb}", kind(), pb.Case, actor=actor)
    assert caught.value.code == "rpc.forbidden"


def test_a_person_pages_through_own_cases_newest_first(bus):
    person = a_person("citizen", subject="person-of-many-cases")
    numbers = [apply(bus, "window-here", person).number for _ in range(5)]
    found, cursor = [], ""
    while True:
        request = pb.ListMyCasesRequest(page=common.PageRequest(size=2, cursor=cursor))
        page = bus.call("case_routing.list_my_cases", request, pb.ListCasesResponse, actor=person)
        found += [case.number for case in page.cases]
        cursor = page.page.next
        if not cursor:
            break
    assert found == numbers[::-1]


@pytest.mark.parametrize("cursor", ["!", "WyJ4IiwgInkiXQ", "WyIyMDI2LTAxLTAxVDAwOjAwOjAwIiwgInkiXQ"])
def test_a_cursor_that_was_never_given_out_is_refused(bus, cursor):
    request = pb.ListMyCasesRequest(page=common.PageRequest(cursor=cursor))
    with pytest.raises(Fault) as caught:
        bus.call("case_routing.list_my_cases", request, pb.ListCasesResponse, actor=CITIZEN)
    assert caught.value.code == "request.bad_page"


# Across the link ------------------------------------------------------------------------------------------------------


def test_a_case_crosses_is_decided_there_and_is_delivered_here(bus, there):
    case = apply(bus, "online-there")
    assert case.state == pb.CASE_STATE_RECEIVED
    assert case.responsibility == pb.Responsibility(
        holder=HERE, state=pb.RESPONSIBILITY_STATE_OFFERED, offered_to=THERE, turn=2
    )
    ((headers, offer),) = there.receive()
    assert isinstance(offer, Offered)
    assert (headers["tongban.target"], headers["cloudEvents:subject"]) == (THERE, f"case/{case.number}")
    assert headers["tongban.opens"] == "online-there"
    assert offer.file.applicant.subject == "pairwise-person-1"
    assert offer.file.materials[0].content == b"scan"
    forwarded = in_state(bus, case.number, pb.CASE_STATE_FORWARDED)
    assert forwarded.responsibility.holder == THERE
    assert refused(bus, "accept_case", case.number).code == "case_routing.not_responsible"
    assert not_opened(bus, case.number) == "case_routing.material_not_open"
    assert not get(bus, case.number).materials_open
    assert material(bus, case.number, CITIZEN).content == b"scan"
    there.act(case.number, accept)
    there.act(case.number, lambda it, moment: grant(it, "", "document-1", moment))
    closed = in_state(bus, case.number, pb.CASE_STATE_CLOSED)
    assert closed.decision.district == THERE
    there.receive(3)  # taken, delivered, closed
    assert there.case(case.number).state is State.CLOSED
    digest = sha256(b"scan").hexdigest()
    moves = [(entry.from_district, entry.to_district, entry.sha256) for entry in closed.custody]
    assert moves == [("", HERE, digest), (HERE, THERE, digest), (THERE, HERE, digest)]
    assert events_of(bus, case.number) == [(e.district, e.act) for e in there.case(case.number).history]


def test_a_case_from_elsewhere_is_taken_decided_here_and_goes_back(bus, there):
    application = an_application(Mode.FULLY_ONLINE, handling=HERE, number=a_number(THERE))
    step = submit(application, THERE, at())
    number = application.number
    there.dossiers[number] = Dossier(THERE, number, step.case)
    there.tell(step.events)
    ((headers, _),) = there.receive()
    assert headers["tongban.answers_to"]
    assert worklist(bus)[number] == "accept"
    assert get(bus, number).materials_open
    opened = material(bus, number)
    assert (opened.content, opened.sha256) == (b"scan of a card", sha256(b"scan of a card").hexdigest())
    assert not_opened(bus, number, CITIZEN) == "case_routing.not_yours", "the same name here is another person"
    act(bus, "accept_case", number)
    assert refused(bus, "refuse_case", number, reasons=" ").code == "case_routing.reasons_required"
    act(bus, "refuse_case", number, reasons="does not qualify")
    letters = there.receive(4)  # accepted, under review, refused, offered back
    assert letters[-1][1].purpose is Purpose.DELIVER
    assert letters[-1][1].file.materials[0].content is None
    assert "tongban.opens" not in letters[-1][0]
    assert there.case(number).decision.reasons == "does not qualify"
    in_state(bus, number, pb.CASE_STATE_CLOSED)
    pairwise = a_person("citizen", subject=f"{THERE}:pairwise-1", district=HERE)
    assert get(bus, number, pairwise).state == pb.CASE_STATE_CLOSED
    assert material(bus, number, pairwise).content == b"scan of a card"


def test_while_handing_over_nobody_here_may_act_and_the_offer_can_be_recalled(bus, there):
    case = apply(bus, "window-there")
    act(bus, "receive_case", case.number)
    for verb in ("accept_case", "deliver_case", "hand_over_case"):
        assert refused(bus, verb, case.number).code == "case_routing.handing_over"
    act(bus, "recall_hand_over", case.number)
    offer, recall = there.receive(2, answer=False)
    assert isinstance(recall[1], RecallAsked)
    there.read(recall[1], recall[0]["cloudEvents:id"])  # the recall overtakes the offer
    there.read(offer[1], offer[0]["cloudEvents:id"])
    back = eventually(lambda: (it := get(bus, case.number)).due_act == "hand_over" and it)
    assert back.responsibility.holder == HERE
    act(bus, "hand_over_case", case.number)
    there.receive()
    in_state(bus, case.number, pb.CASE_STATE_FORWARDED)
    assert there.case(case.number).may_act


def test_an_offer_that_the_link_refuses_comes_back_to_the_worklist_with_its_reason(bus, there):
    case = apply(bus, "online-there")
    ((headers, _),) = there.receive(answer=False)
    refusal = MessageRefused(
        message_id=headers["cloudEvents:id"],
        peer=THERE,
        type="tongban.case_routing.v1.HandOverOffered",
        subject=f"case/{case.number}",
        code="courier.not_agreed",
        reason="the agreement does not cover it",
    )
    bus.tell(refusal, source="courier", subject=refusal.subject, to="case_routing")
    back = eventually(lambda: (it := get(bus, case.number)).attention and it)
    assert (back.attention, back.due_act) == ("courier.not_agreed", "hand_over")
    assert worklist(bus)[case.number] == "hand_over"
    assert events_of(bus, case.number)[-1] == (HERE, "hand_over_refused")
    assert act(bus, "withdraw_case", case.number, CITIZEN).state == pb.CASE_STATE_WITHDRAWN


def test_a_letter_that_comes_twice_and_an_act_before_the_taking_change_nothing(bus, there):
    case = apply(bus, "online-there")
    ((headers, offer),) = there.receive(answer=False)
    sent: list = []
    there.tell = sent.extend
    there.read(offer, headers["cloudEvents:id"])
    there.act(case.number, accept)
    taken, accepted, review = (event.letter for event in sent if hasattr(event, "letter"))
    for letter in (review, review, accepted, taken, accepted):
        there.send(letter)
    done = eventually(lambda: (it := get(bus, case.number)).version == 6 and it)
    assert done.state == pb.CASE_STATE_UNDER_REVIEW
    assert done.responsibility.holder == THERE
    assert events_of(bus, case.number) == [(e.district, e.act) for e in there.case(case.number).history]


def test_a_withdrawal_is_asked_of_the_other_district_and_answered(bus, there):
    case = apply(bus, "online-there")
    there.receive()
    in_state(bus, case.number, pb.CASE_STATE_FORWARDED)
    assert act(bus, "withdraw_case", case.number, CITIZEN).state == pb.CASE_STATE_FORWARDED
    ((_, asked),) = there.receive()
    assert isinstance(asked, WithdrawalAsked)
    in_state(bus, case.number, pb.CASE_STATE_WITHDRAWN)


def test_a_withdrawal_after_the_decision_is_answered_already_decided(bus, there):
    case = apply(bus, "window-there")
    act(bus, "receive_case", case.number)
    there.receive()
    in_state(bus, case.number, pb.CASE_STATE_FORWARDED)
    there.tell, told = (lambda _: None), there.tell
    there.act(case.number, accept)
    there.act(case.number, lambda it, moment: refuse(it, "no", "document-1", moment))  # on its way
    there.tell = told
    act(bus, "withdraw_case", case.number, CITIZEN)
    there.receive()
    eventually(lambda: (THERE, "withdrawal_denied") in events_of(bus, case.number))


def test_a_letter_from_a_district_that_is_no_party_is_parked_and_changes_nothing(bus, there):
    case = apply(bus, "online-there")
    ((_, _),) = there.receive()
    in_state(bus, case.number, pb.CASE_STATE_FORWARDED)
    stranger = OtherDistrict(bus, "330102")
    there.tell = lambda _: None
    there.act(case.number, accept)
    for entry in there.case(case.number).history[-2:]:
        stranger.send(Acted(case.number, entry))
    parked = []
    eventually(lambda: parked.extend(bus.parked("case_routing")) or len(parked) >= 2)
    assert get(bus, case.number).state == pb.CASE_STATE_FORWARDED


def test_a_clerk_delivers_at_the_window_what_came_back(bus, there):
    case = apply(bus, "window-there")
    act(bus, "receive_case", case.number)
    there.receive()
    there.act(case.number, accept)
    there.act(case.number, lambda it, moment: grant(it, "", "document-1", moment))
    eventually(lambda: worklist(bus).get(case.number) == "deliver")
    assert act(bus, "deliver_case", case.number).state == pb.CASE_STATE_CLOSED


def test_a_clerk_at_the_window_opens_what_is_received_and_is_told_what_is_not_there(bus):
    case = apply(bus, "window-there")
    assert material(bus, case.number).content == b"scan"
    assert not_opened(bus, case.number, key="photo") == "case_routing.material_not_here"
    assert not_opened(bus, a_number()) == "case_routing.unknown_case"
    act(bus, "receive_case", case.number)
    assert not_opened(bus, case.number) == "case_routing.material_not_open"


def test_an_operator_reads_the_timeline_of_any_case(bus):
    case = apply(bus, "window-here")
    request = pb.GetCaseRequest(number=case.number)
    told = bus.call("case_routing.get_timeline", request, pb.GetTimelineResponse, actor=OPERATOR)
    assert [entry.event for entry in told.entries] == ["submitted"]


def test_every_burst_of_work_leaves_its_trace_with_the_case(bus):
    case = apply(bus, "window-here")
    act(bus, "receive_case", case.number)
    act(bus, "accept_case", case.number)
    request = pb.GetCaseRequest(number=case.number)
    found = bus.call("case_routing.get_case_traces", request, pb.GetCaseTracesResponse, actor=OPERATOR)
    assert [trace.event for trace in found.traces] == ["submitted", "received", "accepted"], (
        "one a burst, not one an act"
    )
    assert all(len(trace.trace_id) == 32 and trace.district == HERE for trace in found.traces)
    assert len({trace.trace_id for trace in found.traces}) == 3
    assert list(found.districts) == [HERE]


def test_the_trace_of_the_other_districts_act_is_kept_with_the_case(bus, there):
    case = apply(bus, "online-there")
    there.receive()
    in_state(bus, case.number, pb.CASE_STATE_FORWARDED)
    there.trace = f"00-{7:032x}-{1:016x}-01"
    there.act(case.number, accept)
    in_state(bus, case.number, pb.CASE_STATE_UNDER_REVIEW)
    request = pb.GetCaseRequest(number=case.number)
    found = bus.call("case_routing.get_case_traces", request, pb.GetCaseTracesResponse, actor=OPERATOR)
    assert (f"{7:032x}", THERE) in [(trace.trace_id, trace.district) for trace in found.traces]
    assert list(found.districts) == [THERE, HERE]


def test_with_the_catalogue_away_an_application_may_come_again_under_its_key(bus):
    request = submission("away-at-first")
    with pytest.raises(Fault) as caught:
        bus.call("case_routing.submit_case", request, pb.Case, actor=CITIZEN)
    assert caught.value.kind is Kind.UNAVAILABLE
    MODES["away-at-first"] = MODES["window-here"]
    assert bus.call("case_routing.submit_case", request, pb.Case, actor=CITIZEN).number
