"""What the file of relying parties may say."""

from __future__ import annotations

import json

import pytest
from identity.adapters.relying_parties import read_parties
from identity.domain.errors import InvalidParty
from identity.domain.parties import Scope, granted_scope
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

KEY = OKPKey.generate_key("Ed25519")
PUBLIC = {"keys": [KEY.as_dict(private=False)]}
PORTAL = {
    "client_id": "portal",
    "name": {"zh": "门户", "en": "Portal"},
    "redirect_uris": ["https://portal.example/signed-in"],
    "post_logout_redirect_uris": ["https://portal.example/signed-out"],
    "backchannel_logout_uri": "https://portal.example/backchannel-logout",
    "scopes": ["openid", "profile", "offline_access", "api"],
    "jwks": PUBLIC,
}
SHOP = {
    "client_id": "shop",
    "name": {"zh": "商店", "en": "Shop"},
    "redirect_uris": ["https://shop.example/cb", "https://shop.example/cb2"],
    "scopes": ["openid"],
    "public": True,
}


def read(tmp_path, rows):
    path = tmp_path / "parties.json"
    path.write_text(rows if isinstance(rows, str) else json.dumps(rows))
    return read_parties([path])


def test_without_a_file_there_are_no_parties() -> None:
    assert read_parties([]) == {}


def test_a_file_is_read_as_it_says(tmp_path) -> None:
    found = read(tmp_path, [PORTAL, SHOP])
    portal, shop = found["portal"], found["shop"]
    assert (portal.public, portal.sector, portal.signed_with) == (False, "", "EdDSA")
    assert portal.backchannel_logout_uri == PORTAL["backchannel_logout_uri"]
    assert portal.post_logout_redirect_uris == ("https://portal.example/signed-out",)
    assert json.loads(portal.keys[0])["x"] == PUBLIC["keys"][0]["x"]
    assert (shop.public, shop.sector, shop.redirect_uris) == (True, "sector/shop.example", tuple(SHOP["redirect_uris"]))


def test_several_files_make_one_list_and_nobody_stands_in_two(tmp_path) -> None:
    one, two = tmp_path / "one.json", tmp_path / "two.json"
    one.write_text(json.dumps([PORTAL]))
    two.write_text(json.dumps([SHOP]))
    assert read_parties([one, two]).keys() == {"portal", "shop"}
    with pytest.raises(InvalidParty, match="twice"):
        read_parties([one, two, one])


def test_a_public_client_may_listen_on_the_person_s_own_machine(tmp_path) -> None:
    found = read(tmp_path, [SHOP | {"redirect_uris": ["http://127.0.0.1:8765/cb"]}])
    assert found["shop"].redirect_uris == ("http://127.0.0.1:8765/cb",)


@pytest.mark.parametrize(
    "kind", [lambda: ECKey.generate_key("P-256"), lambda: RSAKey.generate_key(2048)], ids=["EC", "RSA"]
)
def test_keys_of_older_software_are_taken_too(tmp_path, kind) -> None:
    assert read(tmp_path, [PORTAL | {"jwks": {"keys": [kind().as_dict(private=False)]}}])["portal"].keys


WRONG = [
    ({"client_id": "310101"}, "six digits"),
    ({"client_id": "Portal"}, "client_id must be"),
    ({"client_id": None}, "client_id must be"),
    ({"name": "门户"}, "zh and en"),
    ({"name": {"zh": "门户"}}, "zh and en"),
    ({"scopes": ["profile"]}, "openid"),
    ({"scopes": "openid"}, "openid"),
    ({"scopes": ["openid", "identity"]}, "peers alone"),
    ({"scopes": ["openid", "everything"]}, "scopes may be"),
    ({"redirect_uris": []}, "must not be empty"),
    ({"redirect_uris": "https://portal.example/"}, "list of addresses"),
    ({"redirect_uris": ["http://portal.example/"]}, "absolute https"),
    ({"redirect_uris": ["http://127.0.0.1:1/"]}, "absolute https"),
    ({"redirect_uris": ["https://portal.example/#x"]}, "absolute https"),
    ({"redirect_uris": ["https://u@portal.example/"]}, "absolute https"),
    ({"redirect_uris": ["https://portal.example/*", "/signed-in"]}, "absolute https"),
    ({"redirect_uris": ["javascript:alert(1)"]}, "absolute https"),
    ({"redirect_uris": ["https://a.example/", "https://a.example/"]}, "list of addresses"),
    ({"post_logout_redirect_uris": ["http://portal.example/"]}, "absolute https"),
    ({"backchannel_logout_uri": "http://portal.example/"}, "backchannel_logout_uri"),
    ({"id_token_alg": "none"}, "id_token_alg"),
    ({"id_token_alg": "HS256"}, "id_token_alg"),
    ({"public": True}, "either public or has keys"),
    ({"public": "yes"}, "jwks or public"),
    ({"jwks": {}}, "public keys alone"),
    ({"jwks": {"keys": []}}, "public keys alone"),
    ({"jwks": {"keys": [KEY.as_dict(private=True)]}}, "public keys alone"),
    ({"jwks": {"keys": [OctKey.generate_key(256).as_dict(private=True)]}}, "public keys alone"),
    ({"jwks": {"keys": [OKPKey.generate_key("X25519").as_dict(private=False)]}}, "public keys alone"),
    ({"jwks": {"keys": [ECKey.generate_key("P-384").as_dict(private=False)]}}, "public keys alone"),
    ({"sector": "portal.example"}, "sector is not for"),
    ({"client_secret": "x"}, "does not know client_secret"),
]


@pytest.mark.parametrize(("changes", "sentence"), WRONG, ids=lambda value: str(value)[:60])
def test_a_row_that_breaks_a_rule_is_refused_with_its_name_and_what_is_wrong(tmp_path, changes, sentence) -> None:
    with pytest.raises(InvalidParty, match=sentence) as refused:
        read(tmp_path, [PORTAL | changes])
    assert refused.value.code == "identity.invalid_party"


@pytest.mark.parametrize("rows", ["{", "{}", "[1]", [PORTAL, PORTAL]], ids=["no JSON", "no list", "no object", "twice"])
def test_a_file_that_is_none_is_refused(tmp_path, rows) -> None:
    with pytest.raises(InvalidParty):
        read(tmp_path, rows)


def test_a_party_of_several_hosts_says_which_sector_it_is(tmp_path) -> None:
    wide = SHOP | {"redirect_uris": ["https://a.example/", "https://b.example/"]}
    with pytest.raises(InvalidParty, match="sector must be named"):
        read(tmp_path, [wide])
    assert read(tmp_path, [wide | {"sector": "shops"}])["shop"].sector == "sector/shops"


def test_a_party_gets_no_more_than_it_may_ask_for(tmp_path) -> None:
    portal = read(tmp_path, [PORTAL])["portal"]
    assert granted_scope(portal, "profile openid") == "openid profile"
    for asked in ("", "profile", "openid identity", "openid api.read", "openid\tprofile"):
        assert granted_scope(portal, asked) is None
    assert set(granted_scope(portal, " ".join(PORTAL["scopes"])).split()) <= set(Scope)
