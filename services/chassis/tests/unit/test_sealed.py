"""Personal data at rest opens only with the key and only in its place; masks show nothing that identifies."""

from __future__ import annotations

import base64

import pytest
from chassis.sealed import FieldCipher, SealBroken, TransitSeal, mask_id_number, mask_name
from hypothesis import given
from hypothesis import strategies as st

CIPHER = FieldCipher(bytes(range(32)))
PLACE = "case.applicant_id_number/C1"


@given(st.text())
def test_what_was_sealed_opens_in_its_place(text: str) -> None:
    assert CIPHER.open(CIPHER.seal(text, PLACE), PLACE) == text


def test_equal_texts_look_different_and_hide_what_they_are() -> None:
    one, other = (CIPHER.seal("310101199001011234", PLACE) for _ in range(2))
    assert one != other
    assert b"3101" not in one


@pytest.mark.parametrize("place", ["case.applicant_id_number/C2", "case.applicant_name/C1", ""])
def test_it_opens_nowhere_else(place: str) -> None:
    with pytest.raises(SealBroken):
        CIPHER.open(CIPHER.seal("text", PLACE), place)


def test_every_altered_octet_is_found() -> None:
    sealed = CIPHER.seal("text", PLACE)
    for at in range(len(sealed)):
        with pytest.raises(SealBroken):
            CIPHER.open(sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :], PLACE)
        with pytest.raises(SealBroken):
            CIPHER.open(sealed[:at], PLACE)


def test_another_key_opens_and_finds_nothing() -> None:
    other = FieldCipher(bytes(32))
    with pytest.raises(SealBroken):
        other.open(CIPHER.seal("text", PLACE), PLACE)
    assert other.keyed_hash("text") != CIPHER.keyed_hash("text")


def test_equal_texts_have_equal_keyed_hashes() -> None:
    assert CIPHER.keyed_hash("a") == CIPHER.keyed_hash("a") != CIPHER.keyed_hash("b")


def test_the_key_is_the_one_that_settings_hold() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        FieldCipher(base64.b64encode(bytes(32)))


@pytest.mark.parametrize(
    ("number", "masked"),
    [("310101199001011234", "3101**********1234"), ("E12345678", "E123*5678"), ("12345678", "********"), ("", "")],
)
def test_a_masked_number_shows_its_ends_only(number: str, masked: str) -> None:
    assert mask_id_number(number) == masked


@pytest.mark.parametrize(("name", "masked"), [("王小明", "王**"), ("王", "*"), (" 欧阳 ", "欧*"), ("", "")])
def test_a_masked_name_shows_its_first_character(name: str, masked: str) -> None:
    assert mask_name(name) == masked


OLD, NEW = (base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2))


def test_a_message_opens_under_its_id_and_type_alone() -> None:
    transit = TransitSeal.of(NEW)
    sealed = transit.seal(b"body", id="m1", type="T")
    assert transit.open(sealed, id="m1", type="T") == b"body"
    for id, type in (("m2", "T"), ("m1", "U"), ("m1 T", ""), ("", "m1 T")):
        with pytest.raises(SealBroken):
            transit.open(sealed, id=id, type=type)


def test_a_message_that_was_never_sealed_does_not_open() -> None:
    for body in (b"", b"body", bytes(29), b"\x01" + bytes(40)):
        with pytest.raises(SealBroken):
            TransitSeal.of(NEW).open(body, id="m1", type="T")


def test_a_new_transit_key_goes_in_front_and_the_old_one_opens_until_it_is_gone() -> None:
    before, both, after = TransitSeal.of(OLD), TransitSeal.of(f"{NEW},{OLD}"), TransitSeal.of(NEW)
    of_before, of_both = (transit.seal(b"body", id="m1", type="T") for transit in (before, both))
    assert both.open(of_before, id="m1", type="T") == both.open(of_both, id="m1", type="T") == b"body"
    assert after.open(of_both, id="m1", type="T") == b"body"
    with pytest.raises(SealBroken):
        after.open(of_before, id="m1", type="T")


@pytest.mark.parametrize("setting", ["", "short", base64.b64encode(bytes(16)).decode(), f"{NEW},", "not base64!"])
def test_a_transit_key_that_is_none_is_refused(setting: str) -> None:
    with pytest.raises(ValueError, match="32"):
        TransitSeal.of(setting)
