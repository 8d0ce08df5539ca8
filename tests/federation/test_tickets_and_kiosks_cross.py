"""A ticket opened here and answered there; a kiosk owned here that stands there."""

from __future__ import annotations

from joserfc.jwk import OKPKey
from tongban_cli.client import Refused

from tests.federation.conftest import GUSU, HUANGPU
from tests.support.calls import eventually

WAIT_S = 60


def quietly(look):
    """`look`, with what is not there yet as None."""

    def looking():
        try:
            return look()
        except Refused as error:
            if error.status == 404:
                return None
            raise

    return looking


def test_a_ticket_is_answered_in_the_district_it_was_transferred_to(person) -> None:
    citizen, here, there = person(GUSU, "citizen"), person(GUSU, "agent"), person(HUANGPU, "agent")
    number = citizen.post("/v1/tickets", {"subject_line": "社保卡进度", "body": "请问何时可以领取？"})["number"]
    here.post(f"/v1/tickets/{number}/transfer", {"to_district": HUANGPU, "reason": "属黄浦区办理事项。"})
    eventually(quietly(lambda: there.get(f"/v1/tickets/{number}")["holder"] == HUANGPU), WAIT_S)
    there.post(f"/v1/tickets/{number}/answer", {"answer": "已制证。"})
    answered = eventually(
        lambda: (ticket := citizen.get(f"/v1/tickets/{number}"))["state"] == "answered" and ticket, WAIT_S
    )
    assert (answered["answer"], answered["answered_by_district"]) == ("已制证。", HUANGPU)


def test_a_ticket_that_is_not_theirs_comes_back_with_the_reason(person) -> None:
    here, there = person(GUSU, "agent"), person(HUANGPU, "agent")
    number = here.post("/v1/tickets", {"subject_line": "咨询", "body": "咨询内容"})["number"]
    here.post(f"/v1/tickets/{number}/transfer", {"to_district": HUANGPU, "reason": "请协助。"})
    eventually(quietly(lambda: there.get(f"/v1/tickets/{number}")["holder"] == HUANGPU), WAIT_S)
    there.post(f"/v1/tickets/{number}/bounce", {"reason": "不属本区。"})
    back = eventually(lambda: (ticket := here.get(f"/v1/tickets/{number}"))["holder"] == GUSU and ticket, WAIT_S)
    assert any("不属本区" in entry["note"] or entry["event"] == "bounced" for entry in back["timeline"])


def test_a_kiosk_of_one_district_is_confirmed_by_its_host(person) -> None:
    key = OKPKey.generate_key("Ed25519").as_dict(private=False)
    owner, host = person(HUANGPU, "fleet"), person(GUSU, "fleet")
    sent = {
        "name": "店小二 4.0",
        "host_district": GUSU,
        "place": "姑苏政务服务大厅",
        "public_jwk": {k: key[k] for k in ("kty", "crv", "x")},
    }
    kiosk = owner.post("/v1/kiosks", sent)
    assert (kiosk["owner_district"], kiosk["host_district"]) == (HUANGPU, GUSU)
    eventually(lambda: owner.get(f"/v1/kiosks/{kiosk['id']}")["placement"] == "confirmed", WAIT_S)
    assert eventually(quietly(lambda: host.get(f"/v1/kiosks/{kiosk['id']}")), WAIT_S)["owner_district"] == HUANGPU
