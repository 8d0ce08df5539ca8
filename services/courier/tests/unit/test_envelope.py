"""The envelope has one form, and nothing hostile gets past its reader."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from courier.adapters import jose
from courier.adapters.seals import JoseSeals
from courier.domain import envelope, receipts
from courier.domain.canonical import canonical, digest, parse_canonical, parse_time, time_text
from courier.domain.envelope import Control, Lane
from courier.domain.errors import Malformed, Unauthenticated
from hypothesis import given
from hypothesis import strategies as st

from services.courier.tests.factories import (
    GULOU,
    GUSU,
    HUANGPU,
    NOW,
    TIANNING,
    a_member,
    a_registry,
    an_id,
    private_keys,
    sign,
    some_claims,
    some_keys,
)

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda x: st.lists(x) | st.dictionaries(st.text(), x),
    max_leaves=20,
)


@given(values)
def test_a_value_has_one_canonical_form(value) -> None:
    assert parse_canonical(canonical(value), 1 << 20) == value


@given(st.binary(max_size=100))
def test_no_bytes_break_the_canonical_reader(data: bytes) -> None:
    try:
        value = parse_canonical(data, 100)
    except Malformed:
        return
    assert canonical(value) == data


@pytest.mark.parametrize(
    "text", ['{"a":1,"a":1}', '{ "a":1}', '{"b":1,"a":1}', "1.0", "NaN", '"\\u0041"', "1e3", "[" * 9999]
)
def test_other_spellings_of_the_same_are_refused(text: str) -> None:
    with pytest.raises(Malformed):
        parse_canonical(text.encode(), 1 << 20)


@given(st.datetimes(timezones=st.just(NOW.tzinfo)))
def test_a_time_has_one_text(moment) -> None:
    if moment.year >= 1000:
        assert parse_time(time_text(moment)) == moment


claims_of_every_kind = st.builds(
    some_claims,
    epoch=st.integers(1, 2**40),
    number=st.integers(1, 2**40),
    subject_seq=st.integers(1, 2**40),
    agreement=st.integers(0, 9),
    subject=st.text(st.characters(categories=("L", "N", "P")), max_size=100),
    answers_to=st.none() | st.uuids(),
)


@given(claims_of_every_kind)
def test_what_is_encoded_is_decoded_the_same(claims) -> None:
    assert envelope.decode(envelope.encode(claims)) == claims


@pytest.mark.parametrize(
    "changes",
    [
        {"source": "32050"}, {"source": "32050x"}, {"target": ""}, {"number": 0}, {"number": -1}, {"epoch": 0},
        {"subject_seq": 0}, {"type": "os.system"}, {"subject": "a\nb"}, {"subject": "x" * 201}, {"body": "zz"},
        {"type": Control.CANARY.value}, {"number": 2**60}, {"valid_until": NOW},
    ],
)  # fmt: skip
def test_claims_that_make_no_sense_are_malformed(changes) -> None:
    with pytest.raises(Malformed):
        envelope.decode(envelope.encode(some_claims(**changes)))


def test_the_lane_follows_from_what_is_signed() -> None:
    assert some_claims().lane is Lane.MAIN
    assert some_claims(valid_until=NOW).lane is Lane.ASK
    assert some_claims(type=Control.RECEIPT.value).lane is Lane.CONTROL


@given(st.fixed_dictionaries(dict.fromkeys(("id", "source", "number", "subject", "time", "head", "type"), values)))
def test_no_json_breaks_the_readers_of_claims_and_receipts(value) -> None:
    base = json.loads(envelope.encode(some_claims()))
    for changed in (base | value, {**base, "subject": value["subject"]}, {**base, "head": value["head"]}, value):
        with suppress(Malformed):
            envelope.decode(json.dumps(changed).encode())
        with suppress(Malformed):
            receipts.decode(json.dumps({"items": [list(changed.values())], **changed}).encode())


@given(st.binary(max_size=300))
def test_no_bytes_break_the_splitter(data: bytes) -> None:
    try:
        envelope.split(data)
    except Malformed:
        return
    assert data.count(b"\n") == 1


def test_more_than_a_mebibyte_is_not_looked_at() -> None:
    with pytest.raises(Malformed, match="too_large"):
        envelope.split(b"a" * (envelope.MAX_ENVELOPE + 1))


def test_the_largest_body_fits_into_an_envelope() -> None:
    sealed = seals(GUSU).seal(HUANGPU, "x" * 100, bytes(envelope.MAX_BODY), NOW)
    claims = some_claims(subject="x" * envelope.MAX_SUBJECT, answers_to=an_id())
    assert len(envelope.join(sign(GUSU, envelope.encode(claims)), sealed)) <= envelope.MAX_ENVELOPE


# Sealed and signed ------------------------------------------------------------------------------------------------------


def seals(code: str, **changes) -> JoseSeals:
    return JoseSeals(code, a_registry(*(a_member(c) for c in (GUSU, HUANGPU, GULOU))), private_keys(code))


def an_envelope(**changes) -> bytes:
    sealed = seals(GUSU).seal(HUANGPU, "item-1", b"content", NOW)
    claims = replace(some_claims(body=digest(sealed.encode())), **changes)
    return envelope.join(sign(GUSU, envelope.encode(claims)), sealed)


def test_an_envelope_opens_at_its_target() -> None:
    claims, _, sealed = seals(HUANGPU).open_envelope(an_envelope())
    opened = seals(HUANGPU).unseal(sealed)
    assert (claims.source, opened.opens, opened.message) == (GUSU, "item-1", b"content")


def test_the_body_is_not_readable_on_the_way() -> None:
    assert b"content" not in an_envelope()
    with pytest.raises(Malformed, match="sealed_to_unknown_key"):
        seals(GULOU).unseal(envelope.split(an_envelope())[1])


def test_every_field_of_the_claims_is_covered_by_the_signature() -> None:
    jws, sealed = envelope.split(an_envelope())
    header, _, signature = jws.split(".")
    claims = envelope.decode(jose.unverified_payload(jws))
    others = {
        "id": an_id(), "epoch": 2, "number": 9, "subject": "case/other", "subject_seq": 9, "agreement": 7,
        "type": "tongban.hotline.v1.TicketAnswered", "schema": 2, "time": NOW - timedelta(hours=1),
        "answers_to": an_id(), "valid_until": NOW, "head": replace(claims.head, seq=8), "body": "1" * 64,
        "source": GULOU, "target": GULOU,
    }  # fmt: skip
    for field, other in others.items():
        changes = {field: other, **({"subject_seq": 0} if field == "valid_until" else {})}
        forged = sign(GUSU, envelope.encode(replace(claims, **changes))).split(".")[1]
        with pytest.raises(Unauthenticated):
            seals(HUANGPU).open_envelope(envelope.join(f"{header}.{forged}.{signature}", sealed))


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"target": GULOU}, "wrong_target"), ({"body": "0" * 64}, "body_differs"), ({"source": TIANNING}, "no_link")],
)
def test_an_envelope_not_meant_for_us_in_this_form_is_nobodys(changes, code) -> None:
    with pytest.raises(Unauthenticated, match=code):
        seals(HUANGPU).open_envelope(an_envelope(**changes))


def test_a_signature_by_another_members_key_is_refused() -> None:
    sealed = seals(GUSU).seal(HUANGPU, "", b"", NOW)
    claims = some_claims(body=digest(sealed.encode()))
    with pytest.raises(Unauthenticated, match="unknown_key"):
        seals(HUANGPU).open_envelope(envelope.join(sign(GULOU, envelope.encode(claims)), sealed))


def test_the_algorithm_is_the_registrys_not_the_messages() -> None:
    private, public = some_keys("ES256")
    registry = a_registry(a_member(GUSU, keys=tuple(public)), a_member(HUANGPU))
    made = JoseSeals(GUSU, registry, private)
    assert seals_of(registry).verify(made.sign(b"x", NOW), GUSU, NOW) == b"x"
    claimed_as_eddsa = a_registry(
        a_member(GUSU, keys=tuple(replace(key, alg="EdDSA") if key.use == "sig" else key for key in public)),
        a_member(HUANGPU),
    )
    with pytest.raises(Unauthenticated, match="bad_signature"):
        seals_of(claimed_as_eddsa).verify(made.sign(b"x", NOW), GUSU, NOW)


def seals_of(registry) -> JoseSeals:
    return JoseSeals(HUANGPU, registry, private_keys(HUANGPU))


def test_a_signature_without_a_key_is_refused() -> None:
    import base64

    none = base64.urlsafe_b64encode(b'{"alg":"none","kid":"x"}').decode().rstrip("=") + "..".replace("..", ".e30.")
    with pytest.raises((Malformed, Unauthenticated)):
        seals(HUANGPU).verify(none, GUSU, NOW)


@pytest.mark.parametrize("signed_at", [NOW - timedelta(days=4), NOW + timedelta(days=1)])
def test_a_key_counts_only_within_its_dates(signed_at) -> None:
    keys = tuple(replace(key, valid_until=NOW + timedelta(hours=1)) for key in a_member(GUSU).keys)
    registry = a_registry(a_member(GUSU, keys=keys), a_member(HUANGPU))
    with pytest.raises(Unauthenticated, match="key_not_valid_then"):
        seals_of(registry).verify(sign(GUSU, b"x"), GUSU, signed_at)


def test_a_retired_key_still_proves_what_was_signed_while_it_counted() -> None:
    keys = tuple(replace(key, valid_until=NOW + timedelta(hours=1)) for key in a_member(GUSU).keys)
    registry = a_registry(a_member(GUSU, keys=keys), a_member(HUANGPU))
    assert seals_of(registry).verify(sign(GUSU, b"x"), GUSU, NOW) == b"x"
