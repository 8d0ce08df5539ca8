"""Two couriers with two brokers and TLS between them: nothing lost, doubled, disordered or unanswered."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from chassis.outbox import ANSWERS_TO, DISTRICT, ID
from tongban.case_routing.v1.case_routing_pb2 import CaseActed
from tongban.catalogue.v1.catalogue_pb2 import ItemPublished
from tongban.courier.v1.courier_pb2 import MessageRefused
from tongban.hotline.v1 import hotline_pb2 as hotline

from services.courier.tests.districts import BODY_LIMIT, Pair, Side, eventually

GUSU, HUANGPU = "320508", "310101"
OFFERED = "evt.hotline.on_ticket_transfer_offered"
ANSWERED = "evt.hotline.on_ticket_answered"
REFUSED = "evt.hotline.on_message_refused"

pytestmark = pytest.mark.engines


def a_subject() -> str:
    return f"ticket/{uuid4().hex[:12]}"


def offer(side: Side, target: str, subject: str, **changes):
    content = hotline.TicketTransferOffered(turn=1, reason=changes.pop("reason", "x"))
    return side.message(content, target=target, subject=subject, opens="ticket", **changes)


def answer(side: Side, target: str, subject: str, text: str, **changes):
    return side.message(hotline.TicketAnswered(answer=text), target=target, subject=subject, **changes)


def settled(side: Side, subject: str, count: int) -> bool:
    ask = "SELECT count(*) FROM sent WHERE subject = %s AND settled_at IS NOT NULL"
    return side.value(ask, subject) >= count


def published(side: Side, subject: str) -> bool:
    """Whether all of it went out, and none of it has a receipt."""
    ask = "SELECT coalesce(min(attempts), 0) FROM due JOIN sent USING (id, peer) WHERE subject = %s"
    return side.value(ask, subject) > 0


def unsettle(side: Side, subject: str) -> None:
    """As if no receipt had come."""
    side.rows(
        """INSERT INTO due (id, peer, due_at, log_seq, created_at)
           SELECT id, peer, now(), log_seq, created_at FROM sent WHERE subject = %s""",
        subject,
    )
    side.rows("UPDATE sent SET settled_at = NULL, state = 'waiting', receipt_id = NULL WHERE subject = %s", subject)


def texts(side: Side, queue: str) -> list[str]:
    return [hotline.TicketAnswered.FromString(body).answer for _, body in side.handed_on(queue)]


def test_a_message_arrives_is_handed_on_as_an_event_and_its_receipt_comes_back(pair: Pair) -> None:
    gusu, huangpu, subject = pair[GUSU], pair[HUANGPU], a_subject()
    sent = offer(gusu, HUANGPU, subject, reason="not ours")
    gusu.hand_over([sent])
    eventually(lambda: settled(gusu, subject, 1))
    ((headers, body),) = eventually(lambda: huangpu.handed_on(OFFERED))
    assert hotline.TicketTransferOffered.FromString(body).reason == "not ours"
    assert headers[ID] == sent["headers"][ID]
    assert headers[DISTRICT] == GUSU
    assert gusu.rows("SELECT state, agreement, subject_seq FROM sent WHERE subject = %s", subject) == [
        ("receipted", 1, 1)
    ]


def test_nothing_personal_lies_readable_in_the_peers_broker_or_in_either_courier_table(pair: Pair) -> None:
    gusu, huangpu, subject = pair[GUSU], pair[HUANGPU], a_subject()
    huangpu.pause()
    gusu.hand_over([offer(gusu, HUANGPU, subject, reason="310101199001011234")])
    eventually(lambda: published(gusu, subject))
    dump = str(gusu.rows("SELECT * FROM sent JOIN sealed USING (id, peer) JOIN log ON seq = log_seq"))
    huangpu.kill()
    bodies = huangpu.arrived()
    assert bodies
    assert not any(b"310101199001011234" in body for body in bodies)
    assert "310101199001011234" not in dump
    huangpu.start()
    eventually(lambda: settled(gusu, subject, 1))
    huangpu.handed_on(OFFERED)


def test_the_same_message_handed_over_twice_goes_out_once(pair: Pair) -> None:
    gusu, huangpu, subject = pair[GUSU], pair[HUANGPU], a_subject()
    sent = offer(gusu, HUANGPU, subject)
    gusu.hand_over([sent, sent])
    eventually(lambda: settled(gusu, subject, 1))
    gusu.hand_over([sent])
    gusu.hand_over([answer(gusu, HUANGPU, subject, "after")])
    eventually(lambda: settled(gusu, subject, 2))
    assert gusu.value("SELECT count(*) FROM sent WHERE subject = %s", subject) == 2
    assert len(eventually(lambda: huangpu.handed_on(OFFERED))) == 1
    huangpu.handed_on(ANSWERED)


def test_an_envelope_delivered_again_gets_the_same_receipt_and_no_second_effect(pair: Pair) -> None:
    gusu, huangpu, subject = pair[GUSU], pair[HUANGPU], a_subject()
    gusu.hand_over([offer(gusu, HUANGPU, subject)])
    eventually(lambda: settled(gusu, subject, 1))
    receipt = gusu.rows(
        "SELECT receipt_id, receipt.jws FROM sent JOIN receipt ON receipt.id = receipt_id WHERE subject = %s", subject
    )
    unsettle(gusu, subject)
    eventually(lambda: settled(gusu, subject, 1))
    again = gusu.rows(
        "SELECT receipt.jws FROM sent JOIN receipt ON receipt.id = receipt_id WHERE subject = %s", subject
    )
    assert again == [receipt[0][1:]]
    assert len(eventually(lambda: huangpu.handed_on(OFFERED))) == 1
    assert huangpu.value("SELECT count(*) FROM received r JOIN log USING (id) WHERE subject = %s", subject) == 1


def test_messages_of_a_subject_are_handed_on_in_their_order_whatever_order_they_came_in(pair: Pair) -> None:
    gusu, huangpu = pair[GUSU], pair[HUANGPU]
    subjects = [a_subject() for _ in range(5)]
    opening = [offer(gusu, HUANGPU, subject) for subject in subjects]
    following = [answer(gusu, HUANGPU, subject, f"{subject} {n}") for n in range(8) for subject in subjects]
    gusu.hand_over([*reversed(following), *opening])
    eventually(lambda: all(settled(gusu, subject, 9) for subject in subjects))
    got = []
    eventually(lambda: got.extend(texts(huangpu, ANSWERED)) or len(got) >= 40)
    for subject in subjects:
        assert [text for text in got if text.startswith(subject)] == [f"{subject} {n}" for n in range(8)]
    huangpu.handed_on(OFFERED)


def test_a_number_that_is_missing_holds_its_own_subject_only_and_is_asked_for(pair: Pair) -> None:
    gusu, huangpu = pair[GUSU], pair[HUANGPU]
    slow, other = a_subject(), a_subject()
    gusu.hand_over([offer(gusu, HUANGPU, slow), offer(gusu, HUANGPU, other)])
    eventually(lambda: settled(gusu, slow, 1) and settled(gusu, other, 1))
    huangpu.handed_on(OFFERED)
    huangpu.kill()
    gusu.hand_over([answer(gusu, HUANGPU, slow, "one")])
    eventually(lambda: published(gusu, slow))
    # It is lost on the way, and its sender thinks that it was stored: as after a restore of the peer's database.
    assert huangpu.drop_arrived() > 0
    gusu.rows("UPDATE sent SET settled_at = now(), state = 'receipted' WHERE subject = %s AND settled_at IS NULL", slow)
    gusu.rows("DELETE FROM due")
    gusu.hand_over([answer(gusu, HUANGPU, slow, "two"), answer(gusu, HUANGPU, other, "else")])
    huangpu.start()
    got = []
    eventually(lambda: got.extend(texts(huangpu, ANSWERED)) or len(got) >= 3)
    assert got == ["else", "one", "two"]
    assert not huangpu.rows("SELECT 1 FROM held WHERE subject = %s", slow)


def test_a_message_for_every_district_goes_to_each_linked_one_once(pair: Pair) -> None:
    gusu, subject = pair[GUSU], f"item/{uuid4().hex[:8]}"
    gusu.hand_over([gusu.message(ItemPublished(), target="*", subject=subject)])
    eventually(lambda: settled(gusu, subject, 1))
    assert gusu.rows("SELECT peer, agreement FROM sent WHERE subject = %s", subject) == [(HUANGPU, 0)]
    assert len(eventually(lambda: pair[HUANGPU].handed_on("evt.catalogue.on_peer_item_published"))) == 1


def test_an_answer_names_what_it_answers(pair: Pair) -> None:
    gusu, huangpu, subject = pair[GUSU], pair[HUANGPU], a_subject()
    asked = offer(gusu, HUANGPU, subject)
    gusu.hand_over([asked])
    eventually(lambda: settled(gusu, subject, 1))
    reply = answer(huangpu, GUSU, subject, "done", answers_to=UUID(asked["headers"][ID]))
    huangpu.hand_over([reply])
    eventually(lambda: settled(huangpu, subject, 1))
    ((headers, _),) = eventually(lambda: gusu.handed_on(ANSWERED))
    assert headers[ANSWERS_TO] == asked["headers"][ID]
    assert gusu.value("SELECT answered_at IS NOT NULL FROM sent WHERE subject = %s", subject)
    huangpu.handed_on(OFFERED)


# Refusals -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "target", "code"),
    [
        ({"target": "340103"}, "340103", "courier.no_link"),
        ({"body": b"x" * (BODY_LIMIT + 1)}, HUANGPU, "courier.too_large"),
        ({"key": "hotline.CaseActed"}, HUANGPU, "courier.not_yours_to_send"),
    ],
)
def test_what_may_not_be_sent_becomes_an_event_for_its_service(pair: Pair, changes, target, code) -> None:
    gusu, subject = pair[GUSU], a_subject()
    before = gusu.sample("tongban_courier_unsent_total", code=code)
    sent = offer(gusu, target, subject)
    if "body" in changes:
        sent["body"] = changes["body"]
    if "key" in changes:
        sent["headers"]["cloudEvents:type"] = "tongban.case_routing.v1.CaseActed"
    gusu.hand_over([sent])
    ((_, body),) = eventually(lambda: gusu.handed_on(REFUSED))
    refused = MessageRefused.FromString(body)
    assert (refused.code, refused.peer, refused.subject) == (code, target, subject)
    assert refused.message_id == sent["headers"][ID]
    eventually(lambda: gusu.sample("tongban_courier_unsent_total", code=code) == before + 1)


def test_a_subject_is_its_first_services_alone(pair: Pair) -> None:
    gusu, huangpu, subject = pair[GUSU], pair[HUANGPU], a_subject()
    gusu.hand_over([offer(gusu, HUANGPU, subject)])
    eventually(lambda: settled(gusu, subject, 1))
    huangpu.handed_on(OFFERED)
    gusu.hand_over([gusu.message(CaseActed(), target=HUANGPU, subject=subject)])
    ((_, body),) = eventually(lambda: gusu.handed_on("evt.case_routing.on_message_refused"))
    assert MessageRefused.FromString(body).code == "courier.subject_of_another_service"
    assert gusu.value("SELECT count(*) FROM sent WHERE subject = %s AND number > 0", subject) == 1


def test_a_refusal_by_the_peer_fills_its_number_and_goes_to_the_service_that_sent(pair: Pair) -> None:
    gusu, huangpu, subject = pair[GUSU], pair[HUANGPU], a_subject()
    gusu.hand_over([offer(gusu, HUANGPU, subject)])
    eventually(lambda: settled(gusu, subject, 1))
    # Huangpu knows the subject as opened under another version: what follows is against a rule there.
    huangpu.rows("UPDATE subject SET agreement = 7 WHERE subject = %s", subject)
    gusu.hand_over([answer(gusu, HUANGPU, subject, "against the rule")])
    eventually(lambda: settled(gusu, subject, 2))
    ((_, body),) = eventually(lambda: gusu.handed_on(REFUSED))
    assert MessageRefused.FromString(body).code == "courier.agreement_changed"
    huangpu.rows("UPDATE subject SET agreement = 1 WHERE subject = %s", subject)
    gusu.hand_over([answer(gusu, HUANGPU, subject, "and on it goes")])
    eventually(lambda: settled(gusu, subject, 3))
    assert eventually(lambda: texts(huangpu, ANSWERED)) == ["and on it goes"]
    assert huangpu.rows("SELECT kind FROM log WHERE subject = %s ORDER BY seq", subject) == [
        ("accepted",), ("refused",), ("accepted",),
    ]  # fmt: skip
    huangpu.handed_on(OFFERED)


def test_a_question_whose_deadline_passed_is_not_sent_and_its_service_is_told(pair: Pair) -> None:
    gusu, subject = pair[GUSU], a_subject()
    late = datetime.now(UTC) - timedelta(seconds=1)
    gusu.hand_over([answer(gusu, HUANGPU, subject, "a question", valid_until=late)])
    ((_, body),) = eventually(lambda: gusu.handed_on(REFUSED))
    assert MessageRefused.FromString(body).code == "courier.expired"


def test_a_question_overtakes_what_waits_in_its_subject(pair: Pair) -> None:
    gusu, huangpu, subject = pair[GUSU], pair[HUANGPU], a_subject()
    gusu.hand_over(
        [answer(gusu, HUANGPU, subject, "a live question", valid_until=datetime.now(UTC) + timedelta(minutes=1))]
    )
    eventually(lambda: settled(gusu, subject, 1))
    assert gusu.rows("SELECT lane, number > 0, subject_seq FROM sent WHERE subject = %s", subject) == [("ask", True, 0)]
    assert eventually(lambda: texts(huangpu, ANSWERED)) == ["a live question"]


# Evidence -------------------------------------------------------------------------------------------------------------------


def test_the_evidence_of_both_sides_is_verified_by_a_program_with_nothing_running(pair: Pair, tmp_path) -> None:
    from courier.domain import evidence

    gusu, huangpu, subject = pair[GUSU], pair[HUANGPU], a_subject()
    gusu.hand_over([offer(gusu, HUANGPU, subject), answer(gusu, HUANGPU, subject, "x")])
    eventually(lambda: settled(gusu, subject, 2))
    huangpu.hand_over([answer(huangpu, GUSU, subject, "y")])
    eventually(lambda: settled(huangpu, subject, 1))
    anchors = "SELECT count(*) FROM anchor WHERE at > (SELECT max(at) FROM log WHERE subject = %s)"
    eventually(lambda: gusu.value(anchors, subject) and huangpu.value(anchors, subject))
    parts = [side.command("evidence", subject)["part"] for side in (gusu, huangpu)]
    file = tmp_path / "evidence.json"
    file.write_bytes(evidence.write(subject, parts))

    def verify() -> tuple[int, dict]:
        argv = ["courier", "verify", str(file), "--registry", str(pair.trust.registry), "--json"]
        done = subprocess.run([sys.executable, "-m", "tongban_cli", *argv], capture_output=True, text=True, check=False)
        return done.returncode, json.loads(done.stdout)

    status, found = verify()
    assert (status, found["holds"], found["records"], found["notes"]) == (0, True, 6, [])
    data = file.read_bytes()
    file.write_bytes(data.replace(b'"lane":"main"', b'"lane":"mail"', 1))
    status, found = verify()
    assert (status, found["code"]) == (1, "courier.record_altered")
    for side in (gusu, huangpu):
        for queue in (OFFERED, ANSWERED):
            side.handed_on(queue)
