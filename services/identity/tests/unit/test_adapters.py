"""What identity takes from libraries: number checks, keys, hashes, tokens, sealing, the sample file."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from chassis.clock import new_id
from chassis.sealed import FieldKeys, SealBroken
from identity.adapters.assertions import claimed_client, verify_assertion
from identity.adapters.client_keys import canonical_key
from identity.adapters.credit_codes import is_credit_code
from identity.adapters.id_numbers import is_id_number
from identity.adapters.passwords import NOBODY, hash_password, matches, needs_new_hash
from identity.adapters.sealing import Sealing
from identity.adapters.token_keys import Holder, Signer, read_keys
from identity.domain.errors import ClientRefused, InvalidClient
from identity.samples import read_passwords, read_sample_firms, read_samples
from joserfc import jwt
from joserfc.jwk import OKPKey

from ..factories import ID_NUMBER, KEY, NOW, client

ISSUER = "https://127.20.2.1:20443"
PRIVATE = OKPKey.generate_key("Ed25519", private=True)
KIOSK = client(public_jwk=canonical_key(json.dumps(PRIVATE.as_dict(private=False))))


@pytest.mark.parametrize(
    ("number", "right"),
    [
        (ID_NUMBER, True),
        ("110101188001010012", False),  # wrong check character
        ("11010118800101001", False),
        ("110101188013010011", False),  # no such month
        ("000000188001010019", False),  # no such place
        (f" {ID_NUMBER}", False),
        ("", False),
    ],
)
def test_an_id_number_is_checked_by_gb_11643(number, right) -> None:
    assert is_id_number(number) is right


def test_a_password_matches_its_hash_only_and_the_hash_is_argon2id_of_today_s_cost() -> None:
    kept = hash_password("right")
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert matches(kept, "right")
    assert not matches(kept, "wrong")
    assert not matches("no hash at all", "right")
    assert not needs_new_hash(kept)
    assert NOBODY.split("$")[3] == kept.split("$")[3], "a name nobody has would be refused sooner"


def test_a_sealed_column_opens_in_its_own_place_only() -> None:
    sealing = Sealing(FieldKeys.plain(b"k" * 32))
    blob = sealing.seal("id_number", "one", ID_NUMBER)
    assert ID_NUMBER.encode() not in blob
    assert sealing.open("id_number", "one", blob) == ID_NUMBER
    for column, subject in (("id_number", "two"), ("name", "one")):
        with pytest.raises(SealBroken):
            sealing.open(column, subject, blob)
    assert (sealing.seal("phone", "one", ""), sealing.open("phone", "one", None)) == (None, "")


def test_a_client_key_is_kept_in_one_form_whatever_came_with_it() -> None:
    given = json.dumps({**json.loads(KEY), "kid": "x", "use": "sig"})
    assert canonical_key(given) == KEY


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "null",
        '{"kty":"OKP","crv":"Ed25519"}',
        '{"kty":"OKP","crv":"X25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}',
        '{"kty":"OKP","crv":"Ed25519","x":"AAAA"}',
        '{"kty":"OKP","crv":"Ed25519","x":7}',
        json.dumps(PRIVATE.as_dict(private=True)),
        "[" * 2000,
        " " * 3000,
    ],
)
def test_what_is_no_public_ed25519_key_is_refused(text) -> None:
    with pytest.raises(InvalidClient):
        canonical_key(text)


def assertion(key=PRIVATE, alg="EdDSA", **changes) -> str:
    now = int(NOW.timestamp())
    claims = {"iss": "kiosk-1", "sub": "kiosk-1", "aud": f"{ISSUER}/token", "jti": "j", "iat": now, "exp": now + 300}
    claims = {name: value for name, value in (claims | changes).items() if value is not None}
    return jwt.encode({"alg": alg}, claims, key, algorithms=[alg])


def verify(token: str, kept=KIOSK):
    keys = (kept.public_jwk,) if kept else ()
    return verify_assertion(token, KIOSK.client_id, keys, audiences=(ISSUER, f"{ISSUER}/token"), now=NOW)


def test_a_client_s_assertion_says_who_and_is_accepted() -> None:
    assert claimed_client(assertion()) == "kiosk-1"
    assert verify(assertion()) == ("j", NOW + timedelta(seconds=300))
    verify(assertion(aud=[ISSUER, "https://elsewhere"]))


def test_a_client_may_call_its_signature_by_the_newer_name_of_the_same_algorithm() -> None:
    """Ed25519 (RFC 9864), as npm's openid-client does; the key decides what is verified, not the name."""
    verify(assertion(alg="Ed25519"))
    with pytest.raises(ClientRefused):
        verify(assertion(OKPKey.generate_key("Ed25519"), "Ed25519"))


