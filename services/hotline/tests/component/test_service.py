"""The running hotline on a real broker and database; identity is played at its queue, the other district at the courier."""

from __future__ import annotations

from itertools import count

import pytest
from chassis.errors import Fault
from hotline import messages
from hotline.domain.events import Answered, Bounced, TransferOffered, TransferTaken
from tongban.common.v1 import common_pb2 as common
from tongban.courier.v1.courier_pb2 import MessageRefused
from tongban.hotline.v1 import hotline_pb2 as pb
from tongban.identity.v1.identity_pb2 import Applicant, GetApplicantRequest

from tests.support.calls import BusClient, a_person, eventually, stand_in

from ..factories import GUSU, HUANGPU, NOW, SHANGCHENG, ticket

pytestmark = pytest.mark.engines

CITIZEN = a_person("citizen", subject="citizen-1")
STRANGER = a_person("citizen", subject="citizen-2")
AGENT = a_person("agent", subject="agent-1")


def pairwise(request: GetApplicantRequest) -> Applicant:
    if request.subject != CITIZEN.subject:
        raise Fault("identity.account_not_found", "not_found", "There is no such account.")
    return Applicant(subject=request.subject, pairwise_subject=f"pairwise-at-{request.pairwise_for_district}")


@pytest.fixture(scope="module")
def bus(broker, database, service_process):
    service_process("hotline", database, TONGBAN_RETRY_LADDER="1")
    with stand_in(broker, "identity", {"get_applicant": (GetApplicantRequest, pairwise)}):
        yield BusClient(broker)


def call(bus, method: str, request, actor=AGENT) -> pb.Ticket:
    return bus.call(f"hotline.{method}", request, pb.Ticket, actor=actor)


_keys = count()


def a_key() -> str:
    return f"key-{next(_keys)}"


def opened(bus, actor=CITIZEN, **changes) -> str:
    words = {"subject_line": "社保卡", "body": "在哪里补办？", "idempotency_key": a_key()} | changes
    return call(bus, "open_ticket", pb.OpenTicketRequest(**words), actor).number


def get(bus, number: str, actor=AGENT) -> pb.Ticket:
    return call(bus, "get_ticket", pb.GetTicketRequest(number=number), actor)


def transfer(bus, number: str, to: str = HUANGPU) -> pb.Ticket:
    return call(
        bus,
        "transfer_ticket",
        pb.TransferTicketRequest(number=number, to_district=to, reason="属于黄浦", idempotency_key=a_key()),
    )


def answer(bus, number: str, text: str = "在区社保中心") -> pb.Ticket:
    return call(bus, "answer_ticket", pb.AnswerTicketRequest(number=number, answer=text, idempotency_key=a_key()))


def arrives(bus, message, number: str, district: str = HUANGPU, id: str = "") -> str:
    wire = messages.message_to_wire(message)
    return bus.hand_on(wire, to="hotline", district=district, subject=f"ticket/{number}", id=id)


def in_state(bus, number: str, state: int) -> None:
    """Returns once the ticket is in `state`; it may not have arrived yet."""

    def look() -> bool:
        try:
            return get(bus, number).state == state
        except Fault as fault:
            assert fault.code == "hotline.ticket_not_found"
            return False

    eventually(look)


def refused(act) -> str:
    with pytest.raises(Fault) as raised:
        act()
    return raised.value.code


def test_a_citizen_opens_a_ticket_and_follows_it_alone(bus) -> None:
    number = opened(bus)
    assert number.startswith(f"T{GUSU}-")
    assert get(bus, number, CITIZEN).body == "在哪里补办？"
    assert refused(lambda: get(bus, number, STRANGER)) == "hotline.ticket_not_found"
    mine = bus.call("hotline.list_tickets", pb.ListTicketsRequest(), pb.ListTicketsResponse, actor=STRANGER)
    assert list(mine.tickets) == []


