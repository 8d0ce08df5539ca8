"""Personal data at rest opens only with the key and only in its place; masks show nothing that identifies."""

from __future__ import annotations

import base64

import pytest
from chassis.sealed import FieldCipher, SealBroken, mask_id_number, mask_name
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