SECONDS = int(NOW.timestamp())


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "kiosk-2"},
        {"sub": "kiosk-2"},
        {"aud": "https://elsewhere"},
        {"aud": None},
        {"jti": None},
        {"jti": ""},
        {"jti": 7},
        {"jti": "j" * 129},
        {"jti": "a\x00b"},
        {"exp": None},
        {"exp": SECONDS - 10},
        {"exp": SECONDS + 400},
        {"exp": 10**30},
        {"nbf": SECONDS + 60},
    ],
    ids=str,
)
def test_an_assertion_with_a_wrong_claim_proves_nothing(changes) -> None:
    with pytest.raises(ClientRefused):
        verify(assertion(**changes))


def test_an_assertion_by_another_key_algorithm_or_client_proves_nothing() -> None:
    from joserfc.jwk import OctKey

    shared = OctKey.import_key(json.loads(KIOSK.public_jwk)["x"] * 2)
    forged = [assertion(OKPKey.generate_key("Ed25519")), assertion(shared, "HS256"), "", "a.b.c", assertion() + "x"]
    head, payload, _ = assertion().split(".")
    forged += [f"{head}.{payload}.", f"eyJhbGciOiJub25lIn0.{payload}."]
    for token in forged:
        with pytest.raises(ClientRefused):
            verify(token)
    with pytest.raises(ClientRefused):
        verify(assertion(), None)
    with pytest.raises(ClientRefused):
        claimed_client("nothing")


def test_an_access_token_says_what_rfc_9068_asks_for_and_is_signed_by_the_first_key() -> None:
    keys = [OKPKey.generate_key("Ed25519", {"kid": kid}) for kid in ("new", "old")]
    signer = Signer(keys, issuer=ISSUER, district="320508", new_id=new_id)
    holder = Holder(
        "s", "portal", ["citizen"], "openid api", "L4", NOW - timedelta(minutes=3), "sid-1", "grant-1", "310101", "firm"
    )
    made = signer.access_token(holder, NOW)
    token = jwt.decode(made, keys[0], algorithms=["EdDSA"])
    assert token.header == {"alg": "EdDSA", "kid": "new", "typ": "at+jwt"}
    assert token.claims.pop("jti")
    assert token.claims == {
        "iss": ISSUER,
        "aud": ["tongban-gateway:320508", ISSUER],
        "sub": "s",
        "client_id": "portal",
        "scope": "openid api",
        "iat": SECONDS,
        "exp": SECONDS + 600,
        "roles": ["citizen"],
        "acr": "L4",
        "district": "320508",
        "auth_time": SECONDS - 180,
        "sid": "sid-1",
        "grant": "grant-1",
        "home": "310101",
        "acting_for": "firm",
    }
    assert [key["kid"] for key in signer.public["keys"]] == ["new", "old"]
    assert not any("d" in key for key in signer.public["keys"])


def test_signing_keys_are_private_and_named(tmp_path) -> None:
    good = OKPKey.generate_key("Ed25519", {"kid": "k"}).as_dict(private=True)
    for found, count in ((good, 1), ({"keys": [good, good]}, 2)):
        (tmp_path / "keys").write_text(json.dumps(found))
        assert len(read_keys(tmp_path / "keys")) == count
    for bad in (
        {"keys": []},
        {"keys": [json.loads(KEY) | {"kid": "k"}]},
        {n: v for n, v in good.items() if n != "kid"},
    ):
        (tmp_path / "keys").write_text(json.dumps(bad))
        with pytest.raises(ValueError, match="private Ed25519"):
            read_keys(tmp_path / "keys")


def test_the_sample_file_is_complete_and_its_numbers_belong_to_nobody() -> None:
    samples = list(read_samples())
    people = {"citizen", "citizen2", "english", "representative", "handler"}
    assert {sample.login for sample in samples} == people | {"clerk", "operator", "agent", "fleet", "publisher"}
    assert {sample.login for sample in samples if sample.person.id_number} == people
    assert {sample.person.language for sample in samples} == {"zh-Hans", "en"}
    (firm,) = read_sample_firms()
    assert is_credit_code(firm.credit_code)
    assert {firm.representative, *firm.handlers} == {"representative", "handler"}
    for sample in samples:
        if number := sample.person.id_number:
            assert is_id_number(number)
            assert number[6:10] == "1880"


def test_a_password_file_is_a_map_of_texts(tmp_path) -> None:
    from identity.domain.errors import InvalidSample

    path = tmp_path / "passwords"
    path.write_text('{"citizen": "secret"}')
    assert read_passwords(path) == {"citizen": "secret"}
    for bad in ("- a", "citizen: 7", "a: [", ""):
        path.write_text(bad)
        with pytest.raises(InvalidSample):
            read_passwords(path)
    with pytest.raises(InvalidSample):
        read_passwords(tmp_path / "absent")
