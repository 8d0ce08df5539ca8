"""A person in Gusu applies for what Huangpu decides: one number, one responsible district, both told."""

from __future__ import annotations

import random
from base64 import b64encode

import pytest
from tongban_cli.client import Refused
from tongban_local.mail_sink import read_mails

from tests.federation.conftest import GUSU, HUANGPU, application
from tests.support.calls import eventually

WAIT_S = 60


def the_case(person, code, login, number):
    """The case as that district shows it, None where it does not know it yet."""
    try:
        return person(code, login).get(f"/v1/cases/{number}")
    except Refused as error:
        if error.status == 404:
            return None
        raise


def arrived(person, number):
    clerk = person(HUANGPU, "clerk")
    return eventually(
        lambda: (
            (case := the_case(person, HUANGPU, "clerk", number))
            and case["responsibility"]["holder"] == HUANGPU
            and clerk
        ),
        WAIT_S,
    )


def closed(person, number):
    return eventually(lambda: (case := the_case(person, GUSU, "citizen", number))["state"] == "closed" and case, WAIT_S)


def timeline(person, code, number):
    return [
        (entry["district"], entry["event"])
        for entry in person(code, "operator").get(f"/v1/cases/{number}/timeline")["items"]
    ]


def test_a_granted_case_comes_back_and_both_districts_tell_the_same_story(environment, person, foreign_item) -> None:
    citizen = person(GUSU, "citizen")
    case = citizen.post("/v1/cases", application(foreign_item))
    number = case["number"]
    assert number.startswith(f"{GUSU}-")
    clerk = arrived(person, number)
    clerk.post(f"/v1/cases/{number}/accept")
    clerk.post(f"/v1/cases/{number}/grant", {"reasons": "材料齐全。"})
    case = closed(person, number)
    assert case["decision"]["granted"] is True
    assert case["decision"]["district"] == HUANGPU
    eventually(lambda: (there := the_case(person, HUANGPU, "clerk", number)) and there["state"] == "closed", WAIT_S)
    assert sorted(timeline(person, GUSU, number)) == sorted(timeline(person, HUANGPU, number))
    custody = [(entry["from_district"], entry["to_district"]) for entry in case["custody"]]
    assert (GUSU, HUANGPU) in custody


def test_the_person_hears_of_every_step_once_in_the_app_and_by_mail(environment, person, foreign_item) -> None:
    citizen = person(GUSU, "citizen")
    number = citizen.post("/v1/cases", application(foreign_item))["number"]
    clerk = arrived(person, number)
    clerk.post(f"/v1/cases/{number}/accept")
    clerk.post(f"/v1/cases/{number}/refuse", {"reasons": "不符合条件。"})
    assert closed(person, number)["decision"]["reasons"] == "不符合条件。"
    operator = person(GUSU, "operator")

    def all_sent():
        rows = operator.get("/v1/deliveries", about=number, size=100)["items"]
        by_event = {
            event: {row["channel"]: row["state"] for row in rows if row["event"] == event}
            for event in {r["event"] for r in rows}
        }
        wanted = {"submitted", "accepted", "refused", "closed"}
        return wanted <= set(by_event) and all(states.get("email") == "sent" for states in by_event.values()) and rows

    rows = eventually(all_sent, WAIT_S)
    keys = [(row["event"], row["channel"]) for row in rows]
    assert len(keys) == len(set(keys)), "a step was told twice"
    mails = [
        mail for mail in read_mails(environment[GUSU].mail_folder) if number in mail.get_body(("plain",)).get_content()
    ]
    assert len(mails) == len({key for key in keys if key[1] == "email"})
    messages = [one for one in citizen.get("/v1/messages", size=100)["items"] if one["about"] == number]
    assert len(messages) == len({event for event, _ in keys})


def test_a_scan_of_two_mebibytes_arrives_as_it_was_handed_in(person, foreign_item) -> None:
    scan, citizen = random.Random(7).randbytes(2 * 2**20), person(GUSU, "citizen")
    sent = application(foreign_item)
    sent["materials"][0] |= {"name": "扫描件.pdf", "media_type": "application/pdf", "content": b64encode(scan).decode()}
    number, key = citizen.post("/v1/cases", sent)["number"], sent["materials"][0]["key"]
    clerk = arrived(person, number)
    clerk.post(f"/v1/cases/{number}/accept")
    for reader in (clerk, citizen):
        answer = reader.answer("GET", f"/v1/cases/{number}/materials/{key}")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
        assert answer.content == scan


def test_while_a_case_is_handed_over_nobody_may_act_and_afterwards_only_the_taker(person, foreign_item) -> None:
    number = person(GUSU, "citizen").post("/v1/cases", application(foreign_item))["number"]
    arrived(person, number)
    with pytest.raises(Refused) as refused:
        person(GUSU, "clerk").post(f"/v1/cases/{number}/accept")
    assert refused.value.status == 409
    assert refused.value.code in ("case_routing.not_responsible", "case_routing.handing_over")


def test_the_same_application_with_the_same_key_is_one_case_and_with_another_content_a_conflict(
    person, foreign_item
) -> None:
    citizen = person(GUSU, "citizen")
    first = citizen.post("/v1/cases", application(foreign_item), key="one-key")
    again = citizen.post("/v1/cases", application(foreign_item), key="one-key")
    assert again["number"] == first["number"]
    with pytest.raises(Refused) as refused:
        citizen.post("/v1/cases", application(foreign_item, b"something else"), key="one-key")
    assert (refused.value.status, refused.value.code) == (409, "request.key_reused")


def test_a_person_sees_no_case_of_somebody_else_and_a_clerk_of_the_other_district_no_foreign_gateway(
    environment, person, foreign_item
) -> None:
    number = person(GUSU, "citizen").post("/v1/cases", application(foreign_item))["number"]
    arrived(person, number)
    with pytest.raises(Refused) as refused:
        person(HUANGPU, "citizen").get(f"/v1/cases/{number}")
    assert (refused.value.status, refused.value.code) == (403, "case_routing.not_yours")
    token = person(GUSU, "clerk").token()
    answer = person(HUANGPU, "clerk")._http.get(
        f"{environment[HUANGPU].gateway}/v1/worklist", headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.status_code == 401


def test_a_case_decided_after_the_deciding_district_was_away(environment, person, foreign_item) -> None:
    citizen = person(GUSU, "citizen")
    citizen.get("/v1/cases")
    environment.stop_district(HUANGPU)
    try:
        number = citizen.post("/v1/cases", application(foreign_item))["number"]
        shown = citizen.get(f"/v1/cases/{number}")
        assert shown["responsibility"]["state"] == "offered"
        assert shown["responsibility"]["offered_to"] == HUANGPU
    finally:
        environment.start_district(HUANGPU)
    clerk = arrived(person, number)
    clerk.post(f"/v1/cases/{number}/accept")
    clerk.post(f"/v1/cases/{number}/grant", {"reasons": ""})
    assert closed(person, number)["decision"]["granted"] is True
