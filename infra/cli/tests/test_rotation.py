"""`tongban district rotate`: the new key is known before it is used, and the old one until nothing needs it."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from chassis.sealed import FieldCipher, FieldKeys, TransitSeal
from courier import keys
from cryptography import x509
from identity.adapters.sealing import pairwise_key
from tongban_cli import district_bundle, district_rotation
from tongban_cli.commands import district as command
from tongban_cli.district_folder import Districts
from tongban_cli.main import main

GUSU = "320508"
NOW = datetime.now(UTC).replace(microsecond=0)


class Office:
    """Whoever keeps Gusu's keys."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.districts, self.keep = Districts(folder / "districts"), folder / "keep"
        self._capsys, self._patch = capsys, monkeypatch
        self.said = self.refused = ""
        keys.make_root(folder / "alliance")
        self._root = folder / "alliance" / "root.pub.jwk"
        assert self("new", GUSU, "--name-zh", "姑苏区", "--name-en", "Gusu, Suzhou") == 0

    def __call__(self, *argv: str, later: timedelta = timedelta()) -> int:
        self._patch.setattr(command, "_now", lambda: NOW + later)
        self._capsys.readouterr()
        status = main(["district", *argv, "--districts", str(self.districts.root), "--keep", str(self.keep)])
        self.said, self.refused = self._capsys.readouterr()
        return status

    def rotate(self, *argv: str, **more: Any) -> None:
        assert self("rotate", GUSU, *argv, **more) == 0, self.refused

    def secret(self, thing: str) -> dict[str, str]:
        assert self("secrets", GUSU, "--root", str(self._root)) == 0, self.refused
        return next(
            dict(one["stringData"])
            for one in yaml.safe_load_all(self.said)
            if one["metadata"]["name"] == f"d{GUSU}-{thing}"
        )

    def shown(self, use: str) -> list[str]:
        bundle = district_bundle.read(self.districts[GUSU].join.read_text(), NOW)
        return [key.kid for key in bundle.member.keys if key.use == use]


