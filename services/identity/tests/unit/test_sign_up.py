"""Who may register how: the rules of the fields and of passwords, and accounts that people and operators make."""

from __future__ import annotations

import pytest
from identity.adapters.id_numbers import is_id_number
from identity.adapters.phones import normal_phone
from identity.domain.errors import InvalidField, LoginTaken, WeakPassword
from identity.domain.model import AccountKind, Assurance, Role
from identity.domain.passwords import check_password
from identity.usecases.add_staff import add_staff, new_staff
from identity.usecases.register_person import read_sign_up, register_person

from ..factories import ID_NUMBER, PASSWORD, account
from ..fakes import FakeWork

FORM = {
    "login": "Zhang.San",
    "password": PASSWORD,
    "name": "张三",
    "id_number": "11010118800101001 1",
    "phone": "138 0013 8000",
    "email": "",
    "language": "zh-Hans",
}


def read(**changes):
    return read_sign_up(FORM | changes, is_id_number, normal_phone)


def test_a_registration_is_read_in_the_form_in_which_it_is_kept() -> None:
    wish = read()
    assert (wish.login, wish.person.name, wish.person.id_number) == ("zhang.san", "张三", ID_NUMBER)
    assert (wish.person.phone, wish.person.email, wish.person.language) == ("+8613800138000", "", "zh-Hans")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("login", ""),
        ("login", "ab"),
        ("login", "a" * 65),
        ("login", "a b c"),
        ("login", "310101:zhang"),
        ("login", ID_NUMBER),
        ("login", "11010118800101007x"),
        ("login", "13800138000"),
        ("name", ""),
        ("name", "张"),
        ("name", "<b>x</b>"),
        ("name", "张" * 65),
        ("id_number", ""),
        ("id_number", "110101188001010012"),
        ("id_number", "880101001"),
        ("phone", "12"),
        ("phone", ""),
        ("email", "nobody"),
        ("email", "a@b"),
        ("email", "a@b.example\r\nBcc: c@d.example"),
        ("language", "fr"),
    ],
)
def test_a_field_that_breaks_its_rule_is_named_in_both_languages(field, value) -> None:
    with pytest.raises(InvalidField) as refused:
        read(**{field: value})
    named = "email" if (field, value) == ("phone", "") else field
    assert (refused.value.code, refused.value.details["field"]) == ("identity.invalid_field", named)
    assert refused.value.zh.endswith("。")
    assert value == "" or value not in str(refused.value)


def test_a_person_registers_at_the_weakest_assurance_as_a_citizen_and_nothing_more() -> None:
    work = FakeWork()
    assert register_person(work, read(), "a hash", subject="new")
    kept = work.accounts.by_login("zhang.san")
    assert (kept.acr, kept.roles, kept.kind, kept.sample) == (
        Assurance.L2,
        frozenset({Role.CITIZEN}),
        AccountKind.PERSON,
        False,
    )


def test_a_taken_name_keeps_its_owner_and_a_number_that_others_claim_too_keeps_nobody_out() -> None:
    work = FakeWork()
    work.accounts.add(account("zhang.san"), "theirs")
    assert not register_person(work, read(), "mine", subject="new")
    assert work.accounts.password_hash(work.accounts.by_login("zhang.san").subject) == "theirs"
    assert register_person(work, read(login="another"), "mine", subject="new")


@pytest.mark.parametrize(
    "password",
    [
        "",
        "elevenchars",
        "x" * 257,
        "123456789012",
        "198801011988",
        "abababababab",
        "aaaaaaaaaaaab",
        "password1234",
        "Password!2345",
        "qwertyuiop12",
        "abcdefghijkl",
        "woaini5201314",
        "1qaz2wsx3edc",
        "zxcvbnmasdfghjkl",
        "correctcorrect",
        "my name is zhang.san!",
        "18800101 was a day",
    ],
)
def test_a_password_that_would_be_tried_first_is_refused(password) -> None:
    with pytest.raises(WeakPassword) as refused:
        read(password=password)
    assert refused.value.code == "identity.weak_password"
    assert refused.value.zh.endswith("。")
    assert not password or password not in str(refused.value)


@pytest.mark.parametrize(
    "password", [PASSWORD, "床前明月光疑是地上霜举头", "x7#Kq2!mZp9w", "我的猫叫小黑今年三岁啦", "4f1c9a0b7e2d"]
)
def test_a_long_password_of_ones_own_is_taken_as_it_is(password) -> None:
    if len(password) >= 12:
        check_password(password, ("zhang.san",))
    else:
        with pytest.raises(WeakPassword):
            check_password(password)


def test_staff_is_added_with_the_roles_that_were_named_and_a_taken_name_changes_nothing() -> None:
    work = FakeWork()
    made = new_staff("s", "Wang.Wu", "王五", "wang@district.example", ["operator", "clerk"])
    add_staff(work, made, "a hash")
    kept = work.accounts.by_login("wang.wu")
    assert (kept.kind, kept.roles) == (AccountKind.STAFF, frozenset({Role.OPERATOR, Role.CLERK}))
    with pytest.raises(LoginTaken) as refused:
        add_staff(work, new_staff("t", "wang.wu", "王五", "", ["clerk"]), "another")
    assert refused.value.code == "identity.login_taken"
    assert work.accounts.password_hash("s") == "a hash"


@pytest.mark.parametrize("roles", [[], ["citizen"], ["kiosk", "operator"], ["nothing"]])
def test_staff_is_given_no_citizen_s_or_machine_s_role(roles) -> None:
    with pytest.raises(InvalidField):
        new_staff("s", "wang.wu", "王五", "", roles)
