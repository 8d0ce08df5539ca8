"""`tongban district` on folders of its own: what it writes, what it refuses and in which words."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from courier import keys, registry_file
from courier.adapters import jose
from courier.domain.registry import State
from cryptography import x509
from tongban_broker.bus import Bus
from tongban_cli import district_bundle, district_folder, district_join
from tongban_cli.district_check import findings
from tongban_cli.district_errors import DistrictError
from tongban_cli.district_folder import MOST_LINES, Districts, with_peer
from tongban_cli.district_keep import Keep
from tongban_cli.main import main
from tongban_database.roles import owners

GUSU, TIANNING, HUANGPU = "320508", "320402", "310101"
NOW = datetime.now(UTC).replace(microsecond=0)


class Office:
    """The people of one district: their checkout's folder of districts, their keys, their command line."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.districts = Districts(folder / "districts")
        self.keep = folder / "keep"
        self._capsys = capsys
        self.said = self.refused = ""

    def __call__(self, *argv: str) -> int:
        told = ["--districts", str(self.districts.root), "--keep", str(self.keep)]
        self._capsys.readouterr()
        status = main(["district", *argv, *told])
        self.said, self.refused = self._capsys.readouterr()
        return status

    def new(self, code: str, zh: str, en: str, *more: str) -> Path:
        assert self("new", code, "--name-zh", zh, "--name-en", en, *more) == 0, self.refused
        return self.districts[code].join

    def key(self, code: str) -> dict[str, Any]:
        return district_keys(self.keep / code / "courier.jwks")


def district_keys(path: Path) -> dict[str, Any]:
    return [key for key in keys.read_district_keys(path) if key["use"] == keys.SIGNING][-1]


@pytest.fixture
def offices(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[str], Office]:
    return lambda name: Office(tmp_path / name, capsys)


@pytest.fixture
def gusu(offices: Callable[[str], Office]) -> Office:
    office = offices("gusu")
    office.new(GUSU, "姑苏区", "Gusu, Suzhou")
    return office


@pytest.fixture
def tianning(offices: Callable[[str], Office]) -> Office:
    office = offices("tianning")
    office.new(TIANNING, "天宁区", "Tianning, Changzhou", "--relation", "bilateral", "--linked-to", GUSU)
    return office


def thumbprint(bundle: Path) -> str:
    return district_bundle.read(bundle.read_text(), NOW).thumbprint


def fingerprint(bundle: Path) -> str:
    """As it is read out; the thumbprint alone may begin with "-"."""
    return f"sha256:{thumbprint(bundle)}"


def accept(office: Office, bundle: Path, *more: str) -> int:
    return office("accept", str(bundle), "--fingerprint", fingerprint(bundle), *more)


# new --------------------------------------------------------------------------------------------------------------------


def test_a_new_district_is_a_folder_of_two_short_files_and_a_bundle(tianning: Office) -> None:
    folder = tianning.districts[TIANNING]
    assert folder.facts() == {
        "code": TIANNING,
        "name_zh": "天宁区",
        "name_en": "Tianning, Changzhou",
        "relation": "bilateral",
        "linked_to": [GUSU],
        "n": 1,
    }
    assert folder.release()["district"] == {"code": TIANNING, "nameZh": "天宁区", "nameEn": "Tianning, Changzhou"}
    assert len(folder.values.read_text().splitlines()) < MOST_LINES
    bundle = district_bundle.read(folder.join.read_text(), NOW, expected=TIANNING)
    assert bundle.member.broker == f"d{TIANNING}-courier-inbox.d{TIANNING}.svc:5671"
    assert bundle.member.issuer == f"https://d{TIANNING}-identity-http.d{TIANNING}.svc"
    assert {key.use for key in bundle.member.keys} == {"sig", "enc", "tls"}


def test_no_secret_stands_in_what_is_written_beside_the_values(tianning: Office) -> None:
    shown = "".join(path.read_text() for path in tianning.districts.root.rglob("*") if path.is_file())
    kept = [key["d"] for key in keys.read_district_keys(tianning.keep / TIANNING / "courier.jwks")]
    assert kept
    assert not [secret for secret in kept if secret in shown]


def test_what_is_kept_is_for_its_owner_alone(tianning: Office) -> None:
    main(["district", "secrets", TIANNING, "--fresh"])
    folder = tianning.keep / TIANNING
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    private = [path for path in folder.rglob("*") if path.is_file() and path.suffix in (".jwk", ".jwks", ".json")]
    assert len(private) >= 3
    assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}
    assert stat.S_IMODE((folder / "tls" / "authority-key.pem").stat().st_mode) == 0o600