@pytest.fixture
def office(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Office:
    return Office(tmp_path, capsys, monkeypatch)


def kids(text: str) -> list[str]:
    found = json.loads(text)
    return [key["kid"] for key in found.get("keys", [found])]


def test_the_gateways_new_key_is_known_to_services_before_it_signs_and_the_old_one_after(office: Office) -> None:
    def now() -> tuple[list[str], list[str]]:
        return kids(office.secret("edge-key")["edge.jwk"]), kids(office.secret("edge-keys")["edge.jwks"])

    (old,), _ = now()
    office.rotate("edge", "add")
    signs, known = now()
    assert signs == [old]
    (new,) = set(known) - {old}
    office.rotate("edge", "use")
    signs, known = now()
    assert (signs, set(known)) == ([new], {old, new})
    office.rotate("edge", "drop", later=timedelta(minutes=6))
    assert now() == ([new], [new])
    assert "d" not in json.loads(office.secret("edge-keys")["edge.jwks"])["keys"][0]


def test_tokens_are_signed_with_a_key_that_was_shown_before(office: Office) -> None:
    def now() -> list[str]:
        return kids(office.secret("identity-keys")["identity.jwk"])

    (old,) = now()
    office.rotate("identity", "add")
    assert now()[0] == old
    new = now()[1]
    office.rotate("identity", "use")
    assert now() == [new, old]
    office.rotate("identity", "drop", later=timedelta(hours=2))
    assert now() == [new]


def test_what_was_sealed_under_the_old_transit_key_opens_until_it_is_dropped(office: Office) -> None:
    def seal() -> TransitSeal:
        return TransitSeal.of(office.secret("field-keys")["transit"])

    told = {"id": "1", "type": "case.Opened"}
    first = seal()
    old = first.seal(b"letter", **told)
    office.rotate("transit", "add")
    added = seal()
    assert first.open(added.seal(b"letter", **told), **told) == b"letter"  # whoever has not restarted yet opens it
    office.rotate("transit", "use")
    used = seal()
    assert added.open(used.seal(b"letter", **told), **told) == b"letter"
    assert used.open(old, **told) == b"letter"
    assert office("rotate", GUSU, "transit", "drop", later=timedelta(days=7)) == 1
    assert "district.too_early" in office.refused
    office.rotate("transit", "drop", later=timedelta(days=9))
    assert office.secret("field-keys")["transit"].count(",") == 0


def test_a_field_key_is_known_before_it_seals_and_the_old_one_after_and_names_at_peers_stay(office: Office) -> None:
    def now() -> dict[str, FieldKeys]:
        held = office.secret("field-keys")
        return {name: FieldKeys.of(text) for name, text in held.items() if name not in ("transit", "pairwise")}

    begun, pairwise = now(), office.secret("field-keys")["pairwise"]
    assert {held.never_changed for held in begun.values()} == {True}
    assert pairwise_key(begun["identity"], "") == base64.b64decode(pairwise)
    sealed = FieldCipher(begun["hotline"]).seal("text", "place")
    office.rotate("field", "add")
    added = now()
    assert {name: held.first for name, held in added.items()} == {name: held.first for name, held in begun.items()}
    office.rotate("field", "use")
    used = now()
    assert {name: held.all[::-1] for name, held in used.items()} == {name: held.all for name, held in added.items()}
    assert all(held.first.named for held in used.values())
    assert len({held.first.id for held in used.values()}) == len(used), "each service has a key of its own"
    assert FieldCipher(used["hotline"]).open(sealed, "place") == "text"
    assert office("rotate", GUSU, "field", "drop", later=timedelta(minutes=59)) == 1
    assert "district.too_early" in office.refused
    office.rotate("field", "drop", later=timedelta(minutes=61))
    assert {name: held.all for name, held in now().items()} == {name: held.all[:1] for name, held in used.items()}
    assert office.secret("field-keys")["pairwise"] == pairwise


def test_keys_from_before_the_pairwise_key_was_kept_give_the_one_that_people_are_known_by(office: Office) -> None:
    office.secret("field-keys")
    kept = office.keep / GUSU / "passwords.json"
    old = json.loads(kept.read_text())
    pairwise = old["fieldKeys"].pop("pairwise")
    kept.write_text(json.dumps(old))
    office.rotate("field", "add")
    assert office.secret("field-keys")["pairwise"] == pairwise


def test_check_says_when_a_change_of_keys_was_left_half_done(office: Office) -> None:
    def said(later: timedelta) -> bool:
        office("check", GUSU, "--json", later=later)
        return "district.two_keys" in office.said

    office.rotate("field", "add")
    assert not said(timedelta(days=44))
    assert said(timedelta(days=46))
    office.rotate("field", "use", later=timedelta(days=46))
    office.rotate("field", "drop", later=timedelta(days=47))
    assert not said(timedelta(days=200))


@pytest.mark.parametrize(("kind", "use"), [("signing", "sig"), ("sealing", "enc")])
def test_a_couriers_new_key_is_shown_beside_the_old_one_and_then_alone(office: Office, kind: str, use: str) -> None:
    (old,) = office.shown(use)
    office.rotate(kind, "add")
    both = office.shown(use)
    assert both[0] == old
    office.rotate(kind, "drop")
    assert office.shown(use) == both[1:]
    private = kids(office.secret("courier-keys")["courier.jwks"])
    assert (old in private) == (kind == "sealing")


def test_a_sealing_key_goes_for_good_when_nothing_sealed_to_it_can_come(office: Office) -> None:
    (old,) = office.shown("enc")
    office.rotate("sealing", "add")
    office.rotate("sealing", "drop")
    office.rotate("sealing", "drop", later=timedelta(days=44))
    assert old in kids(office.secret("courier-keys")["courier.jwks"])
    office.rotate("sealing", "drop", later=timedelta(days=46))
    assert old not in kids(office.secret("courier-keys")["courier.jwks"])


def issued_by(certificate: str, authority: str) -> bool:
    of, by = (x509.load_pem_x509_certificate(text.encode()) for text in (certificate, authority))
    try:
        of.verify_directly_issued_by(by)
    except Exception:
        return False
    return True


def test_an_authority_is_believed_before_it_issues_and_its_predecessor_after(office: Office) -> None:
    old = office.secret("courier-client-tls")
    office.rotate("authority", "add")
    added = office.secret("courier-client-tls")
    assert added["tls.crt"] == old["tls.crt"]
    assert added["ca.crt"].startswith(old["ca.crt"])
    new = added["ca.crt"].removeprefix(old["ca.crt"])
    assert len(office.shown("tls")) == 2
    assert district_bundle.read(office.districts[GUSU].join.read_text(), NOW).authority == added["ca.crt"]
    office.rotate("authority", "use")
    used = office.secret("courier-client-tls")
    assert issued_by(used["tls.crt"], new)
    assert not issued_by(used["tls.crt"], old["ca.crt"])
    assert used["ca.crt"] == new + old["ca.crt"]
    office.rotate("authority", "drop", later=timedelta(minutes=6))
    assert office.secret("courier-client-tls") == used | {"ca.crt": new}
    assert len(office.shown("tls")) == 1


def test_certificates_are_issued_anew_by_the_same_authority(office: Office) -> None:
    things = ("edge-tls", "courier-server-tls", "courier-client-tls", "courier-local-tls")
    before = {thing: office.secret(thing) for thing in things}
    office.rotate("certificates", "renew")
    for thing in things:
        now = office.secret(thing)
        assert now["ca.crt"] == before[thing]["ca.crt"]
        assert now["tls.key"] != before[thing]["tls.key"]
        assert issued_by(now["tls.crt"], now["ca.crt"])


def test_new_passwords_touch_no_key_of_data_at_rest(office: Office) -> None:
    things = ("broker", "database", "field-keys")
    before = {thing: office.secret(thing) for thing in things}
    office.rotate("passwords", "renew")
    now = {thing: office.secret(thing) for thing in things}
    assert now["field-keys"] == before["field-keys"]
    assert not set(now["broker"].values()) & set(before["broker"].values())
    same = {role for role, password in now["database"].items() if before["database"][role] == password}
    assert same == {"postgres"}  # an embedded database takes it when it is made, and never again


@pytest.mark.parametrize(
    ("taken", "argv", "code"),
    [
        ([], ["edge", "use"], "district.not_next"),
        ([["edge", "add"]], ["edge", "add"], "district.not_next"),
        ([["edge", "add"], ["edge", "use"]], ["edge", "drop"], "district.too_early"),
        ([], ["signing", "use"], "district.no_step"),
        ([], ["sealing", "drop"], "district.not_next"),
        ([], ["fields", "add"], "district.no_kind"),
    ],
)
def test_a_step_that_is_not_the_next_is_refused_and_changes_nothing(
    office: Office, taken: list[list[str]], argv: list[str], code: str
) -> None:
    for one in taken:
        office.rotate(*one)

    def content() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in office.keep.rglob("*") if path.is_file()}

    before = content()
    assert office("rotate", GUSU, *argv) == 1
    assert office.refused.startswith(f"tongban: {code}: ")
    assert content() == before


