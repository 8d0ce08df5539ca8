"""What the terminal fleet does, on the fake: Huangpu owns, Gusu hosts."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from chassis.clock import FixedClock
from chassis.paging import Wish
from terminal_fleet.domain import errors
from terminal_fleet.domain.events import HealthReported, PlacementAnswered, PlacementOffered
from terminal_fleet.domain.model import Health, Placement
from terminal_fleet.domain.policies import check_public_key, id_for, key_thumbprint, new_kiosk
from terminal_fleet.usecases.answer_placement import answer_placement
from terminal_fleet.usecases.check_silence import BATCH, check_silence
from terminal_fleet.usecases.get_kiosk import get_kiosk
from terminal_fleet.usecases.hear_of_kiosk import note_health, note_placement, note_refusal
from terminal_fleet.usecases.list_kiosks import list_kiosks
from terminal_fleet.usecases.note_agreement import note_agreement
from terminal_fleet.usecases.record_heartbeat import record_heartbeat
from terminal_fleet.usecases.register_kiosk import register_kiosk

from ..factories import GUSU, HUANGPU, NOW, PUBLIC_JWK, SHANGCHENG, kiosk
from ..fakes import FakeWork

ID = id_for(HUANGPU, "fleet-1", "key-1")
CLIENT = f"kiosk-{ID}"


@pytest.fixture
def owner() -> FakeWork:
    """Huangpu, which has an agreement with Gusu."""
    work = FakeWork(HUANGPU)
    note_agreement(work, GUSU)
    return work


@pytest.fixture
def host() -> FakeWork:
    return FakeWork(GUSU)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


def registered(work, host=GUSU, id=ID, **changes):
    words = {"name": "店小二 4.0", "place": "一楼大厅"} | changes
    return register_kiosk(work, new_kiosk(id, district=work.district, host=host, now=NOW, **words))


def offered_and_answered(owner, host):
    registered(owner)
    answer_placement(host, owner.sent[-1][1].kiosk, sender=HUANGPU)
    note_placement(owner, host.sent[-1][1], sender=GUSU)


def beat(work, sequence, clock, client_id=CLIENT, software_version="4.0", id=ID):
    record_heartbeat(
        work, id, client_id=client_id, sequence=sequence, software_version=software_version, now=clock.now()
    )


def refuses(kind: type[errors.FleetError], code: str, group: str):
    assert (kind.code, kind.kind) == (code, group)
    return pytest.raises(kind)


def test_a_kiosk_in_the_owners_hall_stands_at_once_and_nobody_is_asked(owner) -> None:
    made = registered(owner, host="")
    assert (made.host, made.placement, made.health) == (HUANGPU, Placement.CONFIRMED, Health.NEVER_SEEN)
    assert owner.sent == []
    assert [event.kiosk for event in owner.recorded] == [made]


def test_a_foreign_host_is_asked_and_not_told_the_client(owner) -> None:
    made = registered(owner)
    assert (made.placement, made.client_id) == (Placement.OFFERED, CLIENT)
    assert owner.sent == [(GUSU, PlacementOffered(replace(made, offer_id="")))]


def test_the_same_request_gets_the_same_id_and_another_another(owner) -> None:
    assert id_for(HUANGPU, "a", "key") == id_for(HUANGPU, "a", "key")
    assert len({id_for(HUANGPU, "a", "key"), id_for(HUANGPU, "b", "key"), id_for(HUANGPU, "a", "key2")}) == 3
    assert id_for(HUANGPU, "a", "bc") != id_for(HUANGPU, "ab", "c")


def test_a_client_id_is_one_that_identity_accepts() -> None:
    assert 3 <= len(CLIENT) <= 64
    assert set(CLIENT) <= set("abcdefghijklmnopqrstuvwxyz0123456789._-")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"place": ""}, "place"),
        ({"place": "two\nlines"}, "place"),
        ({"host": "gusu"}, "host_district"),
    ],
)
def test_a_kiosk_that_breaks_a_rule_is_not_registered(owner, changes, field) -> None:
    with refuses(errors.InvalidKiosk, "terminal_fleet.invalid_kiosk", "invalid") as refused:
        registered(owner, **changes)
    assert refused.value.details == {"field": field}
    assert owner.kiosks.kept == {}


@pytest.mark.parametrize(
    "text", ["", "x", "[]", "{}", '{"kty": 1}', "[" * 5000, '{"kty":"OKP","x":"' + "a" * 5000 + '"}']
)
def test_a_key_that_is_none_is_refused(text) -> None:
    with pytest.raises(errors.InvalidKiosk, match="JSON Web Key"):
        check_public_key(text)


def test_a_host_without_an_agreement_is_refused_before_anything_is_kept_or_sent(owner) -> None:
    with refuses(errors.HostNotLinked, "terminal_fleet.host_not_linked", "conflict") as refused:
        registered(owner, host=SHANGCHENG)
    assert refused.value.details == {"host": SHANGCHENG}
    assert (owner.kiosks.kept, owner.sent) == ({}, [])
    note_agreement(owner, SHANGCHENG)
    assert registered(owner, host=SHANGCHENG).placement is Placement.OFFERED


def test_a_key_registers_one_kiosk(owner) -> None:
    first = registered(owner, key="t")
    assert registered(owner, key="t").id == first.id, "the same kiosk again is no other"
    with refuses(errors.KeyTaken, "terminal_fleet.key_taken", "conflict"):
        registered(owner, id=id_for(HUANGPU, "fleet-1", "key-2"), key="t")
    assert set(owner.kiosks.kept) == {first.id}


def test_a_thumbprint_is_that_of_rfc_8037_and_the_same_however_the_key_is_written() -> None:
    """RFC 8037, appendix A.3."""
    thumbprint = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    assert key_thumbprint(PUBLIC_JWK) == thumbprint
    key = json.loads(PUBLIC_JWK)
    for other in (
        json.dumps({**key, "kid": "mine", "use": "sig"}, indent=2, sort_keys=True),
        json.dumps({**key, "x": key["x"] + "="}),
        json.dumps({**key, "x": key["x"][:-1] + "p"}),  # bits that base64url leaves open
    ):
        assert key_thumbprint(other) == thumbprint
    assert key_thumbprint(PUBLIC_JWK.replace("11q", "22q")) != thumbprint


@pytest.mark.parametrize("text", ['{"kty": "OKP"}', '{"kty": "oct"}', '{"kty": "OKP", "crv": "Ed25519", "x": 7}'])
def test_a_key_that_is_not_whole_is_refused(text) -> None:
    with pytest.raises(errors.InvalidKiosk, match="whole key"):
        key_thumbprint(text)


@pytest.mark.parametrize("member", ["d", "p", "k"])
def test_a_private_key_never_comes_here(member) -> None:
    check_public_key(PUBLIC_JWK)
    with pytest.raises(errors.InvalidKiosk, match="never leaves the kiosk"):
        check_public_key(PUBLIC_JWK[:-1] + f', "{member}": "secret"}}')


def test_the_host_keeps_a_copy_and_both_know_that_it_agreed(owner, host) -> None:
    offered_and_answered(owner, host)
    there, here = get_kiosk(host, ID), get_kiosk(owner, ID)
    assert (there.district, there.owner, there.host, there.placement) == (GUSU, HUANGPU, GUSU, Placement.CONFIRMED)
    assert there.client_id == there.offer_id == ""
    assert (here.placement, here.offer_id) == (Placement.CONFIRMED, "")
    assert [each.id for each in list_kiosks(host, Wish(9)).rows] == [ID]
    assert host.sent == [(HUANGPU, PlacementAnswered(ID, True, ""))]


def test_an_offer_that_comes_again_is_answered_as_before_and_changes_nothing(owner, host) -> None:
    registered(owner)
    offer = owner.sent[-1][1].kiosk
    answer_placement(host, offer, sender=HUANGPU)
    kept = get_kiosk(host, ID)
    answer_placement(host, offer, sender=HUANGPU)
    assert get_kiosk(host, ID) == kept
    assert host.sent == [(HUANGPU, PlacementAnswered(ID, True, ""))] * 2
    assert len(host.recorded) == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"host": SHANGCHENG}, "it is not to stand in this district"),
        ({"name": ""}, "The kiosk's name must not be empty."),
        ({"id": "k320508-000000000000"}, "The kiosk's id must name the district that owns it."),
    ],
)
def test_what_the_host_cannot_host_is_declined_with_the_reason_and_not_kept(host, changes, reason) -> None:
    offer = replace(kiosk(), **changes)
    answer_placement(host, offer, sender=HUANGPU)
    assert host.sent == [(HUANGPU, PlacementAnswered(offer.id, False, reason))]
    assert host.kiosks.kept == {}


def test_a_district_offers_its_own_kiosks_only(host) -> None:
    with refuses(errors.NotTheOwner, "terminal_fleet.not_the_owner", "forbidden"):
        answer_placement(host, kiosk(), sender=SHANGCHENG)
    assert host.sent == []


def test_a_declined_kiosk_says_why(owner) -> None:
    registered(owner)
    note_placement(owner, PlacementAnswered(ID, False, "no room"), sender=GUSU)
    assert (get_kiosk(owner, ID).placement, get_kiosk(owner, ID).placement_reason) == (Placement.DECLINED, "no room")


def test_only_the_hosts_first_answer_counts(owner) -> None:
    registered(owner)
    note_placement(owner, PlacementAnswered(ID, True, ""), sender=SHANGCHENG)
    assert get_kiosk(owner, ID).placement is Placement.OFFERED
    note_placement(owner, PlacementAnswered(ID, True, ""), sender=GUSU)
    note_placement(owner, PlacementAnswered(ID, False, "late"), sender=GUSU)
    assert get_kiosk(owner, ID).placement is Placement.CONFIRMED


def test_the_first_heartbeat_puts_a_kiosk_online_and_the_host_hears_of_it(owner, host, clock) -> None:
    offered_and_answered(owner, host)
    owner.sent.clear()
    beat(owner, 1, clock)
    here = get_kiosk(owner, ID)
    assert (here.health, here.last_heartbeat_at, here.software_version) == (Health.ONLINE, clock.now(), "4.0")
    assert owner.sent == [(GUSU, HealthReported(ID, Health.ONLINE, clock.now(), here.version))]
    note_health(host, owner.sent[0][1], sender=HUANGPU)
    assert (get_kiosk(host, ID).health, get_kiosk(host, ID).last_heartbeat_at) == (Health.ONLINE, clock.now())


def test_further_heartbeats_move_the_time_and_tell_nobody(owner, host, clock) -> None:
    offered_and_answered(owner, host)
    beat(owner, 1, clock)
    told = (len(owner.sent), len(owner.recorded), get_kiosk(owner, ID).version)
    for sequence in range(2, 6):
        clock.advance(seconds=30)
        beat(owner, sequence, clock)
    assert (len(owner.sent), len(owner.recorded), get_kiosk(owner, ID).version) == told
    assert get_kiosk(owner, ID).last_heartbeat_at == clock.now()


def test_new_software_is_told_here_but_is_not_the_hosts_business(owner, host, clock) -> None:
    offered_and_answered(owner, host)
    beat(owner, 1, clock)
    sent, recorded = len(owner.sent), len(owner.recorded)
    beat(owner, 2, clock, software_version="4.1")
    assert (len(owner.sent), len(owner.recorded)) == (sent, recorded + 1)


@pytest.mark.parametrize("sequence", [1, 4, 5])
def test_a_heartbeat_that_is_not_newer_changes_nothing(owner, clock, sequence) -> None:
    registered(owner, host="")
    beat(owner, 5, clock)
    before = get_kiosk(owner, ID)
    clock.advance(seconds=30)
    beat(owner, sequence, clock, software_version="forged")
    assert get_kiosk(owner, ID) == before


@pytest.mark.parametrize("client_id", ["kiosk-other", "", "portal"])
def test_a_kiosk_speaks_for_itself_alone(owner, clock, client_id) -> None:
    registered(owner, host="")
    with refuses(errors.NotThisKiosk, "terminal_fleet.not_this_kiosk", "forbidden"):
        beat(owner, 1, clock, client_id=client_id)
    assert get_kiosk(owner, ID).health is Health.NEVER_SEEN


def test_the_hosts_copy_takes_no_heartbeats_even_from_nobodys_client(owner, host, clock) -> None:
    offered_and_answered(owner, host)
    for client_id in ("", CLIENT):
        with pytest.raises(errors.NotThisKiosk):
            beat(host, 1, clock, client_id=client_id)


@pytest.mark.parametrize(("sequence", "version"), [(0, "4"), (-1, "4"), (1, "x" * 65), (1, "a b")])
def test_a_heartbeat_that_makes_no_sense_is_refused(owner, clock, sequence, version) -> None:
    registered(owner, host="")
    with pytest.raises(errors.InvalidKiosk):
        beat(owner, sequence, clock, software_version=version)


def test_a_kiosk_without_a_heartbeat_for_long_enough_is_silent_and_the_host_hears_once(owner, host, clock) -> None:
    offered_and_answered(owner, host)
    beat(owner, 1, clock)
    owner.sent.clear()
    clock.advance(seconds=90)
    check_silence(owner, now=clock.now(), silent_after_s=90)
    assert get_kiosk(owner, ID).health is Health.ONLINE
    clock.advance(seconds=1)
    for _ in range(3):
        check_silence(owner, now=clock.now(), silent_after_s=90)
    assert get_kiosk(owner, ID).health is Health.SILENT
    assert [message.health for _, message in owner.sent] == [Health.SILENT]
    beat(owner, 2, clock)
    assert [message.health for _, message in owner.sent] == [Health.SILENT, Health.ONLINE]


def test_a_kiosk_never_seen_is_not_silent(owner, clock) -> None:
    registered(owner)
    check_silence(owner, now=clock.now() + timedelta(days=9), silent_after_s=90)
    assert get_kiosk(owner, ID).health is Health.NEVER_SEEN


def test_many_silent_kiosks_are_found_in_batches(owner, clock) -> None:
    for n in range(BATCH + 1):
        owner.kiosks.save(kiosk(n, health=Health.ONLINE, last_heartbeat_at=NOW - timedelta(hours=1)))
    assert check_silence(owner, now=NOW, silent_after_s=90)
    assert not check_silence(owner, now=NOW, silent_after_s=90)
    assert {each.health for each in owner.kiosks.kept.values()} == {Health.SILENT}


def test_the_host_hears_on_agreeing_how_a_kiosk_is_that_lived_before(owner, clock) -> None:
    registered(owner)
    beat(owner, 1, clock)
    assert len(owner.sent) == 1
    note_placement(owner, PlacementAnswered(ID, True, ""), sender=GUSU)
    assert owner.sent[-1] == (GUSU, HealthReported(ID, Health.ONLINE, clock.now(), get_kiosk(owner, ID).version))


def test_reports_in_any_order_and_repeated_end_with_the_newest(owner, host) -> None:
    offered_and_answered(owner, host)
    reports = [HealthReported(ID, health, NOW, 3 + n) for n, health in enumerate((Health.ONLINE, Health.SILENT))]
    for report in (reports[1], reports[0], reports[1]):
        note_health(host, report, sender=HUANGPU)
    assert (get_kiosk(host, ID).health, get_kiosk(host, ID).version) == (Health.SILENT, 4)


@pytest.mark.parametrize(("health", "at"), [(Health.ONLINE, None), (Health.NEVER_SEEN, NOW)])
def test_a_report_that_makes_no_sense_is_refused(owner, host, health, at) -> None:
    offered_and_answered(owner, host)
    with pytest.raises(errors.InvalidKiosk):
        note_health(host, HealthReported(ID, health, at, 99), sender=HUANGPU)


def test_what_a_host_writes_is_kept_as_one_line(owner) -> None:
    registered(owner)
    note_placement(owner, PlacementAnswered(ID, False, "no\x00 room\n" + "x" * 900), sender=GUSU)
    assert get_kiosk(owner, ID).placement_reason == "no room" + "x" * 493


def test_only_the_owner_reports(owner, host) -> None:
    offered_and_answered(owner, host)
    with pytest.raises(errors.NotTheOwner):
        note_health(host, HealthReported(ID, Health.SILENT, NOW, 99), sender=SHANGCHENG)


def test_a_refused_offer_is_a_declined_placement_that_somebody_looks_at(owner) -> None:
    registered(owner)
    note_refusal(owner, ID, message_id="310101/1", peer=GUSU, code="courier.not_agreed")
    kept = get_kiosk(owner, ID)
    assert (kept.placement, kept.placement_reason) == (Placement.DECLINED, "courier.not_agreed")
    assert kept.attention == "320508: courier.not_agreed"


def test_a_refused_report_leaves_the_kiosk_in_place_and_somebody_looks(owner, host) -> None:
    offered_and_answered(owner, host)
    note_refusal(owner, ID, message_id="other", peer=GUSU, code="courier.suspended")
    kept = get_kiosk(owner, ID)
    assert (kept.placement, kept.attention) == (Placement.CONFIRMED, "320508: courier.suspended")


def test_a_word_about_an_unknown_kiosk_is_refused(owner, clock) -> None:
    for act in (
        lambda: get_kiosk(owner, "x"),
        lambda: beat(owner, 1, clock, id="x"),
        lambda: note_placement(owner, PlacementAnswered("x", True, ""), sender=GUSU),
        lambda: note_health(owner, HealthReported("x", Health.ONLINE, NOW, 1), sender=GUSU),
        lambda: note_refusal(owner, "x", message_id="", peer=GUSU, code="c"),
    ):
        with refuses(errors.KioskNotFound, "terminal_fleet.kiosk_not_found", "not_found"):
            act()