def test_writing_it_again_changes_nothing(tianning: Office) -> None:
    def content() -> dict[Path, bytes]:
        roots = (tianning.districts.root, tianning.keep)
        return {path: path.read_bytes() for root in roots for path in root.rglob("*") if path.is_file()}

    before = content()
    assert tianning("new", TIANNING) == 0
    assert content() == before
    assert "written" not in tianning.said


def test_a_further_key_makes_a_new_bundle_that_shows_both(tianning: Office) -> None:
    first = thumbprint(tianning.districts[TIANNING].join)
    keys.add_district_key(tianning.keep / TIANNING / "courier.jwks", keys.SIGNING, NOW)
    assert tianning("new", TIANNING) == 0
    bundle = district_bundle.read(tianning.districts[TIANNING].join.read_text(), NOW)
    assert bundle.fingerprint != first
    assert first in {key.kid for key in bundle.member.keys}


def test_each_new_district_has_a_place_of_its_own(gusu: Office) -> None:
    gusu.new(HUANGPU, "黄浦区", "Huangpu, Shanghai")
    assert [gusu.districts[code].facts()["n"] for code in (GUSU, HUANGPU)] == [1, 2]


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (["320402"], "district.no_name"),
        (["tianning", "--name-zh", "天宁区", "--name-en", "Tianning"], "district.bad_code"),
        (["320402", "--name-zh", "天", "--name-en", "T", "--relation", "bilateral"], "district.not_linked"),
    ],
)
def test_a_district_that_cannot_be_is_refused_and_nothing_written(
    offices: Callable[[str], Office], argv: list[str], code: str
) -> None:
    office = offices("nowhere")
    assert office("new", *argv) == 1
    assert office.refused.startswith(f"tongban: {code}: ")
    assert not office.districts.root.exists()


def test_a_file_that_is_no_certificate_is_no_authority(offices: Callable[[str], Office], tmp_path: Path) -> None:
    (tmp_path / "other.pem").write_text("no certificate")
    office = offices("nowhere")
    assert office("new", TIANNING, "--name-zh", "天", "--name-en", "T", "--tls-ca", str(tmp_path / "other.pem")) == 1
    assert office.refused.startswith("tongban: district.bad_authority: ")


def test_values_that_are_no_yaml_are_named(gusu: Office, tianning: Office) -> None:
    gusu.districts[GUSU].values.write_text("peers: [\n")
    bundle = tianning.districts[TIANNING].join
    assert gusu("accept", str(bundle), "--fingerprint", fingerprint(bundle)) == 1
    assert gusu.refused.startswith("tongban: district.bad_file: ")


