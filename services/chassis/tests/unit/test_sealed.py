"""Personal data at rest opens only with the key and only in its place; masks show nothing that identifies."""

from __future__ import annotations

import base64

import pytest
from chassis.sealed import FieldCipher, FieldKey, FieldKeys, SealBroken, TransitSeal, mask_id_number, mask_name
from hypothesis import given
from hypothesis import strategies as st

CIPHER = FieldCipher(FieldKeys.plain(bytes(range(32))))
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
    other = FieldCipher(FieldKeys.plain(bytes(32)))
    with pytest.raises(SealBroken):
        other.open(CIPHER.seal("text", PLACE), PLACE)
    assert other.keyed_hash("text") != CIPHER.keyed_hash("text")


def test_equal_texts_have_equal_keyed_hashes() -> None:
    assert CIPHER.keyed_hash("a") == CIPHER.keyed_hash("a") != CIPHER.keyed_hash("b")


def test_the_key_is_the_one_that_settings_hold() -> None:
    with pytest.raises(ValueError, match="32 octets"):
        FieldKeys.plain(base64.b64encode(bytes(32)))


FIRST, SECOND = FieldKey(b"a" * 32, named=False), FieldKey(b"b" * 32)


def test_the_first_field_key_seals_and_names_itself_and_every_one_opens() -> None:
    before, added, used = (FieldCipher(FieldKeys(keys)) for keys in ([FIRST], [FIRST, SECOND], [SECOND, FIRST]))
    for cipher in (before, added, used):
        assert used.open(cipher.seal("text", PLACE), PLACE) == added.open(cipher.seal("text", PLACE), PLACE) == "text"
    assert before.open(added.seal("text", PLACE), PLACE) == "text", "a process that was not restarted yet"
    assert used.seal("text", PLACE)[:5] == SECOND.begins
    after = FieldCipher(FieldKeys([SECOND]))
    with pytest.raises(SealBroken):
        after.open(before.seal("text", PLACE), PLACE)
    with pytest.raises(SealBroken, match=SECOND.id):
        before.open(used.seal("text", PLACE), PLACE)


def test_a_key_s_name_in_what_it_sealed_cannot_be_changed() -> None:
    sealed = FieldCipher(FieldKeys([SECOND])).seal("text", PLACE)
    twin = FieldCipher(FieldKeys([FieldKey(SECOND.secret, named=False)]))
    with pytest.raises(SealBroken):
        twin.open(b"\x01" + sealed[5:], PLACE)
    assert twin.open(sealed, PLACE) == "text"


def test_a_hash_is_looked_for_under_every_key() -> None:
    added, used = (FieldCipher(FieldKeys(keys)) for keys in ([FIRST, SECOND], [SECOND, FIRST]))
    assert used.keyed_hashes("a") == added.keyed_hashes("a")[::-1]
    assert used.keyed_hash("a") == used.keyed_hashes("a")[0]


def test_a_setting_of_field_keys_is_read_as_it_was_written() -> None:
    text = f"{SECOND.as_text()},{FIRST.as_text()}"
    keys = FieldKeys.of(text)
    assert ([key.named for key in keys.all], keys.first.id, keys.never_changed) == ([True, False], SECOND.id, False)
    assert ",".join(key.as_text() for key in keys.all) == text
    assert FieldKeys.of(FIRST.as_text()).never_changed
    assert not FieldKeys.of(SECOND.as_text()).never_changed
    assert SECOND.as_text().partition(":")[2] not in repr(keys.all)


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("", "32 octets"),
        ("not base64!", "keys of 32 octets in base64"),
        (base64.b64encode(bytes(16)).decode(), "32 octets"),
        (f"{FIRST.as_text()},", "32 octets"),
        (f"00000000:{SECOND.as_text()[9:]}", f"its own is {SECOND.id}"),
        (f"{FIRST.as_text()},{SECOND.as_text()[9:]}", "only the key from before keys had names"),
        (f"{SECOND.as_text()},{SECOND.as_text()}", "the same key twice"),
    ],
)
def test_field_keys_that_are_none_are_refused_with_what_is_wrong(setting: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        FieldKeys.of(setting)


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
