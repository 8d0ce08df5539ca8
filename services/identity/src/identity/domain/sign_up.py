"""What somebody says of themself when they register: the rules of each field. Nothing of it is proven; see proofs.py."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

from identity.domain.errors import InvalidField
from identity.domain.model import Person

#: Letters of any script, digits and . _ - : what no subject of another district and no address looks like.
_LOGIN = re.compile(r"\w[\w.-]{1,62}\w")
_EMAIL = re.compile(r"[^\s@<>\"',;:()\[\]\\]{1,64}@[\w-]+(\.[\w-]+)+")
_LONGEST_NAME, _LONGEST_EMAIL = 64, 254
LANGUAGES = ("zh-Hans", "en")


@dataclass(frozen=True)
class SignUp:
    """A registration that keeps every rule."""

    login: str
    person: Person = field(repr=False)


def normal_login(login: str) -> str:
    """User names are compared without regard to width and case."""
    return unicodedata.normalize("NFKC", login).strip().casefold()


def normal_id_number(number: str) -> str:
    return "".join(unicodedata.normalize("NFKC", number).split()).upper()


def normal_name(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).split())


def check_login(login: str) -> str:
    """The user name as it is kept. Raises InvalidField; an ID or phone number is none, because names are kept in clear."""
    login = normal_login(login)
    if not _LOGIN.fullmatch(login) or not any(character.isalpha() for character in login.rstrip("x")):
        raise InvalidField(
            "login",
            "must be 3 to 64 letters, digits, dots, hyphens or underscores, with a letter; no ID or phone number",
            "用户名须为 3 至 64 个字母、汉字、数字、点、横线或下划线，至少含一个字母或汉字；请勿使用证件号或手机号",
        )
    return login


def check_name(name: str) -> str:
    name = normal_name(name)
    if not 1 < len(name) <= _LONGEST_NAME or not all(c.isalpha() or c in " ·.'-" for c in name):
        raise InvalidField("name", "must be the name on your identity document", "请填写证件上的姓名")
    return name


def check_email(email: str) -> str:
    """An address, or nothing."""
    email = email.strip()
    if email and (len(email) > _LONGEST_EMAIL or not _EMAIL.fullmatch(email)):
        raise InvalidField("email", "is no e-mail address", "邮箱格式不正确")
    return email


def check_language(language: str) -> str:
    if language not in LANGUAGES:
        raise InvalidField("language", f"must be one of {', '.join(LANGUAGES)}", "请选择中文或英文")
    return language
