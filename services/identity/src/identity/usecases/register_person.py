"""Somebody makes an account of their own: a citizen's, at L2 until their identity is proven."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from identity.domain.errors import InvalidField
from identity.domain.model import Account, AccountKind, Assurance, Person, Role
from identity.domain.passwords import check_password
from identity.domain.sign_up import (
    SignUp,
    check_email,
    check_language,
    check_login,
    check_name,
    normal_id_number,
)
from identity.usecases.ports import Work


def read_sign_up(
    fields: Mapping[str, str], is_id_number: Callable[[str], bool], normal_phone: Callable[[str], str]
) -> SignUp:
    """What a form says, by the rules of each field. Raises InvalidField, WeakPassword.

    Whether the name or the number is known here already plays no part: it must not be learned from the answer.
    """
    login, name = check_login(fields.get("login", "")), check_name(fields.get("name", ""))
    number = normal_id_number(fields.get("id_number", ""))
    if not is_id_number(number):
        raise InvalidField("id_number", "is not a citizen identity number (GB 11643)", "公民身份号码不正确")
    email, written = check_email(fields.get("email", "")), fields.get("phone", "").strip()
    phone = normal_phone(written) if written else ""
    if written and not phone:
        raise InvalidField("phone", "is no phone number", "手机号码不正确")
    if not email and not phone:
        raise InvalidField(
            "email", "or a phone number is needed, so that you can be told", "邮箱和手机号码请至少填写一项"
        )
    language = check_language(fields.get("language", "zh-Hans"))
    check_password(
        fields.get("password", ""), (login, number, number[6:14], email.partition("@")[0], phone[-11:], written)
    )
    return SignUp(login, Person(name, number, email, phone, language))


def register_person(work: Work, wish: SignUp, password_hash: str, *, subject: str) -> bool:
    """False where the user name is taken, and nothing is changed; the caller answers the same either way.

    The number is only claimed: others may claim it too, until one of them proves that it is theirs (GB 11643 says how it is
    written, not whose it is).
    """
    account = Account(subject, wish.login, AccountKind.PERSON, frozenset({Role.CITIZEN}), Assurance.L2, wish.person)
    return work.accounts.add_if_free(account, password_hash)
