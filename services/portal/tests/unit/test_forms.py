"""A page that is open while the field keys change can still be sent, whichever process takes it."""

from __future__ import annotations

import pytest
from chassis.errors import Fault
from chassis.sealed import FieldCipher, FieldKey, FieldKeys
from portal.cookies import SESSION
from portal.forms import FIELD, Forms
from starlette.datastructures import FormData
from starlette.requests import Request

OLD, NEW = FieldKey(b"o" * 32, named=False), FieldKey(b"n" * 32)


def forms(*keys: FieldKey) -> Forms:
    return Forms(FieldCipher(FieldKeys(keys)), "https://here.example")


def posted(cookie: str = "c" * 43) -> Request:
    return Request({"type": "http", "headers": [(b"cookie", f"{SESSION}={cookie}".encode())]})


def test_a_form_is_taken_before_and_after_the_new_key_is_used() -> None:
    for made_by, sent_to in ((forms(OLD, NEW), forms(NEW, OLD)), (forms(NEW, OLD), forms(OLD, NEW))):
        sent_to.check(posted(), FormData({FIELD: made_by.token(posted())}))


def test_a_form_under_a_key_that_is_gone_or_of_another_session_is_not_taken() -> None:
    for keys, cookie in (((NEW,), "c" * 43), ((NEW, OLD), "d" * 43)):
        with pytest.raises(Fault) as refused:
            forms(*keys).check(posted(cookie), FormData({FIELD: forms(OLD).token(posted())}))
        assert refused.value.code == "portal.form_expired"
