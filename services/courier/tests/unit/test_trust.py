"""Whom a district believes, for how long, and what it lets open."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from courier import commands, keys, registry_file
from courier.adapters import jose
from courier.adapters.peer_sender import trusted_certificates
from courier.adapters.seals import JoseSeals
from courier.domain import agreements
from courier.domain import registry as registry_rules
from courier.domain.envelope import MAX_SUBJECT
from courier.domain.errors import Deferred, Malformed, Rejected, TrustError, Unauthenticated
from courier.domain.lights import Facts, Light, Limits, lights
from courier.domain.registry import Freshness, Relation, State, may_replace
from courier.domain.rules import Known, Route, Seen, check_allowed, check_time, compare, signing_key
from courier.domain.trust import Trust
from courier.settings import Settings
from courier.usecases.install_trust import install_agreement
from courier.usecases.ports import Outbound
from courier.usecases.send_messages import EVERY_DISTRICT, check_sendable

from services.courier.tests.factories import (
    GULOU,
    GUSU,
    HUANGPU,
    NOW,
    OFFER,
    ROOT,
    TIANNING,
    a_member,
    a_registry,
    an_id,
    private_keys,
    some_claims,
)
from tests.support.transit import TRANSIT

ROUTES = {OFFER: Route(OFFER, "case_routing", "case_routing", True)}


def bilateral() -> registry_rules.Registry:
    tianning = a_member(TIANNING, relation=Relation.BILATERAL, linked_to=frozenset({GUSU}))
    return a_registry(a_member(GUSU), a_member(HUANGPU), a_member(GULOU), tianning)


def test_alliance_members_are_all_linked_and_a_bilateral_partner_only_where_it_says() -> None:
    registry = bilateral()
    assert registry.linked(GUSU, HUANGPU)
    assert registry.linked(GUSU, TIANNING)
    assert registry.linked(TIANNING, GUSU)
    assert not registry.linked(HUANGPU, TIANNING)
    assert not registry.linked(GUSU, GUSU)
    assert [member.code for member in registry.peers(TIANNING)] == [GUSU]


def test_nobody_without_a_link_is_believed_whatever_the_signature() -> None:
    kid = a_member(TIANNING).keys[0].kid
    with pytest.raises(Unauthenticated, match="no_link"):
        signing_key(bilateral(), HUANGPU, TIANNING, kid, NOW)
    assert signing_key(bilateral(), GUSU, TIANNING, kid, NOW).kid == kid


def test_a_registry_survives_being_written_and_read() -> None:
    text = registry_file.sign_registry(bilateral(), ROOT)
    assert registry_file.read_registry(text, ROOT.public) == bilateral()
    assert registry_file.shown_root(text)["kid"] == ROOT.kid


def test_a_registry_that_the_root_did_not_sign_is_refused() -> None:
    other = keys.RootKey(keys._new_jwk("sig", "EdDSA"))
    text = registry_file.sign_registry(a_registry(), other)
    with pytest.raises(TrustError, match="registry_not_signed_by_root"):
        registry_file.read_registry(text, ROOT.public)


def test_a_file_that_shows_no_root_key_does_not_pass_for_one_that_does() -> None:
    with pytest.raises(TrustError, match="no_root_key"):
        registry_file.shown_root(registry_file.sign_agreement(an_agreement(), signing(GUSU)))


def test_a_registry_with_one_changed_word_is_refused() -> None:
    import base64

    document = json.loads(registry_file.sign_registry(a_registry(), ROOT))
    payload = base64.urlsafe_b64decode(document["payload"] + "==").replace(b'"active"', b'"suspended"', 1)
    document["payload"] = base64.urlsafe_b64encode(payload).decode().rstrip("=")
    with pytest.raises(TrustError):
        registry_file.read_registry(json.dumps(document), ROOT.public)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"payload":1,"signatures":[]}', "[" * 9999, '{"payload":"e30","signatures":{}}']
)
def test_a_file_that_is_no_registry_is_refused(text: str) -> None:
    with pytest.raises((Malformed, TrustError)):
        registry_file.read_registry(text, ROOT.public)


def test_a_lower_version_is_refused_and_the_same_changes_nothing() -> None:
    with pytest.raises(TrustError, match="version_lower"):
        may_replace(a_registry(version=2), a_registry(version=1))
    assert not may_replace(a_registry(version=2), a_registry(version=2))
    assert may_replace(a_registry(version=2), a_registry(version=3))
    assert may_replace(None, a_registry(version=1))


def test_an_expired_registry_works_for_a_day_with_an_alarm_and_then_closes() -> None:
    registry = a_registry()
    assert registry.freshness(registry.expires_at - timedelta(seconds=1)) is Freshness.VALID
    assert registry.freshness(registry.expires_at) is Freshness.GRACE
    assert registry.freshness(registry.expires_at + timedelta(hours=24)) is Freshness.CLOSED
    assert Light.REGISTRY_EXPIRED in lights(Facts(freshness=Freshness.GRACE), Limits(), NOW)


def test_a_suspended_member_is_refused() -> None:
    registry = a_registry(a_member(GUSU, state=State.SUSPENDED), a_member(HUANGPU))
    with pytest.raises(Rejected, match="member_suspended"):
        check_allowed(some_claims(), registry, ROUTES)
    assert registry.active_peers(HUANGPU) == []


def test_retired_keys_stay_in_every_later_registry() -> None:
    first = a_registry()
    new_key = replace(a_member(GUSU).keys[0], kid="new")
    second = registry_file.succeed(first, [a_member(GUSU, keys=(new_key,))], now=NOW)
    kept = {key.kid: key for key in second.members[GUSU].keys}
    assert set(kept) == {"new", *(key.kid for key in a_member(GUSU).keys)}
    assert kept[a_member(GUSU).keys[0].kid].valid_until == NOW
    assert second.version == 2


def test_an_algorithm_that_is_not_allowed_is_no_registry() -> None:
    weak = tuple(replace(key, alg="HS256") for key in a_member(GUSU).keys)
    text = registry_file.sign_registry(a_registry(a_member(GUSU, keys=weak)), ROOT)
    with pytest.raises(Malformed, match="not an allowed signature algorithm"):
        registry_file.read_registry(text, ROOT.public)


# Agreements ---------------------------------------------------------------------------------------------------------------


def an_agreement(version: int = 1, **changes):
    made = registry_file.agreement(
        GUSU, HUANGPU, version=version, opens={GUSU: ["item-1", "kiosk"]}, valid_from=NOW - timedelta(days=1)
    )
    return replace(made, **changes)


def signing(code: str) -> dict:
    return private_keys(code)[0]


def test_an_agreement_counts_only_with_both_signatures() -> None:
    one = registry_file.sign_agreement(an_agreement(), signing(GUSU))
    with pytest.raises(TrustError, match=HUANGPU) as unsigned:
        registry_file.read_agreement(one, a_registry())
    assert unsigned.value.code == "courier.agreement_not_signed"
    both = registry_file.sign_agreement(an_agreement(), signing(HUANGPU), one)
    assert registry_file.read_agreement(both, a_registry()) == an_agreement()


class Kept:
    """The agreements of one courier, as far as installing asks for them."""

    def __init__(self, text: str | None = None) -> None:
        self.text = text

    def agreement_text(self, made) -> str | None:
        return self.text

    def add_agreement(self, made, text: str, now) -> None:
        self.text = text


def test_an_agreement_is_installed_by_its_parties_and_a_version_once() -> None:
    told = {"known": a_registry(), "tell": False, "now": NOW}
    with pytest.raises(TrustError) as others:
        install_agreement(Kept(), GULOU, an_agreement(), "a", **told)
    assert others.value.code == "courier.agreement_of_others"
    kept = Kept()
    assert install_agreement(kept, GUSU, an_agreement(), "a", **told)
    assert not install_agreement(kept, GUSU, an_agreement(), "a", **told)
    with pytest.raises(TrustError) as taken:
        install_agreement(kept, GUSU, an_agreement(), "b", **told)
    assert (taken.value.code, kept.text) == ("courier.agreement_version_taken", "a")


@pytest.mark.parametrize("verb", [commands._install_agreement, commands._evidence, commands._resend])
def test_without_a_registry_nothing_is_agreed_proven_or_sent_again(verb) -> None:
    bare = SimpleNamespace(office=SimpleNamespace(trust=Trust(GUSU, None), seals=None))
    with pytest.raises(TrustError) as refused:
        verb(bare, "x")
    assert refused.value.code == "courier.no_registry"


def test_two_parties_cannot_sign_different_agreements_as_one() -> None:
    one = registry_file.sign_agreement(an_agreement(), signing(GUSU))
    with pytest.raises(TrustError, match="agreements_differ"):
        registry_file.sign_agreement(an_agreement(version=2), signing(HUANGPU), one)


def test_what_opens_needs_an_agreement_in_force_that_allows_it() -> None:
    ask = {"pinned": None, "opening": True, "giver": GUSU, "now": NOW}
    assert agreements.version_for([an_agreement(1), an_agreement(2)], what="item-1", **ask) == 2
    with pytest.raises(Rejected, match="not_agreed"):
        agreements.version_for([an_agreement()], what="item-2", **ask)
    with pytest.raises(Rejected, match="no_agreement"):
        agreements.version_for([an_agreement(valid_until=NOW)], what="item-1", **ask)
    with pytest.raises(Rejected, match="not_agreed"):
        agreements.version_for([an_agreement()], what="item-1", **{**ask, "giver": HUANGPU})


def test_what_is_open_follows_the_version_it_was_opened_under_until_it_is_done() -> None:
    later = [an_agreement(1, valid_until=NOW), an_agreement(2, opens={})]
    assert agreements.version_for(later, pinned=1, opening=True, giver=GUSU, what="item-1", now=NOW) == 1
    arrive = {"opening": True, "giver": GUSU, "what": "item-1", "signed_at": NOW, "now": NOW}
    agreements.check_arrived(later, version=1, pinned=1, **arrive)
    with pytest.raises(Rejected, match="agreement_changed"):
        agreements.check_arrived(later, version=2, pinned=1, **arrive)


def test_what_opens_nothing_needs_no_agreement() -> None:
    quiet = {"pinned": None, "opening": False, "giver": GUSU, "what": "", "now": NOW}
    assert agreements.version_for([], **quiet) == agreements.NO_AGREEMENT
    agreements.check_arrived([], version=0, signed_at=NOW, **quiet)


def test_a_message_that_waited_is_held_against_the_version_of_its_signing() -> None:
    old = an_agreement(1, valid_until=NOW - timedelta(hours=1))
    arrive = {"version": 1, "pinned": None, "opening": True, "giver": GUSU, "what": "item-1", "now": NOW}
    agreements.check_arrived([old], signed_at=NOW - timedelta(hours=2), **arrive)
    with pytest.raises(Rejected, match="agreement_not_in_force"):
        agreements.check_arrived([old], signed_at=NOW, **arrive)


def test_a_version_that_is_not_here_yet_is_no_reason_to_refuse() -> None:
    arrive = {"pinned": None, "opening": True, "giver": GUSU, "what": "item-1", "signed_at": NOW, "now": NOW}
    for kept in ([], [an_agreement(1)]):
        with pytest.raises(Deferred) as caught:
            agreements.check_arrived(kept, version=2, **arrive)
        assert caught.value.code == "courier.agreement_missing"
    agreements.check_arrived([an_agreement(1), an_agreement(2)], version=2, **arrive)


# Rules --------------------------------------------------------------------------------------------------------------------


def test_a_message_of_another_version_of_its_type_is_refused() -> None:
    check_allowed(some_claims(), a_registry(), ROUTES)
    with pytest.raises(Rejected, match="unknown_schema"):
        check_allowed(some_claims(schema=9), a_registry(), ROUTES)


@pytest.mark.parametrize("subject", ["", "x" * (MAX_SUBJECT + 1), "case/1\n"])
def test_a_subject_that_is_none_is_not_sent(subject: str) -> None:
    message = Outbound(an_id(), "case_routing", OFFER, EVERY_DISTRICT, subject, 1, b"letter", "item")
    trust = Trust(GUSU, a_registry(), {}, ROUTES)
    check_sendable(replace(message, subject="case/1"), trust)
    with pytest.raises(Rejected) as refused:
        check_sendable(message, trust)
    assert refused.value.code == "courier.bad_subject"


def test_nothing_is_sealed_for_whom_shows_no_key_nor_signed_without_an_own_one() -> None:
    seals = JoseSeals(GUSU, a_registry(), private_keys(GUSU))
    with pytest.raises(Rejected) as unknown:
        seals.seal(TIANNING, "", b"letter", NOW)
    assert unknown.value.code == "courier.no_key"
    with pytest.raises(Rejected) as early:
        seals.sign(b"letter", NOW - timedelta(days=30))
    assert early.value.code == "courier.no_own_key"


def test_age_refuses_no_message() -> None:
    check_time(some_claims(time=NOW - timedelta(days=400)), NOW, timedelta())


def test_a_question_expires_by_the_askers_clock() -> None:
    ask = some_claims(valid_until=NOW + timedelta(seconds=10), subject_seq=0)
    check_time(ask, NOW, timedelta())
    check_time(ask, NOW + timedelta(days=1), -timedelta(days=1))
    with pytest.raises(Rejected, match="expired"):
        check_time(ask, NOW + timedelta(seconds=11), timedelta())


def test_the_same_number_is_a_duplicate_only_with_the_same_id_and_signature() -> None:
    kept = Seen("id", "digest")
    assert compare(None, kept) == Known.NEW
    assert compare(kept, Seen("id", "digest")) == Known.DUPLICATE
    assert compare(kept, Seen("other", "digest")) == Known.CONFLICT
    assert compare(kept, Seen("id", "other")) == Known.CONFLICT


def test_lights_go_on_after_their_ages_and_off_again() -> None:
    limits, old = Limits(), NOW - timedelta(days=2)
    assert lights(Facts(), limits, NOW) == []
    assert lights(Facts(oldest_waiting=old), limits, NOW) == [Light.OLD_MESSAGE]
    assert lights(Facts(clock_difference=timedelta(minutes=-5)), limits, NOW) == [Light.CLOCK]
    assert lights(Facts(last_conflict=NOW), limits, NOW) == [Light.CONFLICT]
    assert lights(Facts(last_conflict=old), limits, NOW) == []
    assert lights(Facts(linked_since=old), limits, NOW) == [Light.NO_CANARY]
    assert lights(Facts(last_agreement_missing=NOW - timedelta(minutes=14)), limits, NOW) == [Light.AGREEMENT_MISSING]
    assert lights(Facts(last_agreement_missing=NOW - timedelta(minutes=16)), limits, NOW) == []
    assert lights(Facts(linked_since=old, last_echo=NOW), limits, NOW) == []


# Keys and settings ---------------------------------------------------------------------------------------------------------


def test_keys_are_made_once_and_readable_by_their_owner_alone(tmp_path) -> None:
    path = tmp_path / "courier.jwks"
    made = keys.make_district_keys(path, NOW)
    assert keys.make_district_keys(path, NOW + timedelta(days=1)) == made
    assert path.stat().st_mode & 0o777 == 0o600
    assert "d" not in made[0].public
    added = keys.add_district_key(path, "sig", NOW)
    assert [key.kid for key in keys.public_keys(path)] == [*(key.kid for key in made), added.kid]


def test_a_retired_key_is_shown_no_more_and_still_opens_for_a_while_what_was_sealed_to_it(tmp_path) -> None:
    path, keep = tmp_path / "courier.jwks", timedelta(days=45)
    first = {key.use: key.kid for key in keys.make_district_keys(path, NOW)}
    second = {use: keys.add_district_key(path, use, NOW).kid for use in ("sig", "enc")}
    assert {use: keys.retire_district_keys(path, use, NOW, keep) for use in second} == {
        use: [kid] for use, kid in first.items()
    }
    assert {key.use: key.kid for key in keys.public_keys(path)} == second
    private = [key["kid"] for key in keys.read_district_keys(path)]
    assert sorted(private) == sorted([first["enc"], *second.values()])  # nothing is signed with an old key again
    assert all("retired" not in key for key in keys.read_district_keys(path))
    assert keys.retire_district_keys(path, "enc", NOW + keep, keep) == []
    assert [key["kid"] for key in keys.read_district_keys(path) if key["use"] == "enc"] == [second["enc"]]


def test_what_is_kept_here_is_sealed_to_the_newest_key_and_opens_while_the_older_is_kept(tmp_path) -> None:
    path = tmp_path / "courier.jwks"
    message = Outbound(an_id(), "case_routing", OFFER, HUANGPU, "case/1", 1, b"letter", "item")
    keys.make_district_keys(path, NOW)
    before = JoseSeals(GUSU, a_registry(), keys.read_district_keys(path)).seal_to_self(message)
    newest = keys.add_district_key(path, "enc", NOW).kid
    keys.retire_district_keys(path, "enc", NOW, timedelta(days=45))
    seals = JoseSeals(GUSU, a_registry(), keys.read_district_keys(path))
    after = seals.seal_to_self(message)
    assert json.loads(base64.urlsafe_b64decode(after.split(".")[0] + "=="))["kid"] == newest
    assert seals.unseal_own(before) == seals.unseal_own(after) == message


def test_a_registry_is_offered_under_the_key_that_the_peer_has_known_longest(tmp_path) -> None:
    path = tmp_path / "courier.jwks"
    first = next(key for key in keys.make_district_keys(path, NOW) if key.use == "sig")
    second = keys.add_district_key(path, "sig", NOW + timedelta(hours=1))
    both = a_registry(replace(a_member(GUSU), keys=(first, second)))
    seals = JoseSeals(GUSU, both, keys.read_district_keys(path))
    later = NOW + timedelta(days=1)
    assert jose.kid_of(seals.sign(b"claims", later)) == second.kid
    assert jose.kid_of(seals.sign(b"claims", later, longest_known=True)) == first.kid
    given_away = registry_file.succeed(both, [replace(a_member(GUSU), keys=(second,))], now=later)
    seals = JoseSeals(GUSU, given_away, keys.read_district_keys(path))
    assert jose.kid_of(seals.sign(b"claims", later, longest_known=True)) == second.kid


def test_a_peers_broker_is_verified_with_what_the_registry_has_not_ended() -> None:
    shown = [registry_rules.Key("tls", kid, "x5c", kid, NOW) for kid in ("old", "new")]
    with_both = replace(a_member(GUSU), keys=(*a_member(GUSU).keys, *shown))
    assert trusted_certificates(with_both, NOW).split() == ["old", "new"]
    with_new = replace(with_both, keys=(*a_member(GUSU).keys, shown[1]))
    later = registry_file.succeed(a_registry(with_both), [with_new], now=NOW).members[GUSU]
    assert {key.kid for key in later.keys if key.use == "tls"} == {"old", "new"}  # both kept, one ended
    assert trusted_certificates(later, NOW).split() == ["new"]


@pytest.mark.parametrize(
    "extra", [{"courier_without": ("security",)}, {"crash_at": "before_commit"}, {"crash_file": "/x"}]
)
def test_what_weakens_a_courier_is_refused_outside_a_test_build(extra, tmp_path) -> None:
    told = {
        "district": GUSU, "service_name": "courier", "amqp_url": "", "database_url": "", "field_key": "", "transit_key": TRANSIT,
        "edge_keys": tmp_path, "courier_keys": tmp_path, "courier_root": tmp_path, "courier_inbox_url": "",
        "courier_certificate": tmp_path, "courier_certificate_key": tmp_path,
    }  # fmt: skip
    Settings(**told, trial=True, **extra)
    with pytest.raises(ValueError, match="test builds"):
        Settings(**told, trial=False, **extra)