def test_an_old_key_that_was_given_away_goes_at_once_where_somebody_says_so(office: Office) -> None:
    office.rotate("edge", "add")
    office.rotate("edge", "use")
    office.rotate("edge", "drop", "--early")
    assert len(kids(office.secret("edge-keys")["edge.jwks"])) == 1


def test_where_each_kind_stands_is_one_line(office: Office) -> None:
    office.rotate("transit", "add")
    office.rotate()
    rows = {line.split()[0]: line for line in office.said.splitlines()}
    assert set(rows) == set(district_rotation.KINDS)
    assert "next: use" in rows["transit"]
    assert "next: renew" in rows["passwords"]


def test_check_says_in_time_that_the_authority_ends_until_there_is_a_next(office: Office) -> None:
    def said(later: timedelta) -> bool:
        office("check", GUSU, "--json", later=later)
        return "district.authority_ends" in office.said

    office.secret("edge-tls")
    assert not said(timedelta(days=300))
    assert said(timedelta(days=330))
    office.rotate("authority", "add")
    assert not said(timedelta(days=330))


def test_certificates_of_another_authority_are_not_renewed_here(office: Office, tmp_path: Path) -> None:
    office.secret("edge-tls")
    other = tmp_path / "alliance-ca.pem"
    other.write_text((office.keep / GUSU / "tls" / "authority.pem").read_text())
    assert office("new", GUSU, "--tls-ca", str(other)) == 0
    assert office("rotate", GUSU, "certificates", "renew") == 1
    assert "district.no_authority" in office.refused


def test_an_alliances_two_authorities_are_both_shown_while_one_follows_the_other(
    office: Office, tmp_path: Path
) -> None:
    office.rotate("authority", "add")
    both = tmp_path / "alliance-ca.pem"
    both.write_text(office.secret("edge-tls")["ca.crt"])
    assert office("new", GUSU, "--tls-ca", str(both)) == 0
    assert len(office.shown("tls")) == 2