def test_a_district_more_than_there_are_places_for_is_refused(gusu: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(district_folder, "_MOST_PLACES", 1)
    assert gusu("new", TIANNING, "--name-zh", "天宁区", "--name-en", "Tianning") == 1
    assert gusu.refused.startswith("tongban: district.no_place: ")


def test_keys_are_not_kept_where_git_looks(gusu: Office) -> None:
    from tongban_local.checkout import ROOT

    gusu.keep = ROOT / "infra" / "districts" / "keys"
    assert gusu("new", GUSU) == 1
    assert "district.keep_in_git" in gusu.refused


def test_another_certificate_authority_stands_in_the_bundle_and_no_certificate_is_made(
    offices: Callable[[str], Office], gusu: Office, tmp_path: Path
) -> None:
    other = tmp_path / "alliance-ca.pem"
    other.write_text((gusu.keep / GUSU / "tls" / "authority.pem").read_text())
    office = offices("huangpu")
    office.new(HUANGPU, "黄浦区", "Huangpu, Shanghai")  # with one of its own, before the alliance had one
    assert office("new", HUANGPU, "--tls-ca", str(other)) == 0
    assert district_bundle.read(office.districts[HUANGPU].join.read_text(), NOW).authority == other.read_text()
    root = keys.make_root(tmp_path / "alliance")
    assert office("secrets", HUANGPU, "--root", str(tmp_path / "alliance" / "root.pub.jwk")) == 0, root
    assert not [one for one in yaml.safe_load_all(office.said) if one["metadata"]["name"].endswith("-tls")]


# accept -----------------------------------------------------------------------------------------------------------------


def test_accepting_shows_the_facts_lists_the_peer_and_keeps_the_bundle(gusu: Office, tianning: Office) -> None:
    bundle = tianning.districts[TIANNING].join
    before = gusu.districts[GUSU].values.read_text()
    assert accept(gusu, bundle) == 0, gusu.refused
    for fact in ("天宁区", "bilateral", f"d{TIANNING}-courier-inbox", "https://d320402", fingerprint(bundle)):
        assert fact in gusu.said
    row = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": f"d{TIANNING}"}}}
    assert gusu.districts[GUSU].release()["peers"] == [{"code": TIANNING, "network": [row]}]
    assert gusu.districts.accepted(TIANNING).read_text() == bundle.read_text()
    after = gusu.districts[GUSU].values.read_text()
    assert [line for line in before.splitlines() if line not in after.splitlines()] == ["peers: []"]


def test_accepting_again_changes_nothing(gusu: Office, tianning: Office) -> None:
    bundle = tianning.districts[TIANNING].join
    accept(gusu, bundle)
    before = gusu.districts[GUSU].values.read_text()
    assert accept(gusu, bundle) == 0
    assert "nothing changed" in gusu.said
    assert gusu.districts[GUSU].values.read_text() == before


def test_nobody_is_accepted_before_somebody_compared_the_fingerprint(
    gusu: Office, tianning: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    bundle = tianning.districts[TIANNING].join
    assert gusu("accept", str(bundle)) == 1
    assert "district.not_compared" in gusu.refused
    assert gusu("accept", str(bundle), "--fingerprint", "another") == 1
    assert "district.other_fingerprint" in gusu.refused
    assert gusu.districts[GUSU].peers() == []
    assert not gusu.districts.trust.exists()


def signed(member: Any, key: dict[str, Any], **changed: Any) -> str:
    """A bundle as somebody with that key could make it, whatever it says."""
    payload = json.loads(
        jose.document_payload(
            jose.signed_document(
                {"format": district_bundle.FORMAT, "made_at": stamp(NOW), "expires_at": stamp(NOW + timedelta(days=9))}
                | {"member": member}
                | changed,
                key,
                key["kid"],
                key["alg"],
            )
        )
    )
    return json.dumps(jose.signed_document(payload, key, key["kid"], key["alg"]))


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def member_of(bundle: Path) -> dict[str, Any]:
    return json.loads(jose.document_payload(json.loads(bundle.read_text())))["member"]


def altered(bundle: Path) -> str:
    """Sent on with another courier's address, under the old signature."""
    document = json.loads(bundle.read_text())
    text = jose.document_payload(document).decode().replace("courier-inbox", "courier-other")
    import base64

    return json.dumps(document | {"payload": base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")})


def with_key(member: dict[str, Any], use: str, **changed: Any) -> dict[str, Any]:
    return member | {"keys": [key | (changed if key["use"] == use else {}) for key in member["keys"]]}


_PAST, _FUTURE = stamp(NOW - timedelta(days=1)), stamp(NOW + timedelta(days=3))
#: What is wrong → how it is made from a good bundle and its key, and the code of the refusal.
BAD: dict[str, tuple[Callable[[Path, dict[str, Any]], str], str]] = {
    "altered": (lambda path, _: altered(path), "district.bundle_altered"),
    "signed by another key": (
        lambda path, _: signed(member_of(path), keys._new_jwk(keys.SIGNING, "EdDSA")),
        "district.bundle_altered",
    ),
    "a key that ended": (
        lambda path, key: signed(with_key(member_of(path), "sig", until=_PAST), key),
        "district.key_expired",
    ),
    "a key that has not begun": (
        lambda path, key: signed(with_key(member_of(path), "sig", **{"from": _FUTURE}), key),
        "district.key_expired",
    ),
    "a bundle that is over": (
        lambda path, key: signed(member_of(path), key, expires_at=_PAST),
        "district.bundle_expired",
    ),
    "made tomorrow": (lambda path, key: signed(member_of(path), key, made_at=_FUTURE), "district.bundle_not_yet"),
    "no sealing key": (
        lambda path, key: signed(with_key(member_of(path), "enc", until=_PAST), key),
        "district.bad_facts",
    ),
    "no address": (lambda path, key: signed(member_of(path) | {"broker": "somewhere"}, key), "district.bad_facts"),
    "an issuer with a path": (
        lambda path, key: signed(member_of(path) | {"issuer": "https://a.example/b"}, key),
        "district.bad_facts",
    ),
    "an authority that is none": (
        lambda path, key: signed(with_key(member_of(path), "tls", public="-----"), key),
        "district.bad_facts",
    ),
    "no registry's fact": (lambda path, key: signed(member_of(path) | {"colour": "red"}, key), "district.not_a_bundle"),
    "a code of five digits": (
        lambda path, key: signed(member_of(path) | {"code": "32040"}, key),
        "district.not_a_bundle",
    ),
    "another format": (
        lambda path, key: signed(member_of(path), key, format="tongban-registry/1"),
        "district.not_a_bundle",
    ),
    "half a file": (lambda path, _: path.read_text()[:400], "district.not_a_bundle"),
    "no JSON": (lambda *_: "天宁区", "district.not_a_bundle"),
}


@pytest.mark.parametrize("wrong", BAD)
def test_a_bad_bundle_is_refused_with_a_code_and_what_to_do_and_nothing_is_written(
    wrong: str, gusu: Office, tianning: Office, tmp_path: Path
) -> None:
    make, code = BAD[wrong]
    bundle = tmp_path / "bundle.json"
    good = tianning.districts[TIANNING].join
    bundle.write_text(make(good, tianning.key(TIANNING)))
    assert gusu("accept", str(bundle), "--fingerprint", fingerprint(good)) == 1
    assert gusu.refused.startswith(f"tongban: {code}: "), gusu.refused
    assert any(word in gusu.refused for word in ("ask for", "again", "compare")), gusu.refused
    assert gusu.districts[GUSU].peers() == []


def test_a_key_under_another_keys_name_is_refused(gusu: Office, tianning: Office, tmp_path: Path) -> None:
    """Else the fingerprint that people compare would be the name, and the key behind it anybody's."""
    thief, good = keys._new_jwk(keys.SIGNING, "EdDSA"), tianning.districts[TIANNING].join
    named = thief | {"kid": thumbprint(good)}
    bundle = tmp_path / "bundle.json"
    bundle.write_text(signed(with_key(member_of(good), "sig", public=keys.public_part(named)), named))
    assert gusu("accept", str(bundle), "--fingerprint", fingerprint(good)) == 1
    assert "district.bad_facts" in gusu.refused


def test_a_bundle_with_a_private_key_is_refused_and_the_key_given_up(
    gusu: Office, tianning: Office, tmp_path: Path
) -> None:
    key, bundle = tianning.key(TIANNING), tmp_path / "bundle.json"
    bundle.write_text(signed(with_key(member_of(tianning.districts[TIANNING].join), "sig", public=key), key))
    assert gusu("accept", str(bundle), "--fingerprint", key["kid"]) == 1
    assert "private half" in gusu.refused


def test_a_bundle_of_another_district_than_expected_is_refused(gusu: Office, tianning: Office) -> None:
    assert accept(gusu, tianning.districts[TIANNING].join, "--code", HUANGPU) == 1
    assert "district.wrong_code" in gusu.refused


def test_a_districts_own_bundle_is_not_for_itself(gusu: Office) -> None:
    assert accept(gusu, gusu.districts[GUSU].join) == 1
    assert "district.own_bundle" in gusu.refused


def test_a_bilateral_district_is_accepted_only_where_it_says_so(
    offices: Callable[[str], Office], tianning: Office
) -> None:
    huangpu = offices("huangpu")
    huangpu.new(HUANGPU, "黄浦区", "Huangpu, Shanghai")
    assert accept(huangpu, tianning.districts[TIANNING].join) == 1
    assert "district.not_linked" in huangpu.refused


def test_another_key_than_the_accepted_one_takes_a_second_word(
    gusu: Office, tianning: Office, offices: Callable[[str], Office]
) -> None:
    accept(gusu, tianning.districts[TIANNING].join)
    other = offices("somebody")
    bundle = other.new(TIANNING, "天宁区", "Tianning, Changzhou", "--relation", "bilateral", "--linked-to", GUSU)
    assert accept(gusu, bundle) == 1
    assert "district.key_changed" in gusu.refused
    assert accept(gusu, bundle, "--replace") == 0
    assert gusu.districts.accepted(TIANNING).read_text() == bundle.read_text()


def test_who_keeps_keys_for_two_districts_says_which_one_accepts(gusu: Office, tianning: Office) -> None:
    gusu.new(HUANGPU, "黄浦区", "Huangpu, Shanghai")
    bundle = tianning.districts[TIANNING].join
    assert accept(gusu, bundle) == 1
    assert "district.which_district" in gusu.refused
    assert accept(gusu, bundle, "--district", GUSU) == 0


def test_a_peer_elsewhere_is_let_through_by_its_addresses_alone(gusu: Office, tianning: Office) -> None:
    values = tianning.districts[TIANNING].values
    values.write_text(
        values.read_text().replace(f"host: d{TIANNING}-courier-inbox.d{TIANNING}.svc", "host: courier.tianning.example")
    )
    tianning("new", TIANNING)
    bundle = tianning.districts[TIANNING].join
    assert accept(gusu, bundle) == 1
    assert "district.no_network" in gusu.refused
    assert accept(gusu, bundle, "--cidr", "203.0.113.7/33") == 1
    assert "district.no_network" in gusu.refused
    assert accept(gusu, bundle, "--cidr", "203.0.113.7/32", "--cidr", "2001:db8::/64") == 0
    (row,) = gusu.districts[GUSU].release()["peers"]
    assert [one["ipBlock"]["cidr"] for one in row["network"]] == ["203.0.113.7/32", "2001:db8::/64"]


# The list in values.yaml ------------------------------------------------------------------------------------------------


ROW = '  - {code: "320402", network: [{ipBlock: {cidr: 203.0.113.7/32}}]} # 天宁区'


@pytest.mark.parametrize(
    ("before", "codes"),
    [
        ("a: 1\n", ["320402"]),
        ("peers: []\nmail: {host: m}\n", ["320402"]),
        ("peers: [] # none yet\n", ["320402"]),
        ('peers:\n  - {code: "310101"} # one\n  - {code: "340104"}\nlast: 1\n', ["310101", "320402", "340104"]),
        ('peers:\n  - code: "310101"\n    port: 1\n  # two\n  - code: "320106"', ["310101", "320106", "320402"]),
    ],
)
def test_a_peer_takes_its_place_by_code_and_everything_else_stays(before: str, codes: list[str]) -> None:
    after = with_peer(before, "320402", ROW)
    found = yaml.safe_load(after)
    assert [row["code"] for row in found["peers"]] == codes
    assert {key: value for key, value in yaml.safe_load(before).items() if key != "peers"}.items() <= found.items()
    kept = [line for line in before.splitlines() if not line.startswith("peers:")]
    assert [line for line in after.splitlines() if line in kept] == kept


def test_a_list_that_cannot_be_added_to_line_by_line_is_left_alone() -> None:
    with pytest.raises(DistrictError, match="one line a peer"):
        with_peer('peers: [{code: "310101"}]\n', "320402", ROW)


def test_every_district_of_the_project_can_take_one_more() -> None:
    from tongban_local.checkout import ROOT

    districts = Districts(ROOT / "infra" / "districts")
    for code in districts.codes:
        before = districts[code].release()
        after = yaml.safe_load(with_peer(districts[code].values.read_text(), "999999", ROW.replace("320402", "999999")))
        assert [row["code"] for row in after["peers"]] == [*districts[code].peers(), "999999"]
        assert {**after, "peers": before["peers"]} == before


# secrets ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def alliance(tmp_path: Path) -> Path:
    keys.make_root(tmp_path / "alliance")
    return tmp_path / "alliance"


def secrets_of(office: Office, code: str, alliance: Path, *more: str) -> dict[str, dict[str, Any]]:
    assert office("secrets", code, "--root", str(alliance / "root.pub.jwk"), *more) == 0, office.refused
    return {one["metadata"]["name"]: one for one in yaml.safe_load_all(office.said)}


def test_the_secrets_are_those_that_the_chart_mounts(gusu: Office, alliance: Path) -> None:
    """Names and keys as charts/district/values.yaml describes them."""
    found, bus = secrets_of(gusu, GUSU, alliance), Bus.load()
    data = {name.removeprefix(f"d{GUSU}-"): set(one["stringData"]) for name, one in found.items()}
    assert data["broker"] == set(bus.users)
    roles = {f"{service}_{role}" for service in owners(bus.servers) for role in ("owner", "app")}
    assert data["database"] == roles | {"postgres"}
    assert data["field-keys"] == set(bus.users) | {"portal", "transit", "pairwise"}
    assert data["edge-key"] == {"edge.jwk"}
    assert data["edge-keys"] == {"edge.jwks"}
    assert data["identity-keys"] == {"identity.jwk"}
    assert data["portal-keys"] == {"portal.jwk", "relying-parties.json"}
    assert data["courier-keys"] == {"courier.jwks", "root.jwk"}
    tls = {name for name in data if name.endswith("-tls")}
    assert tls == {f"{name}-tls" for name in ("edge", "courier-server", "courier-client", "courier-local")}
    assert all(data[name] == {"tls.crt", "tls.key", "ca.crt"} for name in tls)
    assert {one["metadata"]["namespace"] for one in found.values()} == {f"d{GUSU}"}


def test_secrets_are_made_once_and_fresh_ones_are_kept_nowhere(gusu: Office, alliance: Path) -> None:
    first = secrets_of(gusu, GUSU, alliance)
    assert secrets_of(gusu, GUSU, alliance) == first
    fresh = secrets_of(gusu, GUSU, alliance, "--fresh")
    changed = {name for name in first if fresh[name] != first[name]}
    assert changed == {f"d{GUSU}-{thing}" for thing in ("broker", "database", "field-keys")}
    assert secrets_of(gusu, GUSU, alliance) == first


def test_no_private_root_key_reaches_a_courier(gusu: Office, alliance: Path) -> None:
    assert gusu("secrets", GUSU, "--root", str(alliance / "root.jwk")) == 1
    assert "district.no_root" in gusu.refused
    assert gusu("secrets", GUSU) == 1
    assert "district.no_root" in gusu.refused
    assert gusu.said == ""


def test_a_peers_couriers_are_believed_once_it_was_accepted(gusu: Office, tianning: Office, alliance: Path) -> None:
    own = (gusu.keep / GUSU / "tls" / "authority.pem").read_text()
    peers = (tianning.keep / TIANNING / "tls" / "authority.pem").read_text()
    name = f"d{GUSU}-courier-server-tls"
    assert secrets_of(gusu, GUSU, alliance)[name]["stringData"]["ca.crt"] == own
    accept(gusu, tianning.districts[TIANNING].join)
    after = secrets_of(gusu, GUSU, alliance)
    assert after[name]["stringData"]["ca.crt"] == own + peers
    assert after[f"d{GUSU}-courier-local-tls"]["stringData"]["ca.crt"] == own


def test_certificates_name_the_hosts_that_are_called(gusu: Office, alliance: Path) -> None:
    found = secrets_of(gusu, GUSU, alliance)

    def names(thing: str) -> set[str]:
        pem = found[f"d{GUSU}-{thing}-tls"]["stringData"]["tls.crt"]
        certificate = x509.load_pem_x509_certificate(pem.encode())
        return set(
            certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(
                x509.DNSName
            )
        )

    assert {f"d{GUSU}-gateway", f"d{GUSU}-identity-http.d{GUSU}.svc", f"d{GUSU}-portal.d{GUSU}.svc"} <= names("edge")
    assert names("courier-server") == {f"d{GUSU}-courier-inbox.d{GUSU}.svc", f"d{GUSU}-broker"}
    pem = found[f"d{GUSU}-courier-client-tls"]["stringData"]["tls.crt"]
    subject = x509.load_pem_x509_certificate(pem.encode()).subject.rfc4514_string()
    assert subject == f"CN=courier.{GUSU}"


def test_what_the_values_name_otherwise_is_not_printed(gusu: Office, alliance: Path) -> None:
    values = gusu.districts[GUSU].values
    values.write_text(
        values.read_text() + "\nsecrets: {broker: {existingSecret: ours}}\ntls: {edge: {issuerRef: {name: couriers}}}\n"
    )
    found = secrets_of(gusu, GUSU, alliance)
    assert f"d{GUSU}-broker" not in found
    assert f"d{GUSU}-edge-tls" not in found
    assert f"d{GUSU}-courier-server-tls" in found


def test_there_are_no_secrets_before_there_are_keys(offices: Callable[[str], Office], alliance: Path) -> None:
    assert offices("nowhere")("secrets", GUSU, "--root", str(alliance / "root.pub.jwk")) == 1


# check, and the way from two districts to a link ------------------------------------------------------------------------


def codes_of(office: Office, code: str) -> list[str]:
    office("check", code, "--json")
    return [one["code"] for one in json.loads(office.said)[code]]


def registry_with(office: Office, alliance: Path, *bundles: Path, previous: Path | None = None) -> Path:
    """A version signed with the root key, by the commands that the alliance uses."""
    file = alliance / "registry.json"
    told = [part for path in bundles for part in ("--bundle", str(path))]
    before = ["--previous", str(previous)] if previous else []
    assert main(["registry", "make", str(file), *before, *told]) == 0
    assert main(["registry", "sign", str(file), "--key", str(alliance / "root.jwk")]) == 0
    office.districts.trust.mkdir(exist_ok=True)
    for name in ("registry.json", "root.pub.jwk"):
        (office.districts.trust / name).write_text((alliance / name).read_text())
    return file


def test_check_says_what_is_missing_until_nothing_is(gusu: Office, tianning: Office, alliance: Path) -> None:
    assert codes_of(gusu, GUSU) == ["district.no_registry"]
    registry = registry_with(gusu, alliance, gusu.districts[GUSU].join)
    assert codes_of(gusu, GUSU) == []

    accept(gusu, tianning.districts[TIANNING].join)
    assert codes_of(gusu, GUSU) == ["district.peer_not_in_registry", "district.no_agreement"]
    registry_with(gusu, alliance, tianning.districts[TIANNING].join, previous=registry)
    assert codes_of(gusu, GUSU) == ["district.no_agreement"]

    file = gusu.districts.agreement(GUSU, TIANNING)
    argv = ["agreement", "make", str(file), "--parties", GUSU, TIANNING, "--version", "1", "--opens", f"{GUSU}=*"]
    assert main(argv) == 0
    assert main(["agreement", "sign", str(file), "--key", str(gusu.keep / GUSU / "courier.jwks")]) == 0
    assert codes_of(gusu, GUSU) == ["district.bad_agreement"]  # one party's signature is not enough
    assert main(["agreement", "sign", str(file), "--key", str(tianning.keep / TIANNING / "courier.jwks")]) == 0
    assert codes_of(gusu, GUSU) == []
    assert gusu("check", GUSU) == 0
    assert "nothing is missing" in gusu.said


def test_the_registry_made_of_bundles_links_those_who_named_each_other(
    gusu: Office, tianning: Office, alliance: Path
) -> None:
    file = registry_with(gusu, alliance, gusu.districts[GUSU].join, tianning.districts[TIANNING].join)
    known = registry_file.read_registry(file.read_text(), json.loads((alliance / "root.pub.jwk").read_text()))
    assert known.version == 1
    assert known.linked(GUSU, TIANNING)
    assert known.members[TIANNING].state is State.ACTIVE
    assert known.members[TIANNING].current("sig", NOW).kid == thumbprint(tianning.districts[TIANNING].join)  # type: ignore[union-attr]


def test_a_registry_is_not_made_of_a_bad_bundle(tianning: Office, alliance: Path, capsys: Any) -> None:
    bundle = alliance / "bundle.json"
    bundle.write_text(altered(tianning.districts[TIANNING].join))
    assert main(["registry", "make", str(alliance / "r.json"), "--bundle", str(bundle)]) == 2
    assert "district.bundle_altered" in capsys.readouterr().err
    assert not (alliance / "r.json").exists()


def _harm(office: Office, wrong: str) -> None:
    folder, trust = office.districts[GUSU], office.districts.trust
    if wrong == "district.no_file":
        folder.local.unlink()
    elif wrong == "district.wrong_code":
        folder.values.write_text(folder.values.read_text().replace(f'code: "{GUSU}"', 'code: "310101"'))
    elif wrong == "district.long_values":
        folder.values.write_text(folder.values.read_text() + "#\n" * MOST_LINES)
    elif wrong == "district.no_host":
        folder.values.write_text(folder.values.read_text().replace(f"host: d{GUSU}-courier-inbox", "node: d"))
    elif wrong == "district.no_keys":
        (office.keep / GUSU / "courier.jwks").unlink()
    elif wrong == "district.no_bundle":
        folder.join.unlink()
    elif wrong == "district.bundle_altered":
        folder.join.write_text(altered(folder.join))
    elif wrong == "district.no_root":
        (trust / "root.pub.jwk").unlink()
    elif wrong == "district.bad_registry":
        (trust / "root.pub.jwk").write_text(json.dumps(keys.public_part(keys._new_jwk(keys.SIGNING, "EdDSA"))))
    elif wrong == "district.other_keys":
        keys.add_district_key(office.keep / GUSU / "courier.jwks", keys.SIGNING, NOW)
    elif wrong == "district.other_host":
        folder.values.write_text(folder.values.read_text().replace(f"d{GUSU}-courier-inbox", "elsewhere.example"))
    elif wrong == "district.not_accepted":
        folder.add_peer(HUANGPU, ROW.replace(TIANNING, HUANGPU))


@pytest.mark.parametrize(
    "wrong",
    [
        "district.no_file",
        "district.wrong_code",
        "district.long_values",
        "district.no_host",
        "district.no_keys",
        "district.no_bundle",
        "district.bundle_altered",
        "district.no_root",
        "district.bad_registry",
        "district.other_keys",
        "district.other_host",
        "district.not_accepted",
    ],
)
def test_each_thing_that_can_be_missing_is_named(wrong: str, gusu: Office, alliance: Path) -> None:
    registry_with(gusu, alliance, gusu.districts[GUSU].join)
    assert codes_of(gusu, GUSU) == []
    _harm(gusu, wrong)
    assert wrong in codes_of(gusu, GUSU)
    assert gusu("check", GUSU) == 1


def test_a_registry_without_us_or_against_us_is_named(
    gusu: Office, offices: Callable[[str], Office], alliance: Path
) -> None:
    huangpu = offices("huangpu")
    registry = registry_with(gusu, alliance, huangpu.new(HUANGPU, "黄浦区", "Huangpu, Shanghai"))
    assert codes_of(gusu, GUSU) == ["district.not_in_registry"]
    registry_with(gusu, alliance, gusu.districts[GUSU].join, previous=registry)
    assert codes_of(gusu, GUSU) == ["district.no_peer"]  # the alliance links everybody with everybody
    accept(gusu, huangpu.districts[HUANGPU].join)
    main(["registry", "make", str(registry), "--previous", str(registry), "--suspend", GUSU])
    main(["registry", "sign", str(registry), "--key", str(alliance / "root.jwk")])
    (gusu.districts.trust / "registry.json").write_text(registry.read_text())
    assert codes_of(gusu, GUSU) == ["district.no_agreement", "district.suspended"]


def test_what_ends_soon_is_said_before_it_has_ended(gusu: Office, alliance: Path) -> None:
    file = alliance / "registry.json"
    main(["registry", "make", str(file), "--bundle", str(gusu.districts[GUSU].join), "--days", "7"])
    main(["registry", "sign", str(file), "--key", str(alliance / "root.jwk")])
    gusu.districts.trust.mkdir()
    for name in ("registry.json", "root.pub.jwk"):
        (gusu.districts.trust / name).write_text((alliance / name).read_text())
    assert codes_of(gusu, GUSU) == ["district.registry_ends"]


def test_a_bundle_that_ends_soon_is_named_and_one_that_has_time_is_not(gusu: Office, alliance: Path) -> None:
    def codes_in(days: int) -> set[str]:
        later = NOW + timedelta(days=days)
        return {one.code for one in findings(gusu.districts[GUSU], Keep(gusu.keep / GUSU), later)}

    registry_with(gusu, alliance, gusu.districts[GUSU].join)
    assert "district.bundle_ends" not in codes_in(district_bundle.DAYS - 15)
    assert "district.bundle_ends" in codes_in(district_bundle.DAYS - 13)
    assert "district.bundle_expired" in codes_in(district_bundle.DAYS + 1)


def test_a_registry_that_has_ended_is_named(gusu: Office, alliance: Path) -> None:
    file = registry_with(gusu, alliance, gusu.districts[GUSU].join)
    root = keys.read_root(alliance / "root.jwk")
    made = registry_file.read_registry(file.read_text(), root.public)
    over = replace(made, issued_at=NOW - timedelta(days=2), expires_at=NOW - timedelta(seconds=1))
    (gusu.districts.trust / "registry.json").write_text(registry_file.sign_registry(over, root))
    assert codes_of(gusu, GUSU) == ["district.registry_over"]


@pytest.mark.parametrize(("begins", "ends"), [(1, None), (-9, -1)], ids=["not yet", "no longer"])
def test_an_agreement_that_is_not_in_force_is_named(
    gusu: Office, tianning: Office, alliance: Path, begins: int, ends: int | None
) -> None:
    accept(gusu, tianning.districts[TIANNING].join)
    registry_with(gusu, alliance, gusu.districts[GUSU].join, tianning.districts[TIANNING].join)
    until = None if ends is None else NOW + timedelta(days=ends)
    made = registry_file.agreement(
        GUSU, TIANNING, version=1, opens={GUSU: ["*"]}, valid_from=NOW + timedelta(days=begins), valid_until=until
    )
    text = ""
    for office, code in ((gusu, GUSU), (tianning, TIANNING)):
        text = registry_file.sign_agreement(made, office.key(code), text)
    gusu.districts.agreement(GUSU, TIANNING).write_text(text)
    assert codes_of(gusu, GUSU) == ["district.agreement_not_in_force"]


@pytest.fixture(autouse=True)
def nothing_of_this_checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A test that forgot to say where keys are kept would find a folder of its own."""
    monkeypatch.setenv("TONGBAN_KEEP", str(tmp_path / "elsewhere"))
    yield


def test_the_row_of_a_peer_says_another_port(gusu: Office) -> None:
    bundle = district_bundle.read(gusu.districts[GUSU].join.read_text(), NOW)
    other = registry_file.member(
        HUANGPU, name_zh="黄浦区", name_en="x", broker="203.0.113.9:5999", issuer="https://a", keys=bundle.member.keys
    )
    assert yaml.safe_load(district_join.peer_row(other)) == [
        {"code": HUANGPU, "network": [{"ipBlock": {"cidr": "203.0.113.9/32"}}], "port": 5999}
    ]