@pytest.mark.parametrize("actor", [None, a_person("clerk")])
def test_nobody_else_opens_tickets(bus, actor) -> None:
    assert refused(lambda: opened(bus, actor)) == "rpc.forbidden"


@pytest.mark.parametrize("method", ["transfer_ticket", "answer_ticket", "bounce_ticket"])
def test_a_citizen_does_not_act_as_an_agent(bus, method) -> None:
    number = opened(bus)
    kind = {"transfer_ticket": pb.TransferTicketRequest, "answer_ticket": pb.AnswerTicketRequest}.get(
        method, pb.BounceTicketRequest
    )
    assert refused(lambda: call(bus, method, kind(number=number, idempotency_key="k"), CITIZEN)) == "rpc.forbidden"


def test_the_same_key_opens_one_ticket_and_another_content_under_it_none(bus) -> None:
    key = a_key()
    first, again = opened(bus, idempotency_key=key), opened(bus, idempotency_key=key)
    assert first == again
    assert refused(lambda: opened(bus, idempotency_key=key, body="other")) == "request.key_reused"
    assert refused(lambda: opened(bus, idempotency_key="")) == "request.key_missing"


def test_the_worklist_pages_through_what_agents_have_to_do(bus) -> None:
    numbers = {opened(bus, AGENT) for _ in range(3)}
    seen, cursor = [], ""
    while True:
        request = pb.ListTicketsRequest(page=common.PageRequest(size=2, cursor=cursor))
        page = bus.call("hotline.list_tickets", request, pb.ListTicketsResponse, actor=AGENT)
        seen += [each.number for each in page.tickets]
        cursor = page.page.next
        if not cursor:
            break
    assert numbers <= set(seen)
    assert len(seen) == len(set(seen))


def test_a_ticket_is_answered_in_the_district_it_was_handed_to(bus) -> None:
    number = opened(bus)
    bus.engines.purge()
    assert transfer(bus, number).state == pb.TICKET_STATE_TRANSFERRING
    ((headers, offer),) = bus.sent(pb.TicketTransferOffered)
    assert (headers["tongban.target"], headers["tongban.opens"]) == (HUANGPU, "ticket")
    assert (offer.ticket.number, offer.turn, offer.opener_subject) == (number, 2, f"pairwise-at-{HUANGPU}")
    assert refused(lambda: answer(bus, number)) == "hotline.handing_over"
    arrives(bus, TransferTaken(number, 2), number)
    in_state(bus, number, pb.TICKET_STATE_TRANSFERRED)
    assert refused(lambda: answer(bus, number)) == "hotline.held_elsewhere"
    arrives(bus, Answered(number, 2, "去区社保中心", HUANGPU, NOW), number)
    in_state(bus, number, pb.TICKET_STATE_ANSWERED)
    done = get(bus, number, CITIZEN)
    assert (done.answer, done.answered_by_district) == ("去区社保中心", HUANGPU)
    assert [entry.event for entry in done.timeline] == ["opened", "transfer_offered", "transfer_taken", "answered"]


def test_an_answer_that_overtakes_the_taking_is_right_all_the_same(bus) -> None:
    number = opened(bus)
    transfer(bus, number)
    arrives(bus, Answered(number, 2, "fast", HUANGPU, NOW), number)
    in_state(bus, number, pb.TICKET_STATE_ANSWERED)
    arrives(bus, TransferTaken(number, 2), number)
    arrives(bus, Answered(number, 2, "fast", HUANGPU, NOW), number)
    marker = opened(bus)
    transfer(bus, marker)
    arrives(bus, TransferTaken(marker, 2), marker)
    in_state(bus, marker, pb.TICKET_STATE_TRANSFERRED)
    assert get(bus, number).state == pb.TICKET_STATE_ANSWERED


