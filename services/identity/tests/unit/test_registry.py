"""Whose people may be known here: the signed registry of districts, and what its dates and states mean."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from chassis.signed import SigningKey
from identity.adapters.registry_copy import kept_copy, read_copy, read_root
from identity.domain.errors import BadRegistry, NotAPeer, RegistryDiffers, RegistryExpired
from identity.domain.registry import GRACE
from identity.usecases.keep_registry import keep_registry
from joserfc.jwk import OctKey, OKPKey

from ..factories import GUSU, HUANGPU, NOW, ROOT, TIANNING, a_member, a_registry
from ..fakes import FakeWork

TRUSTED = SigningKey("root", "EdDSA", ROOT.as_dict(private=False))
EXPIRES = datetime(2027, 1, 1, tzinfo=UTC)


def keep(work: FakeWork, text: str) -> bool:
    return keep_registry(work, GUSU, read_copy(text, TRUSTED), text, now=NOW)


def codes(text: str, home: str = GUSU, now: datetime = NOW) -> list[str]:
    return [district.code for district in kept_copy(text).peers(home, now)]


def test_a_registry_that_the_root_signed_is_read() -> None:
    made = read_copy(a_registry(), TRUSTED)
    assert (made.version, made.expires_at) == (1, EXPIRES)
    assert made.peer(GUSU, HUANGPU, NOW).issuer == f"https://{HUANGPU}.example"


def altered() -> str:
    document = json.loads(a_registry())
    document["payload"] = json.loads(a_registry(a_member(GUSU), a_member(HUANGPU, issuer="https://x.example")))[
        "payload"
    ]
    return json.dumps(document)


HMAC = OctKey.import_key(json.dumps(ROOT.as_dict(private=False)).encode())


@pytest.mark.parametrize(
    "text",
    [
        a_registry(key=OKPKey.generate_key("Ed25519", {"kid": "root"})),
        a_registry(key=HMAC, alg="HS256"),
        altered(),
        json.dumps(json.loads(a_registry()) | {"signatures": []}),
        "{}",
        "[" * 100_000,
        "not json",
    ],
    ids=["another key", "HS256 with the public key", "altered", "unsigned", "empty", "deep", "no JSON"],
)
def test_what_the_root_did_not_sign_is_never_kept(text) -> None:
    with pytest.raises(BadRegistry):
        read_copy(text, TRUSTED)


def test_a_lower_version_never_replaces_a_higher_one_and_the_same_again_changes_nothing() -> None:
    work = FakeWork()
    assert keep(work, a_registry(version=2))
    assert not keep(work, a_registry(version=2))
    assert not keep(work, a_registry(version=1))
    assert work.registry.newest()[0] == 2
    assert keep(work, a_registry(version=3))
    with pytest.raises(RegistryDiffers):
        keep(work, a_registry(a_member(GUSU), version=3))


def test_a_suspended_district_and_one_without_a_provider_are_no_peers() -> None:
    for changed in ({"state": "suspended"}, {"issuer": ""}, {"issuer": "http://plain.example"}):
        text = a_registry(a_member(GUSU), a_member(HUANGPU, **changed), a_member("330102"))
        assert codes(text) == ["330102"]
        with pytest.raises(NotAPeer):
            kept_copy(text).peer(GUSU, HUANGPU, NOW)


def test_a_district_that_is_suspended_itself_believes_nobody() -> None:
    assert codes(a_registry(a_member(GUSU, state="suspended"), a_member(HUANGPU))) == []


def test_a_bilateral_partner_is_a_peer_of_whom_it_names_alone() -> None:
    partner = a_member(TIANNING, relation="bilateral", linked_to=[GUSU])
    text = a_registry(a_member(GUSU), a_member(HUANGPU), partner)
    assert [codes(text, home) for home in (GUSU, HUANGPU, TIANNING)] == [[HUANGPU, TIANNING], [GUSU], [GUSU]]


def test_an_expired_registry_is_worked_with_for_a_day_and_no_longer() -> None:
    last = EXPIRES + GRACE
    assert codes(a_registry(), now=last - timedelta(seconds=1)) == [HUANGPU]
    assert codes(a_registry(), now=last) == []
    with pytest.raises(RegistryExpired):
        kept_copy(a_registry()).peer(GUSU, HUANGPU, last)


def test_nobody_is_their_own_peer_and_strangers_are_none() -> None:
    for code in (GUSU, "999999", ""):
        with pytest.raises(NotAPeer):
            kept_copy(a_registry()).peer(GUSU, code, NOW)


def test_a_root_key_file_holds_the_public_half_alone(tmp_path) -> None:
    path = tmp_path / "root.jwk"
    path.write_text(json.dumps(ROOT.as_dict(private=False) | {"alg": "EdDSA"}))
    assert read_root(path).kid == "root"
    for wrong in (ROOT.as_dict(private=True) | {"alg": "EdDSA"}, {"kid": "root"}, []):
        path.write_text(json.dumps(wrong))
        with pytest.raises(ValueError, match="root"):
            read_root(path)
