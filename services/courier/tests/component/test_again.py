"""What was refused, or cannot be judged yet, and how it gets there all the same."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from courier import keys, registry_file
from courier.domain import evidence
from tongban.courier.v1.courier_pb2 import AgreementInstalled, LinkOpened, MessageRefused, RegistryInstalled
from tongban_local.links import read_links

from services.courier.tests.component.test_exchange import (
    ANSWERED,
    GUSU,
    HUANGPU,
    OFFERED,
    REFUSED,
    a_subject,
    answer,
    offer,
    published,
    settled,
    texts,
)
from services.courier.tests.component.test_faults import looks_again, resigned
from services.courier.tests.districts import Pair, Side, eventually

pytestmark = pytest.mark.engines

REGISTRY = "evt.identity.on_registry_installed"
INSTALLED, OPENED = "evt.case_routing.on_agreement_installed", "evt.catalogue.on_link_opened"


# Agreements that are on their way -----------------------------------------------------------------------------------------


def second_version(pair: Pair) -> str:
    """The next agreement, signed by both."""
    now = datetime.now(UTC).replace(microsecond=0)
    opens = {code: ["ticket"] for code in (GUSU, HUANGPU)}
    made = registry_file.agreement(GUSU, HUANGPU, version=2, opens=opens, valid_from=now - timedelta(days=1))
    text = ""
    for side in (pair[GUSU], pair[HUANGPU]):
        text = registry_file.sign_agreement(made, keys.read_district_keys(side.place.courier_keys)[0], text)
    return text


def versions(side: Side) -> list[int]:
    return [version for (version,) in side.rows("SELECT version FROM agreement ORDER BY version")]


@pytest.fixture
def first_agreement_afterwards(pair: Pair) -> Iterator[Pair]:
    yield pair
    for side in pair.sides.values():
        if 2 in versions(side):
            with looks_again(side):
                side.rows("DELETE FROM agreement WHERE version = 2")
        side.handed_on(INSTALLED)


def installed_at_gusu(pair: Pair, text: str) -> None:
    with looks_again(pair[GUSU]):
        assert pair[GUSU].command("install-agreement", given=text)["installed"]


def test_a_message_opened_under_a_version_that_the_peer_lacks_gets_there_and_brings_the_agreement(
    first_agreement_afterwards: Pair,
) -> None:
    pair, subject = first_agreement_afterwards, a_subject()
    gusu, huangpu = pair[GUSU], pair[HUANGPU]
    installed_at_gusu(pair, second_version(pair))
    gusu.hand_over([offer(gusu, HUANGPU, subject), answer(gusu, HUANGPU, subject, "after it")])
    eventually(lambda: settled(gusu, subject, 2), 30)
    assert versions(huangpu) == [1, 2]
    assert gusu.rows("SELECT state, agreement FROM sent WHERE subject = %s ORDER BY number", subject) == [
        ("receipted", 2), ("receipted", 2),
    ]  # fmt: skip
    assert len(eventually(lambda: huangpu.handed_on(OFFERED))) == 1
    assert eventually(lambda: texts(huangpu, ANSWERED)) == ["after it"]
    told = [AgreementInstalled.FromString(body) for _, body in eventually(lambda: huangpu.handed_on(INSTALLED))]
    assert 2 in {event.version for event in told}


def test_while_nobody_can_give_the_agreement_the_message_waits_under_a_light_and_is_refused_by_nobody(
    first_agreement_afterwards: Pair,
) -> None:
    pair, subject, text = first_agreement_afterwards, a_subject(), second_version(first_agreement_afterwards)
    gusu, huangpu = pair[GUSU], pair[HUANGPU]
    installed_at_gusu(pair, text)
    huangpu.stop()
    gusu.hand_over([offer(gusu, HUANGPU, subject)])
    eventually(lambda: published(gusu, subject))
    gusu.rows("DELETE FROM agreement WHERE version = 2")
    huangpu.start()
    eventually(lambda: "agreement_missing" in next(iter(read_links(huangpu.place)))["lights"])
    tries = "SELECT attempts FROM due JOIN sent USING (id, peer) WHERE subject = %s"
    before = gusu.value(tries, subject)
    eventually(lambda: gusu.value(tries, subject) > before, 40, "it was not offered again")
    assert not settled(gusu, subject, 1)
    assert not huangpu.rows("SELECT 1 FROM received r JOIN log USING (id) WHERE subject = %s", subject)
    assert huangpu.command("install-agreement", given=text)["installed"]
    eventually(lambda: settled(gusu, subject, 1), 40)
    assert len(eventually(lambda: huangpu.handed_on(OFFERED))) == 1


def test_a_matter_whose_opening_the_peer_refused_may_be_opened_under_the_next_agreement(
    first_agreement_afterwards: Pair,
) -> None:
    pair, subject, text = first_agreement_afterwards, a_subject(), second_version(first_agreement_afterwards)
    gusu, huangpu = pair[GUSU], pair[HUANGPU]
    huangpu.rows(
        "INSERT INTO subject (peer, subject, agreement) VALUES (%s, %s, 9)", GUSU, subject
    )  # refuses version 1
    gusu.hand_over([offer(gusu, HUANGPU, subject)])
    eventually(lambda: gusu.handed_on(REFUSED))
    huangpu.rows("DELETE FROM subject WHERE subject = %s", subject)
    assert huangpu.command("install-agreement", given=text)["installed"]
    installed_at_gusu(pair, text)
    gusu.hand_over([offer(gusu, HUANGPU, subject)])
    eventually(lambda: settled(gusu, subject, 2))
    assert gusu.rows("SELECT state, agreement FROM sent WHERE subject = %s ORDER BY number", subject) == [
        ("refused", 1), ("receipted", 2),
    ]  # fmt: skip
    huangpu.handed_on(OFFERED)


def test_every_start_tells_of_every_agreement_so_that_a_service_may_come_later(pair: Pair) -> None:
    gusu = pair[GUSU]
    gusu.handed_on(INSTALLED)
    gusu.stop()
    gusu.start()
    ((_, body),) = eventually(lambda: gusu.handed_on(INSTALLED))
    told = AgreementInstalled.FromString(body)
    assert (told.peer, told.version, {key.district for key in told.keys}) == (HUANGPU, 1, {GUSU, HUANGPU})
    made = registry_file.installed_agreement(told.signed_agreement)
    assert set(made.parties) == {GUSU, HUANGPU}


def test_every_start_tells_of_the_newest_registry_as_it_was_signed(pair: Pair) -> None:
    gusu = pair[GUSU]
    gusu.handed_on(REGISTRY)
    gusu.stop()
    gusu.start()
    ((_, body),) = eventually(lambda: gusu.handed_on(REGISTRY))
    told = RegistryInstalled.FromString(body)
    ((version, document),) = gusu.rows("SELECT version, document FROM registry ORDER BY version DESC LIMIT 1")
    assert (told.version, told.signed_registry) == (version, document)


# Wanted again -------------------------------------------------------------------------------------------------------------


def refuse_one(pair: Pair, subject: str, text: str) -> dict:
    """A message about an open matter that Huangpu refused for good; the cause is gone when this returns."""
    gusu, huangpu = pair[GUSU], pair[HUANGPU]
    gusu.hand_over([offer(gusu, HUANGPU, subject)])
    eventually(lambda: settled(gusu, subject, 1))
    huangpu.rows("UPDATE subject SET agreement = 7 WHERE subject = %s", subject)
    sent = answer(gusu, HUANGPU, subject, text)
    gusu.hand_over([sent])
    ((_, body),) = eventually(lambda: gusu.handed_on(REFUSED))
    assert MessageRefused.FromString(body).code == "courier.agreement_changed"
    huangpu.rows("UPDATE subject SET agreement = 1 WHERE subject = %s", subject)
    huangpu.handed_on(OFFERED)
    return sent


def test_a_refused_message_sent_again_arrives_once_and_both_verdicts_stay_in_evidence(pair: Pair, tmp_path) -> None:
    gusu, huangpu, subject = pair[GUSU], pair[HUANGPU], a_subject()
    id = refuse_one(pair, subject, "wanted again")["headers"]["cloudEvents:id"]
    assert gusu.command("resend", id) == {"resent": {HUANGPU: id}}
    eventually(lambda: settled(gusu, subject, 2))
    assert eventually(lambda: texts(huangpu, ANSWERED)) == ["wanted again"]
    assert gusu.command("resend", id)["error"] == "courier.not_refused"
    for side, peer in ((gusu, huangpu), (huangpu, gusu)):
        last = side.value("SELECT max(seq) FROM log WHERE subject = %s", subject)
        eventually(lambda peer=peer, last=last: (peer.value("SELECT max(seq) FROM anchor") or 0) >= last)
    file = tmp_path / "evidence.json"
    file.write_bytes(evidence.write(subject, [side.command("evidence", subject)["part"] for side in (gusu, huangpu)]))
    argv = ["courier", "verify", str(file), "--registry", str(pair.trust.registry), "--json"]
    done = subprocess.run([sys.executable, "-m", "tongban_cli", *argv], capture_output=True, text=True, check=False)
    found = json.loads(done.stdout)
    assert (found["holds"], found["records"], found["receipts"], found["notes"]) == (True, 6, 3, [])


def test_what_opens_a_matter_is_offered_again_by_its_service_and_never_by_the_courier(pair: Pair) -> None:
    gusu, huangpu, subject = pair[GUSU], pair[HUANGPU], a_subject()
    huangpu.rows("INSERT INTO subject (peer, subject, agreement) VALUES (%s, %s, 9)", GUSU, subject)
    sent = offer(gusu, HUANGPU, subject)
    gusu.hand_over([sent])
    eventually(lambda: gusu.handed_on(REFUSED))
    assert gusu.command("resend", sent["headers"]["cloudEvents:id"])["error"] == "courier.opens_something"


def test_what_was_refused_here_for_want_of_a_link_is_kept_and_may_be_sent_once_there_is_one(pair: Pair) -> None:
    gusu, subject, code = pair[GUSU], a_subject(), "320105"
    sent = answer(gusu, code, subject, "310101199001011234")
    id = sent["headers"]["cloudEvents:id"]
    gusu.hand_over([sent])
    eventually(lambda: gusu.handed_on(REFUSED))
    assert gusu.command("resend", id)["error"] == "courier.no_link"
    assert "310101199001011234" not in str(gusu.rows("SELECT * FROM sent JOIN sealed USING (id, peer)"))
    new = registry_file.member(
        code, name_zh="建邺区", name_en="Jianye", broker="127.0.0.1:1", issuer="https://127.0.0.1",
        keys=keys.make_district_keys(pair.folder / "jianye.jwks", datetime.now(UTC)),
    )  # fmt: skip
    gusu.command("install-registry", given=resigned(pair, lambda m: replace(m, members={**m.members, code: new})))
    try:
        assert gusu.command("resend", id) == {"resent": {code: id}}
        assert gusu.rows("SELECT state, number FROM sent WHERE subject = %s", subject) == [("waiting", 1)]
    finally:
        without = resigned(pair, lambda m: replace(m, members={c: one for c, one in m.members.items() if c != code}))
        version = gusu.command("install-registry", given=without)["version"]
        eventually(lambda: f"trusts registry {version}" in gusu.log.read_text())


def test_a_peer_is_brought_up_to_date_again_when_a_person_asks_for_it(pair: Pair) -> None:
    gusu = pair[GUSU]
    gusu.handed_on(OPENED)
    before = gusu.value("SELECT openings FROM link WHERE peer = %s", HUANGPU)
    assert gusu.command("brief", HUANGPU) == {"peer": HUANGPU, "told": True}
    ((_, body),) = eventually(lambda: gusu.handed_on(OPENED))
    assert (LinkOpened.FromString(body).peer, LinkOpened.FromString(body).version) == (HUANGPU, before + 1)
    assert gusu.command("brief", "340103")["error"] == "courier.no_link"