def test_a_ticket_from_another_district_is_taken_answered_here_and_the_answer_goes_back(bus) -> None:
    theirs = ticket(7, number=f"T{HUANGPU}-20261123-00000007", opened_in=HUANGPU, district=HUANGPU)
    bus.engines.purge()
    for _ in range(2):  # the same offer twice, under two ids: the courier sends once, but nothing here relies on it
        arrives(bus, TransferOffered(theirs, 2, "属于姑苏", "pairwise-here"), theirs.number)
    in_state(bus, theirs.number, pb.TICKET_STATE_OPEN)
    ((_, taken),) = bus.sent(pb.TicketTransferTaken)
    assert (taken.number, taken.turn) == (theirs.number, 2)
    assert get(bus, theirs.number, a_person("citizen", subject=f"{HUANGPU}:pairwise-here")).body == theirs.body
    assert (
        refused(lambda: get(bus, theirs.number, a_person("citizen", subject="pairwise-here")))
        == "hotline.ticket_not_found"
    )
    assert answer(bus, theirs.number).state == pb.TICKET_STATE_ANSWERED
    ((headers, told),) = bus.sent(pb.TicketAnswered)
    assert headers["tongban.target"] == HUANGPU
    assert (told.turn, told.answer, told.answered_by_district) == (2, "在区社保中心", GUSU)


def test_not_ours_goes_back_and_comes_back(bus) -> None:
    theirs = ticket(8, number=f"T{HUANGPU}-20261123-00000008", opened_in=HUANGPU, district=HUANGPU)
    bus.engines.purge()
    arrives(bus, TransferOffered(theirs, 2, "r", ""), theirs.number)
    in_state(bus, theirs.number, pb.TICKET_STATE_OPEN)
    bus.sent(pb.TicketTransferTaken)
    bounce = pb.BounceTicketRequest(number=theirs.number, reason="属于上城", idempotency_key=a_key())
    assert call(bus, "bounce_ticket", bounce).state == pb.TICKET_STATE_RETURNED
    ((_, told),) = bus.sent(pb.TicketBounced)
    assert (told.turn, told.reason) == (3, "属于上城")

    ours = opened(bus)
    transfer(bus, ours)
    arrives(bus, Bounced(ours, 3, "不属于黄浦", NOW), ours)
    in_state(bus, ours, pb.TICKET_STATE_OPEN)
    assert refused(
        lambda: call(bus, "bounce_ticket", pb.BounceTicketRequest(number=ours, reason="x", idempotency_key=a_key()))
    ) == ("hotline.nowhere_to_return")


def test_a_refused_hand_over_returns_the_ticket_to_the_worklist(bus) -> None:
    number = opened(bus)
    bus.engines.purge()
    transfer(bus, number, SHANGCHENG)
    ((headers, _),) = bus.sent(pb.TicketTransferOffered)
    refusal = MessageRefused(
        message_id=headers["cloudEvents:id"], peer=SHANGCHENG, subject=f"ticket/{number}", code="courier.not_agreed"
    )
    bus.tell(refusal, source="courier", subject=refusal.subject, to="hotline", version=0)
    in_state(bus, number, pb.TICKET_STATE_OPEN)
    assert get(bus, number).attention == f"{SHANGCHENG}: courier.not_agreed"
    assert answer(bus, number).attention == ""


def test_a_word_about_an_unknown_ticket_is_parked_with_its_reason(bus) -> None:
    arrives(bus, TransferTaken("T310101-20261123-99999999", 2), "T310101-20261123-99999999")
    parked: list[dict] = []
    eventually(lambda: parked.extend(bus.parked("hotline")) or parked)
    assert parked[0]["tongban.reason"] == "hotline.ticket_not_found"


def test_a_ticket_of_somebody_identity_does_not_know_is_handed_over_without_a_subject(bus) -> None:
    number = opened(bus, STRANGER)
    bus.engines.purge()
    transfer(bus, number)
    ((_, offer),) = bus.sent(pb.TicketTransferOffered)
    assert offer.opener_subject == ""
